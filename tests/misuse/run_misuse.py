"""Runs one program of misuse under the preload library, with check mode and without, and compares what it says.

    run_misuse.py --preload LIBRARY --source FILE [--python ROLE | --program BINARY]
    run_misuse.py --self-test

The first line of the source is the message of check mode, word for word; 0x* stands for an address. The second says
what happens without check mode: a message, "nothing" (it ends with 0 and is silent), or that it is not ours to say.
A third line may say what a sampled block makes of it, of which there are some among many. The report must also name
the function and the file that called, and for a block where it came from and, if it was freed, where. The exit status
is 77 if what runs the program is not there.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIP = 77
TIMEOUT_S = 60
WITHOUT = "Without check mode: "
SAMPLED = "Sampled: "
# Often enough that a program that does it 20000 times cannot miss it, whichever side of its page a block lies on.
SAMPLE = "sample:500"
UNKNOWN = "whatever the next allocator does"


@dataclass(frozen=True)
class Expected:
    checked: str
    without: str
    sampled: str = ""


@dataclass(frozen=True)
class Outcome:
    status: int
    stderr: str


def read_expected(source: str) -> Expected:
    lines = [re.sub(r"^(//|#) ", "", line) for line in source.splitlines()[:3]]
    if not lines[0].startswith("smallblock: ") or not lines[1].startswith(WITHOUT):
        raise SystemExit("run_misuse.py: the first line must be the message, the second start with: " + WITHOUT)
    sampled = lines[2][len(SAMPLED) :] if lines[2].startswith(SAMPLED) else ""
    return Expected(lines[0], lines[1][len(WITHOUT) :], sampled)


def as_pattern(message: str) -> str:
    exact = re.escape(message).replace(r"0x\*", "0x[0-9a-f]+")
    return exact.replace(r"\*", ".*")


def faults_of_message(message: str, outcome: Outcome) -> list[str]:
    faults = []
    if outcome.status != -signal.SIGABRT:
        faults.append(f"ended with {outcome.status}, not by SIGABRT")
    first = outcome.stderr.split("\n", 1)[0]
    if not re.fullmatch(as_pattern(message), first):
        faults.append(f"said {first!r}\n  instead of {message!r}")
    return faults


def stack(stderr: str, title: str) -> str:
    """The lines of one stack of a report."""
    found = re.search(rf"^  {title}:\n((?:    .*\n)*)", stderr, re.MULTILINE)
    return found.group(1) if found else ""


def faults_of_report(message: str, source_name: str, outcome: Outcome) -> list[str]:
    """What is missing below the first line. A Python program's lines are the interpreter's."""
    titles = ["this call"]
    if " block of " in message:
        titles.append("allocated here")
        if not re.search(r"^  the block: .*0x[0-9a-f]+ to 0x[0-9a-f]+", outcome.stderr, re.MULTILINE):
            titles.append("the block")
    if "freed block" in message:
        titles.append("freed here")
    faults = []
    for title in titles:
        lines = stack(outcome.stderr, title)
        # What the audit at exit finds is found by no call of the program's.
        at_exit = title == "this call" and "_dl_fini" in lines
        wanted = r"#\d" if source_name.endswith(".py") or at_exit else rf"main at \S*{re.escape(source_name)}:\d+"
        if not re.search(wanted, lines):
            faults.append(f"has no '{wanted}' under '{title}:'")
    return faults


def faults_of_silence(outcome: Outcome) -> list[str]:
    if outcome == Outcome(0, ""):
        return []
    return [f"ended with {outcome.status} and said {outcome.stderr.splitlines()[:3]}"]


def faults_without(expected: Expected, outcome: Outcome) -> list[str]:
    if expected.without == UNKNOWN:
        return []
    if expected.without == "nothing":
        return faults_of_silence(outcome)
    return faults_of_message(expected.without, outcome)


def run(command: list[str], library: Path, check: str) -> Outcome:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("SMALLBLOCK_", "LD_", "PYTHON"))
    }
    environment = {**kept, "LD_PRELOAD": str(library), "SMALLBLOCK_CHECK": check}
    # A core of every program would fill the disk.
    limited = ["sh", "-c", 'ulimit -c 0; exec "$@"', "sh", *command]
    result = subprocess.run(
        limited, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False
    )
    return Outcome(result.returncode, result.stderr.decode(errors="replace"))


def find_python(role: str) -> str:
    sys.path.insert(0, str(ROOT / "bench"))
    from pythons import find_pythons

    for python in reversed(find_pythons().pythons):
        if python.shared == (role == "shared") and not (python.free_threaded or python.debug):
            return python.executable
    print(f"skipped: no CPython that is {role} on this machine")
    sys.exit(SKIP)


REPORT = """smallblock: double free of 0x10, a freed block of 24 bytes from malloc
  this call:
    #0  main at a.c:5
  the block: number 6 of pool 4, class 2 of 48 bytes, from 0x120 to 0x150
  allocated here:
    #0  main at a.c:4
  freed here:
    #0  main at a.c:5
"""
MESSAGE = "smallblock: double free of 0x*, a freed block of 24 bytes from malloc"
BAD_REPORTS = {
    "said": REPORT.replace("24 bytes", "25 bytes"),
    "under 'this call:'": REPORT.replace("this call", "that call"),
    "under 'allocated here:'": REPORT.replace("a.c:4", "b.c:4"),
    "under 'freed here:'": REPORT.replace("  freed here:\n    #0  main at a.c:5\n", ""),
    "under 'the block:'": REPORT.replace("from 0x120 to 0x150", ""),
}


def faults_of_program(command: list[str], source: Path, library: Path) -> list[str]:
    expected = read_expected(source.read_text(encoding="utf-8"))
    faults = []
    for mode, check, message in (("check mode", "1", expected.checked), ("sampling", SAMPLE, expected.sampled)):
        if not message:
            continue
        outcome = run(command, library, check)
        found = faults_of_message(message, outcome) + faults_of_report(message, source.name, outcome)
        faults += [f"in {mode} it {fault}" for fault in found]
        if found:
            print(outcome.stderr)
    outcome = run(command, library, "0")
    return faults + [f"without check mode it {fault}" for fault in faults_without(expected, outcome)]


def self_test() -> list[str]:
    died = -signal.SIGABRT

    def judge(text: str, status: int = died) -> str:
        outcome = Outcome(status, text)
        return "; ".join(faults_of_message(MESSAGE, outcome) + faults_of_report(MESSAGE, "a.c", outcome))

    faults = [f"the good report: {judge(REPORT)}"] if judge(REPORT) else []
    faults += [f"nothing says '{words}'" for words, text in BAD_REPORTS.items() if words not in judge(text)]
    if "not by SIGABRT" not in judge(REPORT, 0):
        faults.append("a program that does not die is not found")
    if not faults_without(Expected("", "nothing"), Outcome(died, "")):
        faults.append("a program that dies without check mode is not found")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preload", type=Path)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--program")
    parser.add_argument("--python", choices=("shared", "static"))
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    faults = self_test()
    if not arguments.self_test:
        source: Path = arguments.source
        command = [arguments.program]
        if arguments.python:
            command = [find_python(arguments.python), str(source)]
        faults += faults_of_program(command, source, arguments.preload.resolve(strict=True))
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
