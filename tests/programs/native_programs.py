"""Runs one case plainly and under the preload library and compares every byte that it left behind.

  native_programs.py --list                       names, CTest labels and timeouts, one case a line
  native_programs.py --preload LIBRARY CASE ...   runs these cases; `all` runs every one

CTest runs one case per test. The exit status is 77 if a case had to be skipped and none failed. Both runs of a case
take place in the same folder, one after the other, so that paths in the outputs agree.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cases import Case
from conditions import CONDITIONS, Condition, find_library
from native_cases import NATIVE_CASES
from preload_run import SKIP, Failure, Outcome, existing_library, plain_environment, preloaded
from preload_run import program_of, read_reports, run, served
from python_cases import chosen_pythons, python_cases

NO_CONDITION = Condition("", cases=("*",))


class Missing(Exception):
    """A program or library that this machine does not have."""


@dataclass(frozen=True)
class Test:
    case: Case
    condition: Condition

    @property
    def name(self) -> str:
        return f"{self.case.name}.{self.condition.name}".rstrip(".")

    @property
    def timeout_s(self) -> int:
        return self.condition.timeout_s or self.case.timeout_s


@dataclass(frozen=True)
class Run:
    outcome: Outcome
    folder: Path
    seconds: float


def all_tests(pythons: Mapping[str, str]) -> list[Test]:
    """`pythons`: executables by role; see chosen_pythons()."""
    cases = list(NATIVE_CASES)
    for role, executable in pythons.items():
        cases += python_cases(role, executable)
    tests = [Test(case, NO_CONDITION) for case in cases if not case.only_under_conditions]
    tests += [Test(case, condition) for condition in CONDITIONS for case in cases if condition.applies_to(case)]
    return tests


def require(test: Test) -> None:
    """Raises Missing if the machine lacks what the test needs."""
    for program in (*test.case.programs, *test.condition.programs):
        if shutil.which(program) is None:
            raise Missing(f"there is no program {program} on this machine")
    library = test.condition.next_library
    if library and find_library(library) is None:
        raise Missing(f"there is no library lib{library} on this machine")


def run_once(test: Test, scratch: Path, kept_as: str, environment: dict[str, str], wrapper: str) -> Run:
    """Runs the script in scratch/run, which is then renamed so that the next run finds the place free."""
    folder = scratch / "run"
    folder.mkdir()
    test.case.inputs(folder)
    script = f"{test.condition.prefix}\n{textwrap.dedent(test.case.script)}"
    start = time.monotonic()
    outcome = run(
        ["bash", "-euo", "pipefail", "-c", script],
        folder,
        {**environment, "WRAPPER": wrapper, "HOME": str(folder), "TMPDIR": str(folder)},
        test.timeout_s,
    )
    seconds = time.monotonic() - start
    return Run(outcome, folder.rename(scratch / kept_as), seconds)


def first_difference(plain: bytes, other: bytes) -> str:
    """Where two outputs part, in the words of both."""
    position = next((at for at, (a, b) in enumerate(zip(plain, other)) if a != b), min(len(plain), len(other)))
    start = max(0, position - 40)
    return (
        f"differs at byte {position} (plain {len(plain)} bytes, preloaded {len(other)})\n"
        f"  plain:     {plain[start : position + 200]!r}\n"
        f"  preloaded: {other[start : position + 200]!r}"
    )


def read_output(run: Run, name: str) -> bytes:
    path = run.folder / name
    if not path.is_file():
        raise Failure(f"the {run.folder.name} run wrote no file {name}")
    return path.read_bytes()


def compare(test: Test, plain: Run, other: Run) -> None:
    if plain.outcome.status != other.outcome.status:
        tail = other.outcome.stderr.decode(errors="replace")[-3000:]
        raise Failure(f"exit status {other.outcome.status}, plainly {plain.outcome.status}; stderr ends:\n{tail}")
    if plain.outcome.status != 0:
        tail = plain.outcome.stderr.decode(errors="replace")[-3000:]
        raise Failure(f"does not even run plainly: exit status {plain.outcome.status}; stderr ends:\n{tail}")
    outputs = {"stdout": (plain.outcome.stdout, other.outcome.stdout)}
    if test.condition.evidence:
        if not re.search(test.condition.evidence, other.outcome.stderr):
            raise Failure(f"stderr shows no {test.condition.evidence!r}: was the allocator below ever used?")
    else:
        outputs["stderr"] = (plain.outcome.stderr, other.outcome.stderr)
    for name in test.case.outputs:
        outputs[name] = (read_output(plain, name), read_output(other, name))
    for name, (plain_bytes, other_bytes) in outputs.items():
        if plain_bytes != other_bytes:
            raise Failure(f"{name} {first_difference(plain_bytes, other_bytes)}")
    if not any(plain_bytes for plain_bytes, _ in outputs.values()):
        raise Failure("the case leaves nothing behind that could differ")


def prove_active(test: Test, report: Path) -> str:
    """Every expected program must have reported; the answer says how many processes did, and what they held."""
    reports = read_reports(report)
    for program in test.case.expected_reporters:
        mine = [entry for entry in reports if program_of(entry) == program]
        if not mine:
            seen = sorted({program_of(entry) for entry in reports})
            raise Failure(f"no report of {program}: the preload library was not active in it (reports: {seen})")
        if not any(served(entry) for entry in mine):
            raise Failure(f"{program} ran with the preload library, but got no memory from it")
        most_live = max(int(str(entry["live_bytes"])) for entry in mine)
        if most_live < test.case.least_live_bytes:
            raise Failure(f"{program} ended with {most_live} live bytes, expected {test.case.least_live_bytes}")
    arenas = sum(int(str(entry["arenas_opened_total"])) for entry in reports)
    return f"{len(reports)} processes reported, {arenas} arenas"


def run_test(test: Test, preload: Path) -> str:
    require(test)
    environment = {**plain_environment(), **test.case.environment, **test.condition.environment}
    libraries = [preload]
    if test.condition.next_library:
        library = find_library(test.condition.next_library)
        assert library is not None
        libraries.append(library)
    with tempfile.TemporaryDirectory(prefix="smallblock-programs-") as name:
        scratch = Path(name)
        report = scratch / "reports" / "report"
        report.parent.mkdir()
        plain = run_once(test, scratch, "plain", environment, wrapper="")
        other_environment = preloaded(environment, libraries, report)
        other = run_once(test, scratch, "preloaded", other_environment, test.condition.wrapper)
        compare(test, plain, other)
        proof = prove_active(test, report)
    return f"plain {plain.seconds:.1f} s, preloaded {other.seconds:.1f} s; {proof}"


def run_tests(tests: Sequence[Test], preload: Path) -> int:
    failed = skipped = 0
    for test in tests:
        try:
            print(f"same    {test.name}: {run_test(test, preload)}", flush=True)
        except Missing as missing:
            skipped += 1
            print(f"skipped {test.name}: {missing}", flush=True)
        except Failure as failure:
            failed += 1
            print(f"FAILED  {test.name}: {failure}", flush=True)
    if failed:
        return 1
    return SKIP if skipped else 0


def print_list(tests: Sequence[Test], pythons: Mapping[str, str]) -> None:
    """For CMake: name, labels, timeout, and arguments; the last one spares a run the search for interpreters."""
    for test in tests:
        labels = "programs,slow" if test.condition.slow else "programs"
        # Two runs, and room for the inputs.
        print(test.name, labels, 2 * test.timeout_s + 60, test.name, sep="\t", end="")
        role = test.name.partition(".")[0]
        print(f"\t--python={role}={pythons[role]}" if role in pythons else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the cases and exit")
    parser.add_argument("--preload", type=existing_library, metavar="LIBRARY")
    parser.add_argument("--python", action="append", default=[], metavar="ROLE=PATH", help="spares looking for it")
    parser.add_argument("names", nargs="*", metavar="CASE")
    arguments = parser.parse_args()
    pythons = dict(wish.split("=", 1) for wish in arguments.python)
    tests = {test.name: test for test in all_tests(pythons)}
    if not pythons and (arguments.list or any(name not in tests for name in arguments.names)):
        pythons = chosen_pythons()
        tests = {test.name: test for test in all_tests(pythons)}
    if arguments.list:
        print_list(list(tests.values()), pythons)
        return 0
    names = list(tests) if arguments.names == ["all"] else arguments.names
    unknown = [name for name in names if name not in tests]
    if unknown or not names or arguments.preload is None:
        wrong = f"no case is called {unknown[0]}" if unknown else "pass --preload LIBRARY and the names of cases"
        parser.error(f"{wrong}; --list shows the names")
    os.umask(0o022)
    return run_tests([tests[name] for name in names], arguments.preload)


if __name__ == "__main__":
    sys.exit(main())
