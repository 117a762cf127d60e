"""A target and whether it was reached: one line of what the benchmarks of Python programs and of threads print."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    what: str
    value: float
    limit: float
    at_least: bool

    @property
    def passed(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def line(self) -> str:
        mark = "pass" if self.passed else "FAIL"
        bound = "at least" if self.at_least else "at most"
        return f"{mark}  {self.what}: {self.value:.3f} ({bound} {self.limit:.2f})"
