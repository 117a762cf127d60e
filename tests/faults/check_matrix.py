"""Compares docs/fault-matrix.md with CTest's list: its 21 rows are there, and each test that it names exists.

    check_matrix.py --matrix FILE --build DIR
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROWS = 21


def tests_of(build: Path) -> list[str]:
    command = ["ctest", "--test-dir", str(build), "--show-only=json-v1"]
    listed = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, timeout=120).stdout
    return re.findall(r'^\s*"name" : "([a-z_]+\..+)",?$', listed, re.MULTILINE)


def rows_of(page: str) -> dict[int, list[str]]:
    """The names of the tests in each row; "…" in them stands for anything."""
    rows = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 5 and cells[0].isdigit():
            rows[int(cells[0])] = re.findall(r"`([^`]+)`", cells[3])
    return rows


def faults_of(rows: dict[int, list[str]], tests: list[str]) -> list[str]:
    faults = [f"row {number} is not there" for number in range(1, ROWS + 1) if number not in rows]
    for number, names in rows.items():
        if not names:
            faults.append(f"row {number} names no test")
        for name in names:
            pattern = re.compile(re.escape(name).replace("…", ".*") + r"( |$)")
            if not any(pattern.match(test) for test in tests):
                faults.append(f"row {number} names a test that does not exist: {name}")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrix", type=Path, required=True)
    parser.add_argument("--build", type=Path, required=True)
    arguments = parser.parse_args()
    rows = rows_of(arguments.matrix.read_text(encoding="utf-8"))
    tests = tests_of(arguments.build)
    faults = faults_of(rows, tests)
    if len(faults_of({1: ["faults.NoSuchTest"], 2: []}, tests)) != ROWS - 2 + 2:
        faults.append("a page that is wrong is not found to be")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
