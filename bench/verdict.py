"""A target and whether it was reached: one line of what every benchmark prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    what: str
    value: float
    limit: float
    unit: str = "x"
    at_least: bool = False
    tabled: bool = False  # its line of a table says so already

    @property
    def passed(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def line(self) -> str:
        mark = "pass" if self.passed else "MISS"
        bound = "at least" if self.at_least else "at most"
        return f"{mark}  {self.what}: {self.value:.4g}{self.unit} ({bound} {self.limit:.4g}{self.unit})"
