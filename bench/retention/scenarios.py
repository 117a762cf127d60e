"""The scenarios: which programs run, with which numbers, under which allocators. Used by `compare`.

(a) and (c) are one process: a run that goes on to turn its blocks over has been an (a) run before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

from expected import LIVE_SHARES, MIXED, RUN_BLOCKS
from processes import DECAY_OFF, GLIBC, HERE, OURS_PRELOADED, PYMALLOC, Run, Variant, run

SIZES = (16, 64, 256, 512, MIXED)
MIB = 1 << 20
TITLES = {
    "a": "(a) blocks dropped at random, trimmed at once",
    "b": f"(b) the same, survivors in runs of {RUN_BLOCKS}",
    "c": "(c) then 1, 3 and 10 times as many blocks replaced as are alive",
    "d": "(d) sawtooth: grow, drop everything, ten times",
    "e": "(e) a CPython program drops 99% of its records and goes on",
    "f": "(f) pre-fork: four children free half of the parent's blocks",
    "trim": "(trim) how long a trim of a large heap takes",
}
BASE_BYTES = {"a": 256 * MIB, "b": 256 * MIB, "d": 1024 * MIB, "f": 500 * MIB, "trim": 1024 * MIB}
RECORDS = 1_500_000
# Scenario (e): how many records are replaced together.
RECORD_CELLS = {"one by one": 1, "by thousands": 1000}
TEETH = 10
CHILDREN = 4
SAWTOOTH_ROUNDS = 3
TRIM_TRIALS = 5


@dataclass(frozen=True)
class Cell:
    """One line of the tables of (a), (b) and (c)."""

    size: int
    live: float

    @property
    def label(self) -> str:
        return f"{self.size} B" * (self.size != MIXED) + "mixed" * (self.size == MIXED) + f" {self.live:.0%}"


CELLS = [Cell(size, live) for size in SIZES for live in LIVE_SHARES]


@dataclass(frozen=True)
class Plan:
    """What one call of `compare` runs with."""

    driver: Path
    python: Optional[str]
    native: Sequence[Variant]
    pythonic: Sequence[Variant]
    scale: float
    note: Callable[[str], None]

    def bytes_of(self, scenario: str) -> int:
        return max(int(BASE_BYTES[scenario] * self.scale), 4 * MIB)

    def drive(self, scenario: str, cell: str, variant: Variant, name: str, **options: float) -> Run:
        self.note(f"({scenario}) {cell}: {variant.name}")
        options["trim"] = int(variant.trim)
        command = [str(self.driver), name, *(f"{key}={value}" for key, value in options.items())]
        return run(scenario, cell, variant, command)

    def python_run(self, scenario: str, cell: str, variant: Variant, program: str, *arguments: str) -> Run:
        self.note(f"({scenario}) {cell}: {variant.name}")
        assert self.python is not None
        command = [self.python, "-S", "-s", "-B", str(HERE / program), *arguments]
        return run(scenario, cell, variant, command)


def run_drops(plan: Plan, scenarios: Sequence[str]) -> dict[str, list[Run]]:
    """(a), (b) and (c), as far as they are asked for."""
    found: dict[str, list[Run]] = {name: [] for name in "abc" if name in scenarios}
    for cell in CELLS:
        for variant in plan.native:
            common = {"bytes": plan.bytes_of("a"), "size": cell.size, "live": cell.live}
            if "a" in found or "c" in found:
                one = plan.drive("a", cell.label, variant, "drop", turnover=int("c" in found), **common)
                if "a" in found:
                    found["a"].append(one.until("a", "trimmed"))
                if "c" in found:
                    found["c"].append(one.until("c", "turned_10x_trimmed"))
            if "b" in found:
                found["b"].append(plan.drive("b", cell.label, variant, "drop", run=RUN_BLOCKS, **common))
    return found


def run_sawtooth(plan: Plan) -> list[Run]:
    """The peers once; smallblock and smallblock that never gives back in turn, so that their times compare."""
    found = []
    for variant in plan.native:
        if not variant.ours:
            found.append(plan.drive("d", "round 1", variant, "sawtooth", bytes=plan.bytes_of("d"), teeth=TEETH))
    ours = next((variant for variant in plan.native if variant.ours), None)
    if ours is not None:
        off = Variant(DECAY_OFF, ours.library, ours.trim, {"SMALLBLOCK_DECAY_MS": "-1"})
        for number in range(SAWTOOTH_ROUNDS):
            for variant in (ours, off) if number % 2 == 0 else (off, ours):
                cell = f"round {number + 1}"
                found.append(plan.drive("d", cell, variant, "sawtooth", bytes=plan.bytes_of("d"), teeth=TEETH))
    return found


def run_records(plan: Plan) -> list[Run]:
    count = str(max(int(RECORDS * plan.scale), 10_000))
    found = []
    for variant in plan.pythonic:
        if variant.name == GLIBC:
            continue  # without a trim it shows nothing that (a) does not
        for cell, batch in RECORD_CELLS.items():
            arguments = ["--records", count, "--batch", str(batch), *([] if variant.trim else ["--no-trim"])]
            found.append(plan.python_run("e", cell, variant, "records.py", *arguments))
    return sorted(found, key=lambda run: list(RECORD_CELLS).index(run.cell))


def run_prefork(plan: Plan) -> list[Run]:
    total = plan.bytes_of("f")
    found = []
    for variant in plan.native:
        if variant.name != GLIBC or not any(other.name == "glibc+trim" for other in plan.native):
            found.append(plan.drive("f", "malloc", variant, "prefork", bytes=total, children=CHILDREN))
    if plan.python is not None:
        for kind in ("blocks", "objects"):
            for variant in plan.pythonic:
                if variant.name in (PYMALLOC, OURS_PRELOADED):
                    arguments = (kind, "--bytes", str(total), "--children", str(CHILDREN))
                    found.append(plan.python_run("f", f"python {kind}", variant, "prefork.py", *arguments))
    return found


def run_trims(plan: Plan) -> list[Run]:
    found = []
    for live in LIVE_SHARES:
        for variant in plan.native:
            if variant.trim:
                options = {"bytes": plan.bytes_of("trim"), "live": live, "trials": TRIM_TRIALS}
                found.append(plan.drive("trim", Cell(MIXED, live).label, variant, "trim", **options))
    return found


def run_scenarios(plan: Plan, scenarios: Sequence[str]) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    if {"a", "b", "c"} & set(scenarios):
        found.update(run_drops(plan, scenarios))
    rest: dict[str, Callable[[Plan], list[Run]]] = {
        "d": run_sawtooth,
        "e": run_records,
        "f": run_prefork,
        "trim": run_trims,
    }
    for name, function in rest.items():
        if name in scenarios:
            found[name] = function(plan)
    return found
