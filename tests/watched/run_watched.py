"""Runs one program under memcheck, or built with AddressSanitizer, and compares what the tool reports.

    run_watched.py --tool memcheck|asan|off --source FILE --program BINARY [--preload LIBRARY]
    run_watched.py --self-test

The first lines of the source say what to expect of each tool: "nothing", or texts that its report has, with " | "
between them. A report on a block must also name main, as the one that made it. `off` runs under memcheck with
SMALLBLOCK_CHECK=0, and under a tool of Valgrind that does not watch memory: both must be silent. The exit status is 77
if Valgrind is not there.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SKIP = 77
TIMEOUT_S = 120
VALGRIND = ("valgrind", "--quiet")
MEMCHECK = (*VALGRIND, "--tool=memcheck", "--leak-check=full", "--error-exitcode=9")
# Its own malloc in the place of libc's alone; else it would take ours away, too.
OURS = "--soname-synonyms=somalloc=nouserintercepts"


@dataclass(frozen=True)
class Outcome:
    status: int
    text: str


def expected_of(source: str, tool: str) -> list[str]:
    """The texts that the report must have; empty for silence."""
    found = re.search(rf"^// {tool}: (.*)$", source, re.MULTILINE)
    if found is None:
        raise SystemExit(f"run_watched.py: the source does not say what {tool} must report")
    return [] if found.group(1) == "nothing" else found.group(1).split(" | ")


def faults_of(expected: list[str], outcome: Outcome) -> list[str]:
    if not expected:
        return [] if outcome == Outcome(0, "") else [f"it was not silent, or ended with {outcome.status}"]
    faults = [f"the report does not say '{text}'" for text in expected if text not in outcome.text]
    if outcome.status == 0:
        faults.append("it ended with 0")
    if any("a block of size" in text for text in expected) and outcome.text.count(" main (") < 2:
        faults.append("the report does not name who wrote and who allocated")
    return faults


def run(command: list[str], **variables: str) -> Outcome:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("SMALLBLOCK_", "LD_", "ASAN_"))
    }
    limited = ["sh", "-c", 'ulimit -c 0; exec "$@"', "sh", *command]
    result = subprocess.run(
        limited, env={**kept, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False
    )
    return Outcome(result.returncode, result.stdout.decode(errors="replace"))


def outcomes_of(tool: str, program: str, preload: str | None) -> list[Outcome]:
    if tool == "asan":
        return [run([program])]
    if shutil.which("valgrind") is None:
        print("skipped: valgrind is not installed")
        sys.exit(SKIP)
    if tool == "off":
        return [
            run([*MEMCHECK, program], SMALLBLOCK_CHECK="0"),
            run([*VALGRIND, "--tool=none", program]),
        ]
    if preload is not None:
        return [run([*MEMCHECK, OURS, program], LD_PRELOAD=preload)]
    return [run([*MEMCHECK, program])]


def self_test() -> list[str]:
    report = "Invalid read\n at main (a.c:4)\n a block of size 24 alloc'd\n at main (a.c:3)\n"
    wanted = expected_of("// asan: nothing\n// memcheck: Invalid read | a block of size 24\n", "memcheck")
    wrong = {
        "a report of something else": faults_of(wanted, Outcome(9, report.replace("read", "write"))),
        "a block that nobody made": faults_of(wanted, Outcome(9, report.replace("a.c:3", "").replace("at main (", "", 1))),
        "an end as if all were well": faults_of(wanted, Outcome(0, report)),
        "a report where none is due": faults_of([], Outcome(0, report)),
        "a failure where none is due": faults_of([], Outcome(1, "")),
    }
    faults = [f"{name} is not found" for name, found in wrong.items() if not found]
    return faults + faults_of(wanted, Outcome(9, report))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", choices=("memcheck", "asan", "off"))
    parser.add_argument("--source", type=Path)
    parser.add_argument("--program")
    parser.add_argument("--preload")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    faults = self_test()
    if not arguments.self_test:
        source = arguments.source.read_text(encoding="utf-8")
        expected = [] if arguments.tool == "off" else expected_of(source, arguments.tool)
        for outcome in outcomes_of(arguments.tool, arguments.program, arguments.preload):
            found = faults_of(expected, outcome)
            faults += found
            if found:
                print(outcome.text)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
