"""Counts instructions instead of time: each program under `valgrind --tool=callgrind`, less a run at scale 0.

Counts do not depend on what else the machine does, so small differences can be believed; they say nothing about cache
misses. Callgrind replaces no malloc, so a preloaded library works in it as outside. Used by `compare`.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from measure import HERE, MeasureError, Variant, command_of, environment_of, run_child

PAIRS_PROGRAM = HERE / "micro" / "object_pairs.py"
PAIRS_SCALE = 10
PAIR_FUNCTIONS = ("PyObject_Malloc", "PyObject_Free")
NAME = re.compile(r"\((\d+)\)(?: (.*))?")


@dataclass(frozen=True)
class PairCost:
    """Instructions per object() as a whole; and inside PyObject_Malloc and PyObject_Free, where they can be told."""

    turn: float
    functions: dict[str, Optional[float]]


def require_valgrind() -> None:
    if shutil.which("valgrind") is None:
        raise MeasureError("--callgrind needs valgrind: install the package valgrind")


def profile_of(executable: str, program: Path, scale: int, variant: Variant, variants: list[Variant]) -> str:
    """The text of callgrind's output file."""
    with tempfile.TemporaryDirectory(prefix="smallblock-callgrind-") as folder:
        output = Path(folder) / "profile"
        valgrind = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={output}"]
        command = valgrind + command_of(executable, program, scale)
        run_child(command, environment_of(variant, variants), f"{program.stem} under valgrind and {variant.name}")
        return output.read_text(errors="replace")


def total_of(profile: str) -> int:
    match = re.search(r"^totals: (\d+)", profile, re.MULTILINE)
    if match is None:
        raise MeasureError("callgrind wrote no totals: is this valgrind 3.12 or later?")
    return int(match.group(1))


def calls_in(profile: str) -> Iterator[tuple[str, int, int]]:
    """(function called, number of calls, instructions in it and below) of every call record."""
    names: dict[str, str] = {}
    callee, count, cost_follows = "", 0, False
    for line in profile.splitlines():
        if cost_follows:
            yield callee, count, int(line.split()[-1])
            cost_follows = False
        elif line.startswith(("fn=", "cfn=")):
            match = NAME.match(line.partition("=")[2])
            if match is None:
                continue
            if match.group(2):
                names[match.group(1)] = match.group(2)
            if line.startswith("cfn="):
                callee = names.get(match.group(1), "")
        elif line.startswith("calls="):
            count = int(line[len("calls=") :].split()[0])
            cost_follows = True


def function_cost(profile: str, function: str) -> tuple[int, int]:
    """Calls of a function and the instructions in it and below."""
    calls, instructions = 0, 0
    for callee, count, cost in calls_in(profile):
        if callee.partition("'")[0] == function:
            calls += count
            instructions += cost
    return calls, instructions


def program_instructions(
    executable: str, program: Path, scale: int, variants: list[Variant], jobs: int
) -> list[int]:
    """What run(scale) takes beyond run(0), per variant. Counts stand still, so runs may go side by side."""

    def count(one: tuple[Variant, int]) -> int:
        variant, scale_of_run = one
        return total_of(profile_of(executable, program, scale_of_run, variant, variants))

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        counts = list(pool.map(count, [(variant, one) for variant in variants for one in (scale, 0)]))
    return [whole - startup for whole, startup in zip(counts[::2], counts[1::2])]


def pair_cost(executable: str, variant: Variant, variants: list[Variant]) -> PairCost:
    many = profile_of(executable, PAIRS_PROGRAM, PAIRS_SCALE, variant, variants)
    none = profile_of(executable, PAIRS_PROGRAM, 0, variant, variants)
    pairs = PAIRS_SCALE * 10_000
    functions: dict[str, Optional[float]] = {}
    for function in PAIR_FUNCTIONS:
        calls, cost = function_cost(many, function)
        calls_before, cost_before = function_cost(none, function)
        seen = calls - calls_before
        functions[function] = (cost - cost_before) / seen if seen >= pairs // 2 else None
    return PairCost(turn=(total_of(many) - total_of(none)) / pairs, functions=functions)
