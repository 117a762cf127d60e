"""Records as namedtuples, dataclasses and frozen dataclasses: made, replaced, compared, hashed, grouped."""

from __future__ import annotations

import dataclasses
from collections import defaultdict, namedtuple

Reading = namedtuple("Reading", "sensor moment value unit")


@dataclasses.dataclass
class Summary:
    sensor: str
    count: int = 0
    total: float = 0.0
    extremes: list[float] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, order=True)
class Key:
    sensor: str
    hour: int


def run(scale: int) -> object:
    """Counts and totals of all groups."""
    grouped, total = 0, 0.0
    for block in range(scale * 3 // 2):
        readings = [
            Reading(f"sensor{index % 13}", block * 1000 + index, index * 0.5, "degree") for index in range(1000)
        ]
        summaries: dict[Key, Summary] = {}
        by_unit = defaultdict(list)
        for reading in readings:
            key = Key(reading.sensor, reading.moment % 24)
            summary = summaries.get(key)
            if summary is None:
                summary = summaries[key] = Summary(reading.sensor)
            summary.count += 1
            summary.total += reading.value
            summary.extremes = [min(summary.extremes + [reading.value]), max(summary.extremes + [reading.value])]
            by_unit[reading.unit].append(reading._replace(unit="kelvin", value=reading.value + 273.0))
        grouped += len(summaries) + len(by_unit["degree"])
        first = min(summaries)
        total += dataclasses.replace(summaries[first], count=0).total + dataclasses.asdict(summaries[first])["count"]
    return grouped, total


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
