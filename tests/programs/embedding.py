"""Interpreters inside a C program, started and ended many times: plainly, under the preload, and linked with it.

  embedding.py --list                              names, CTest labels, timeouts and arguments, one CPython a line
  embedding.py --preload LIBRARY --python PATH     one CPython; --long: as many cycles as a service sees in its life

embedding/embedded.c says what a cycle is. CPython itself loses memory in some of them: smallblock must not add to
that. The exit status is 77 if the interpreter ships no headers or no libpython.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cpython_suite import name_of
from preload_run import SKIP, Failure, existing_library, plain_environment, preloaded, read_reports, run

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
from pythons import find_pythons  # noqa: E402

SOURCE = Path(__file__).resolve().parent / "embedding" / "embedded.c"
CYCLES = {"main": 8, "sub": 16, "own_gil": 16}
CYCLES_LONG = {"main": 100, "sub": 1000, "own_gil": 1000}
# One cycle works on about 2 MiB; what glibc and the kernel keep varies by some hundred KiB.
MORE_KIB_MAX = 1536
# What CPython loses takes other rounding in our pools than in pymalloc's.
MORE_OF_LOST = 0.02
# Of the arena that pymalloc begins before we are below its hooks; it stays if a block in it does.
BEGUN_ARENA_KIB_MAX = 256
DEBUG = {"PYTHONMALLOC": "debug"}
# The rows of one cycle; without the hook only what CPython takes from malloc would show.
PEAK_LIVE_BYTES_MIN = 1_500_000
PROBE = """
import json, os, sysconfig
get = sysconfig.get_config_var
folders = [os.path.join(get("LIBDIR"), get("MULTIARCH") or ""), get("LIBDIR")]
libraries = [os.path.join(folder, get("LDLIBRARY")) for folder in folders]
include = sysconfig.get_path("include")
print(json.dumps({
    "include": include if os.path.exists(os.path.join(include, "Python.h")) else "",
    "library": next((path for path in libraries if path.endswith(".so") and os.path.exists(path)), ""),
}))
"""


class Missing(Exception):
    """What the machine lacks for this interpreter."""


@dataclass(frozen=True)
class Programs:
    """The C program, once without smallblock and once linked with it."""

    plain: Path
    linked: Path


def build(python: str, preload: Path, folder: Path) -> Programs:
    compiler = shutil.which("cc")
    if compiler is None:
        raise Missing("there is no C compiler cc")
    told = run([python, "-c", PROBE], folder, plain_environment(), timeout_s=60)
    answer = json.loads(told.stdout)
    for what in ("include", "library"):
        if not answer[what]:
            raise Missing(f"{python} ships no {'Python.h' if what == 'include' else 'libpython'}")
    library = Path(answer["library"])
    python_options = [str(library), f"-Wl,-rpath,{library.parent}"]
    our_options = ["-Wl,--no-as-needed", str(preload), f"-Wl,-rpath,{preload.parent}"]
    programs = Programs(folder / "embedded", folder / "embedded_linked")
    for program, options in ((programs.plain, python_options), (programs.linked, our_options + python_options)):
        command = [compiler, "-O1", "-Wall", "-Wextra", "-pthread", "-I", answer["include"], str(SOURCE), *options]
        done = run([*command, "-o", str(program)], folder, plain_environment(), timeout_s=120)
        if done.status != 0:
            raise Failure(f"{' '.join(command)}:\n{done.stderr.decode(errors='replace')[-3000:]}")
    return programs


def run_cycles(program: Path, mode: str, cycles: int, environment: dict[str, str], timeout_s: float) -> int:
    """The KiB by which the resident set grew over the last three quarters of the cycles."""
    outcome = run([str(program), mode, str(cycles)], program.parent, environment, timeout_s)
    if outcome.status != 0:
        tail = outcome.stderr.decode(errors="replace")[-3000:]
        raise Failure(f"{program.name} {mode} ends with {outcome.status}:\n{tail}")
    first_kib, last_kib = map(int, outcome.stdout.split())
    return last_kib - first_kib


def check_served(report: Path, what: str) -> None:
    entries = read_reports(report)
    peaks = [int(entry["memory"]["peak_live_bytes"]) for entry in entries]  # type: ignore[index]
    if max(peaks, default=0) < PEAK_LIVE_BYTES_MIN:
        raise Failure(f"{what}: smallblock served at most {peaks} bytes at a time: is CPython's allocator hooked?")


def check_mode(
    programs: Programs, mode: str, cycles: int, preload: Path, folder: Path, lost_kib: dict[str, int]
) -> None:
    """Adds to `lost_kib` what CPython itself loses in this mode."""
    timeout_s = 60 + cycles
    plain = plain_environment()
    grown = {"plain": run_cycles(programs.plain, mode, cycles, plain, timeout_s)}
    ways = {"preloaded": (programs.plain, [preload], {})}
    if mode == "main":
        ways["linked"] = (programs.linked, [], {})
        ways["debug hooks"] = (programs.plain, [preload], DEBUG)
        # The hooks make each block longer that CPython loses.
        grown["plain, debug hooks"] = run_cycles(programs.plain, mode, cycles, {**plain, **DEBUG}, timeout_s)
    for way, (program, libraries, more) in ways.items():
        report = folder / f"{mode}-{way.replace(' ', '-')}"
        environment = {**preloaded(plain, libraries, report), **more}
        grown[way] = run_cycles(program, mode, cycles, environment, timeout_s)
        check_served(report, f"{mode}, {way}")
    figures = ", ".join(f"{way} {kib}" for way, kib in grown.items())
    print(f"  {mode}, {cycles} cycles: KiB grown: {figures}", flush=True)
    lost_kib[mode] = grown["plain"]
    if mode == "own_gil":
        # Plainly such an interpreter leaves its pymalloc behind; over smallblock it has none.
        lost_kib[mode] = min(lost_kib[mode], lost_kib["sub"])
    for way in ways:
        lost = grown.get(f"plain, {way}", lost_kib[mode])
        more_max = MORE_KIB_MAX + (BEGUN_ARENA_KIB_MAX * cycles if way == "debug hooks" else 0)
        if grown[way] > lost * (1 + MORE_OF_LOST) + more_max:
            raise Failure(f"{mode}, {way}: grew by {grown[way]} KiB in {cycles} cycles, plainly by {lost}")


def check(python: str, preload: Path, cycles: dict[str, int]) -> int:
    minor = run([python, "-c", "import sys; print(sys.version_info[1])"], Path.cwd(), plain_environment(), timeout_s=60)
    modes = [mode for mode in cycles if mode != "own_gil" or int(minor.stdout) >= 12]
    with tempfile.TemporaryDirectory(prefix="smallblock-embedded-") as name:
        try:
            programs = build(python, preload, Path(name))
            lost_kib: dict[str, int] = {}
            for mode in modes:
                check_mode(programs, mode, cycles[mode], preload, Path(name), lost_kib)
        except Missing as missing:
            print(f"skipped: {missing}")
            return SKIP
        except Failure as failure:
            print(f"FAILED  {failure}")
            return 1
    return 0


def print_list() -> None:
    for python in find_pythons().pythons:
        if python.free_threaded:
            continue
        name = name_of(python).replace("cpython", "embedded")
        print(name, "programs", 300, f"--python={python.executable}", sep="\t")
        print(f"{name}.long", "programs,soak", 6000, f"--python={python.executable}", "--long", sep="\t")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the CPythons and exit")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--preload", type=existing_library, metavar="LIBRARY")
    parser.add_argument("--python", metavar="PATH")
    arguments = parser.parse_args()
    if arguments.list:
        print_list()
        return 0
    if arguments.preload is None or arguments.python is None:
        parser.error("pass --preload LIBRARY and --python PATH; --list shows the interpreters")
    return check(arguments.python, arguments.preload, CYCLES_LONG if arguments.long else CYCLES)


if __name__ == "__main__":
    sys.exit(main())
