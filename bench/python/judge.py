"""What smallblock is to reach beside pymalloc, and whether it did. Nothing here runs anything; judge_test.py.

Speed is pymalloc / smallblock, so above 1 is faster; memory is smallblock / pymalloc, so below 1 is less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

from pythons import Python
from verdict import Verdict

SPEED_MEAN_MIN = {(3, 12): 1.05, (3, 13): 1.05}
DISTRIBUTION_SPEED_MEAN_MIN = 1.02
SPEED_MIN = 0.98
PEAK_MAX = 1.01
AFTER_MAX = 0.6


@dataclass(frozen=True)
class Ratios:
    """One program under one allocator. `after`: at each full second after the peak, of a program that lives long."""

    speed: float
    cpu: float
    peak: float
    after: tuple[float, ...] = ()


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def is_distribution(python: Python) -> bool:
    return python.executable.startswith("/usr/bin/")


def speed_mean_min(python: Python) -> Optional[float]:
    if is_distribution(python):
        return DISTRIBUTION_SPEED_MEAN_MIN
    return SPEED_MEAN_MIN.get(python.version[:2])


def judge(python: Python, by_program: dict[str, Ratios]) -> list[Verdict]:
    """One verdict for each target that this interpreter and these programs have."""
    verdicts = []
    mean_min = speed_mean_min(python)
    if mean_min is not None:
        mean = geometric_mean([ratios.speed for ratios in by_program.values()])
        verdicts.append(Verdict("speed, geometric mean", mean, mean_min, at_least=True))
    slowest = min(by_program, key=lambda name: by_program[name].speed)
    verdicts.append(Verdict(f"speed, worst ({slowest})", by_program[slowest].speed, SPEED_MIN, at_least=True))
    mean = geometric_mean([ratios.peak for ratios in by_program.values()])
    largest = max(by_program, key=lambda name: by_program[name].peak)
    verdicts.append(Verdict("peak RSS, geometric mean", mean, PEAK_MAX))
    verdicts.append(Verdict(f"peak RSS, worst ({largest})", by_program[largest].peak, PEAK_MAX))
    for name, ratios in by_program.items():
        if ratios.after:
            verdicts.append(Verdict(f"RSS 1 s after the peak ({name})", ratios.after[0], AFTER_MAX))
    return verdicts
