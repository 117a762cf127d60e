"""CPython's whole `python -m test`, module by module, plainly and under the preload library: a run of an hour or more.

  cpython_whole_suite.py --list                    names, CTest labels, timeouts and arguments, one run a line
  cpython_whole_suite.py --preload LIBRARY --python 3.11 [MODULE ...]
  ... --results FILE                               keeps the results, and goes on where FILE ends
  ... --check                                      check mode; without MODULE, those that allocate most
  cpython_whole_suite.py --summary FILE            what FILE says, as text

Each module runs in both ways at the same time, without the resources that regrtest must be asked for (network, gui,
largefile, ...). What ends differently is repeated up to twice, and counts when it differs each time. FILE has one JSON
object a line. The exit status is 77 if the interpreter ships no tests.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cpython_suite import check_hook, chosen_pythons, differences, name_of
from preload_run import SKIP, Failure, existing_library, plain_environment, preloaded, read_reports, run, served
from regression_run import Results, run_modules

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
from pythons import Python, find_pythons  # noqa: E402

REPEATS = 2
TIMEOUT_S = 4 * 3600
LINES_MAX = 20
# Waits for ever for VSOCK, plainly too, on a virtual machine that offers none.
LEFT_OUT = ("*.ThreadedVSOCKSocketStreamTest.*",)
# These say what is so: part of a test's name, and why it must fail on smallblock.
EXPECTED = {
    "CmdLineTest.test_pythonmalloc": "expects the allocator to be called pymalloc",
    "CmdLineTest.test_xdev": "expects the allocator below -X dev's debug hooks to be called pymalloc",
    "SysModuleTest.test_debugmallocstats": "expects pymalloc's table, which CPython prints only if pymalloc is in use",
    "SysModuleTest.test_getallocatedblocks": "expects blocks in pymalloc",
}
ALLOCATING = (
    *("test_dict", "test_list", "test_json", "test_gc", "test_collections", "test_re", "test_pickle", "test_set"),
    *("test_tuple", "test_bytes", "test_deque", "test_itertools", "test_copy", "test_struct", "test_array"),
    *("test_weakref", "test_heapq", "test_sort", "test_unicode", "test_str"),
)


@dataclass
class Verdict:
    """What became of one module; `lasting` differs each time, `once` only at first, `failing` fails in both ways."""

    module: str
    state: str = "not run"
    tests: int = 0
    failing: list[str] = field(default_factory=list)
    lasting: dict[str, str] = field(default_factory=dict)
    once: dict[str, str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    unserved: bool = False

    @property
    def unexplained(self) -> dict[str, str]:
        """`lasting` without what is expected; that makes its module end differently too."""
        expected = {name for name in self.lasting if any(part in name for part in EXPECTED)}
        if expected:
            # regrtest's file has a failed subtest under no name.
            expected |= {f"module {self.module}", ""}
        return {name: how for name, how in self.lasting.items() if name not in expected}

    @property
    def good(self) -> bool:
        return not (self.unexplained or self.complaints or self.unserved)


def failing_tests(results: Results) -> list[str]:
    bad = {"failure", "error", "reported"}
    return sorted(name for name, words in results.tests.items() if bad & set(words))


class Suite:
    """One interpreter's modules, in both ways."""

    def __init__(self, python: Python, preload: Path, check: bool) -> None:
        self.python = python
        self.preload = preload
        self.check = check

    def modules(self) -> list[str]:
        command = [self.python.executable, "-m", "test", "--list-tests"]
        outcome = run(command, Path.cwd(), plain_environment(), timeout_s=120)
        return outcome.stdout.decode().split() if outcome.status == 0 else []

    def run_once(self, module: str, scratch: Path) -> tuple[Results, Results, bool]:
        """Plainly, under the preload, and whether smallblock served a process of the latter."""
        report = scratch / "reports" / "report"
        report.parent.mkdir(parents=True)
        ours = preloaded(plain_environment(), [self.preload], report)
        if self.check:
            ours["SMALLBLOCK_CHECK"] = "1"
        with ThreadPoolExecutor(max_workers=2) as pool:
            plain, other = (
                pool.submit(run_modules, self.python.executable, [module], 1, scratch / kind, environment, LEFT_OUT)
                for kind, environment in (("plain", plain_environment()), ("preloaded", ours))
            )
            return plain.result(), other.result(), any(served(entry) for entry in read_reports(report))

    def judge(self, module: str) -> Verdict:
        verdict = Verdict(module)
        found: dict[str, str] | None = None
        for _ in range(1 + REPEATS):
            with tempfile.TemporaryDirectory(prefix="smallblock-suite-", ignore_cleanup_errors=True) as scratch:
                plain, other, was_served = self.run_once(module, Path(scratch))
            now = differences(plain, other)
            if found is None:
                verdict.state = plain.modules.get(module, "unknown")
                verdict.tests = len(plain.tests)
                verdict.failing = failing_tests(plain)
                found = now
            verdict.complaints += other.complaints
            verdict.unserved = verdict.unserved or not was_served
            lasting = {name: now[name] for name in found if name in now}
            verdict.once.update({name: found[name] for name in found if name not in lasting})
            found = lasting
            if not found:
                break
        verdict.lasting = found or {}
        return verdict

    def verdict_of(self, module: str) -> Verdict:
        try:
            return self.judge(module)
        except Failure as failure:
            return Verdict(module, lasting={module: str(failure)[-2000:]})


def read_verdicts(path: Path) -> dict[str, Verdict]:
    lines = path.read_text().splitlines() if path.exists() else []
    verdicts = (Verdict(**json.loads(line)) for line in lines)
    return {verdict.module: verdict for verdict in verdicts}


def summary(verdicts: Mapping[str, Verdict]) -> str:
    """Numbers, then what is not simply the same, by name."""
    everything = sorted(verdicts.values(), key=lambda verdict: verdict.module)
    tests = sum(verdict.tests for verdict in everything)
    lines = [f"{len(everything)} modules, {tests} tests, {sum(not verdict.good for verdict in everything)} differ"]
    for verdict in everything:
        for name, how in list(verdict.lasting.items())[:LINES_MAX]:
            word = "DIFFERS" if name in verdict.unexplained else "expected"
            lines.append(f"{word} {verdict.module}: {name}: {how}")
        lines += [f"DIFFERS {verdict.module}: says: {line}" for line in verdict.complaints[:5]]
        if verdict.unserved:
            lines.append(f"DIFFERS {verdict.module}: no process was served by smallblock")
        lines += [f"once    {verdict.module}: {name}: {how}" for name, how in verdict.once.items()]
        lines += [f"both    {verdict.module}: {name}" for name in verdict.failing]
    return "\n".join(lines)


def run_suite(suite: Suite, wanted: Sequence[str], results: Path) -> int:
    done = read_verdicts(results)
    every = suite.modules()
    modules = [module for module in every if module not in done and (not wanted or module in wanted)]
    if not every:
        print(f"skipped: {suite.python.label} comes without its tests")
        return SKIP
    with tempfile.TemporaryDirectory(prefix="smallblock-suite-") as scratch:
        check_hook(suite.python, suite.preload, Path(scratch))
    with results.open("a") as file:
        for module in modules:
            done[module] = verdict = suite.verdict_of(module)
            file.write(json.dumps(asdict(verdict)) + "\n")
            file.flush()
            print(f"{'same   ' if verdict.good else 'DIFFERS'} {module} {verdict.tests}", flush=True)
    print(summary(done))
    return 0 if all(verdict.good for verdict in done.values()) else 1


def print_list() -> None:
    for python in chosen_pythons(find_pythons().pythons):
        for ending, more in (("", ()), ("_check", ("--check",))):
            name = f"whole_suite_{name_of(python)}{ending}"
            print(name, "programs,soak", TIMEOUT_S, f"--python={python.executable}", *more, sep="\t")


def main() -> int:
    # A job in a shell's background ignores it, and its children would: tests of signals wait for ever then.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the runs and exit")
    parser.add_argument("--preload", type=existing_library, metavar="LIBRARY")
    parser.add_argument("--python", metavar="VERSION", help="a version, or the path of one")
    parser.add_argument("--results", type=Path, metavar="FILE")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--summary", type=Path, metavar="FILE")
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    arguments = parser.parse_args()
    if arguments.list:
        print_list()
        return 0
    if arguments.summary:
        print(summary(read_verdicts(arguments.summary)))
        return 0
    if not (arguments.preload and arguments.python):
        parser.error("pass --preload LIBRARY and --python VERSION, or --summary FILE")
    pythons = [python for python in find_pythons().pythons if python.matches(arguments.python)]
    if not pythons:
        parser.error(f"there is no CPython {arguments.python}; bench/pythons.py lists those from 3.9 up")
    suite = Suite(pythons[0], arguments.preload, arguments.check)
    wanted = arguments.modules or (ALLOCATING if arguments.check else ())
    with tempfile.TemporaryDirectory(prefix="smallblock-suite-") as folder:
        return run_suite(suite, wanted, arguments.results or Path(folder) / "results")


if __name__ == "__main__":
    sys.exit(main())
