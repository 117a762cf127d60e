"""CPython's own tests, plainly and under the preload library: every test must end in the same way.

  cpython_suite.py --list                          CPythons, CTest labels and timeouts, one a line
  cpython_suite.py --preload LIBRARY               the CPythons that ./test chooses
  cpython_suite.py --preload LIBRARY --all         every CPython from 3.9 up
  cpython_suite.py --preload LIBRARY --python 3.12 these; a version or a path, may be repeated

Both runs take place at the same time, so that a busy machine is the same for both. A test that ends differently is
repeated, its module alone in both ways, before it counts; a crash or a complaint of smallblock's counts at once.
The exit status is 77 if an interpreter ships no tests and nothing failed.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from preload_run import SKIP, Failure, existing_library, plain_environment, preloaded, read_reports, run, served
from regression_run import MODULES, RUN_TIMEOUT_S, Results, run_modules, shipped_modules

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
from pythons import Python, find_pythons  # noqa: E402

JOBS = 2
LIVE_OBJECTS = Path(__file__).resolve().parent / "workloads" / "live_objects.py"
LIVE_BYTES_MIN = 500_000 * 32


class NoTests(Exception):
    """The interpreter comes without the tests."""


def chosen_pythons(pythons: Sequence[Python]) -> list[Python]:
    """The newest in libpython.so, and the newest static one or else the oldest: as different as there are."""
    with_tests = [python for python in pythons if not python.free_threaded and shipped_modules(python.executable)]
    newest = [python for python in with_tests if python.shared][-1:] or with_tests[-1:]
    static = [python for python in with_tests if not python.shared and python not in newest]
    return newest + (static[-1:] or [python for python in with_tests if python not in newest][:1])


def name_of(python: Python) -> str:
    words = [f"cpython_{python.version_text}"]
    words += [word for word, is_so in (("static", not python.shared), ("debug", python.debug)) if is_so]
    return "_".join(words + (["free_threaded"] if python.free_threaded else []))


def check_hook(python: Python, preload: Path, scratch: Path) -> None:
    """The objects of the interpreter itself must come from smallblock; a free-threaded one must be left alone."""
    report = scratch / "hook"
    environment = preloaded(plain_environment(), [preload], report)
    outcome = run([python.executable, "-s", str(LIVE_OBJECTS)], scratch, environment, timeout_s=120)
    live_bytes = sum(int(str(entry["live_bytes"])) for entry in read_reports(report))
    if outcome.status != 0:
        raise Failure(f"{LIVE_OBJECTS.name} ends with {outcome.status}: {outcome.stderr.decode(errors='replace')}")
    if (live_bytes >= LIVE_BYTES_MIN) == python.free_threaded:
        raise Failure(f"{live_bytes} live bytes at the end of {LIVE_OBJECTS.name}: is CPython's allocator hooked?")


def check_no_crash(plain: Results, other: Results) -> None:
    crashed = sorted(other.crashed - plain.crashed)
    if crashed or other.complaints:
        lines = "\n".join(other.complaints[:20]) or other.output[-6000:]
        raise Failure(f"crashed under the preload: {' '.join(crashed) or 'nothing'}; the output:\n{lines}")


def run_both(
    python: Python, modules: Sequence[str], jobs: int, preload: Path, scratch: Path
) -> tuple[Results, Results]:
    """Plain and preloaded at once; checks that nothing crashed and smallblock served every module's process."""
    report = scratch / "reports" / "report"
    report.parent.mkdir(parents=True)
    environments = {"plain": plain_environment()}
    environments["preloaded"] = preloaded(environments["plain"], [preload], report)
    with ThreadPoolExecutor(max_workers=2) as pool:
        futures = [
            pool.submit(run_modules, python.executable, modules, jobs, scratch / kind, environment)
            for kind, environment in environments.items()
        ]
        plain, other = (future.result() for future in futures)
    check_no_crash(plain, other)
    active = sum(served(entry) for entry in read_reports(report))
    if active < len(other.modules):
        raise Failure(f"{len(other.modules)} modules ran, but smallblock served only {active} processes")
    print(f"  {len(other.tests)} tests of {len(other.modules)} modules, {active} processes served by smallblock")
    return plain, other


def differences(plain: Results, other: Results) -> dict[str, str]:
    """What ended differently, with both outcomes."""
    found = {}
    for kind, before, after in (("", plain.tests, other.tests), ("module ", plain.modules, other.modules)):
        for name in sorted(set(before) | set(after)):
            if before.get(name) != after.get(name):
                found[kind + name] = f"plain {before.get(name, 'missing')}, preloaded {after.get(name, 'missing')}"
    return found


def modules_of(names: Sequence[str], modules: Sequence[str]) -> list[str]:
    """The modules that the named tests belong to; all of them if one cannot be told."""
    found = set()
    for name in names:
        mine = [module for module in modules if re.search(rf"\b{re.escape(module)}\b", name)]
        if not mine:
            return list(modules)
        found.add(max(mine, key=len))
    return sorted(found)


def compare_suites(python: Python, preload: Path, scratch: Path) -> None:
    modules = shipped_modules(python.executable)
    left_out = [module for module in MODULES if module not in modules]
    if left_out:
        print(f"  skipped, not shipped with it: {' '.join(left_out)}")
    if not modules:
        raise NoTests
    check_hook(python, preload, scratch)
    plain, other = run_both(python, modules, JOBS, preload, scratch / "first")
    failing = sorted(name for name, words in plain.tests.items() if {"failure", "error"} & set(words))
    if failing:
        print(f"  fail plainly and preloaded alike: {' '.join(failing)}")
    first = differences(plain, other)
    if not first:
        return
    suspects = modules_of(list(first), sorted(set(plain.modules) | set(other.modules)))
    print(f"  {len(first)} tests ended differently; repeating {' '.join(suspects)}", flush=True)
    plain, other = run_both(python, suspects, 1, preload, scratch / "again")
    again = differences(plain, other)
    for name in sorted(set(first) - set(again)):
        print(f"  differed once, not when repeated: {name}: {first[name]}")
    lasting = sorted(set(first) & set(again))
    if lasting:
        raise Failure("\n".join(["tests end differently:", *(f"  {name}: {again[name]}" for name in lasting)]))


def run_suites(pythons: Sequence[Python], preload: Path) -> int:
    failed = skipped = 0
    for python in pythons:
        print(f"{name_of(python)}: {python.label}, {python.executable}", flush=True)
        start = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix="smallblock-cpython-") as scratch:
                compare_suites(python, preload, Path(scratch))
            print(f"same    {name_of(python)} ({time.monotonic() - start:.0f} s)", flush=True)
        except NoTests:
            skipped += 1
            print(f"skipped {name_of(python)}: it comes without its tests", flush=True)
        except Failure as failure:
            failed += 1
            print(f"FAILED  {name_of(python)}: {failure}", flush=True)
    if failed:
        return 1
    return SKIP if skipped else 0


def print_list(pythons: Sequence[Python]) -> None:
    """For CMake: name, labels, timeout, arguments. One without tests is no soak test: it always says so."""
    chosen = chosen_pythons(pythons)
    for python in pythons:
        usual = python in chosen or not shipped_modules(python.executable)
        labels = "programs,slow" if usual else "programs,slow,soak"
        print(name_of(python), labels, 2 * RUN_TIMEOUT_S + 120, f"--python={python.executable}", sep="\t")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the CPythons and exit")
    parser.add_argument("--all", action="store_true", help="every CPython that is found")
    parser.add_argument("--python", action="append", default=[], metavar="VERSION", help="only this one")
    parser.add_argument("--preload", type=existing_library, metavar="LIBRARY")
    arguments = parser.parse_args()
    pythons = find_pythons().pythons
    if arguments.list:
        print_list(pythons)
        return 0
    if arguments.preload is None:
        parser.error("pass --preload LIBRARY")
    if arguments.python:
        pythons = [python for python in pythons if any(python.matches(wish) for wish in arguments.python)]
        if not pythons:
            parser.error(f"there is no CPython {' or '.join(arguments.python)}; --list shows those from 3.9 up")
    elif not arguments.all:
        pythons = chosen_pythons(pythons)
    return run_suites(pythons, arguments.preload)


if __name__ == "__main__":
    sys.exit(main())
