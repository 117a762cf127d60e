"""Turns samples into ratios and lays out the tables of `compare`.

Speed is pymalloc / other: above 1 the other is faster. Memory is other / pymalloc: below 1 the other needs less.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Optional

from callgrind import PairCost
from judge import Ratios, geometric_mean
from measure import Sample

MIB = 1 << 20


@dataclass(frozen=True)
class Best:
    """One program under one allocator: the least of all rounds, and the median of what is left after the peak."""

    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    after_bytes: tuple[float, ...]


def best_of(samples: list[Sample]) -> Best:
    return Best(
        wall_s=min(sample.wall_s for sample in samples),
        cpu_s=min(sample.cpu_s for sample in samples),
        peak_rss_bytes=min(sample.peak_rss_bytes for sample in samples),
        after_bytes=tuple(statistics.median(second) for second in zip(*(sample.after_bytes for sample in samples))),
    )


def ratios_of(plain: Best, other: Best) -> Ratios:
    return Ratios(
        speed=plain.wall_s / other.wall_s,
        cpu=plain.cpu_s / other.cpu_s,
        peak=other.peak_rss_bytes / plain.peak_rss_bytes,
        after=tuple(left / left_plain for left, left_plain in zip(other.after_bytes, plain.after_bytes)),
    )


def cell_of(ratios: Ratios) -> str:
    """Speed, peak, and what is left at the first and at the last second after it."""
    after = f"{ratios.after[0]:5.2f} {ratios.after[-1]:5.2f}" if ratios.after else f"{'':11}"
    return f"{ratios.speed:6.3f} {ratios.peak:5.2f} {after}"


def time_header(variants: list[str], seconds: int) -> str:
    names = "".join(f" | {name[:24]:24}" for name in variants)
    columns = f" |  speed  peak {'+1 s':>5} {f'+{seconds} s':>5}"
    plain = f"{'':18} seconds  peak {'+1 s':>5} {f'+{seconds} s':>5}"
    return f"{'':18} {'pymalloc':25}{names}\n{plain}{columns * len(variants)}"


def time_line(program: str, plain: Best, others: list[Ratios]) -> str:
    after = [plain.after_bytes[0], plain.after_bytes[-1]] if plain.after_bytes else []
    megabytes = "".join(f" {left / MIB:5.0f}" for left in [plain.peak_rss_bytes, *after])
    return f"{program:18} {plain.wall_s:7.3f}{megabytes:18} | " + " | ".join(map(cell_of, others))


def summary_lines(by_program: dict[str, list[Ratios]]) -> list[str]:
    """The geometric means over the programs, of CPU time too, and the worst program per column."""
    lines = {"geometric mean": "", "of CPU time": "", "worst": "", "slowest": ""}
    for column in zip(*by_program.values()):
        after = [ratios.after for ratios in column if ratios.after]
        mean = Ratios(
            speed=geometric_mean([ratios.speed for ratios in column]),
            cpu=geometric_mean([ratios.cpu for ratios in column]),
            peak=geometric_mean([ratios.peak for ratios in column]),
            after=tuple(geometric_mean(list(second)) for second in zip(*after)),
        )
        worst = Ratios(
            speed=min(ratios.speed for ratios in column),
            cpu=min(ratios.cpu for ratios in column),
            peak=max(ratios.peak for ratios in column),
            after=tuple(max(second) for second in zip(*after)),
        )
        slowest = next(name for name, ratios in zip(by_program, column) if ratios.speed == worst.speed)
        lines["geometric mean"] += f" | {cell_of(mean)}"
        lines["of CPU time"] += f" | {mean.cpu:6.3f}{'':18}"
        lines["worst"] += f" | {cell_of(worst)}"
        lines["slowest"] += f" | {slowest[:24]:24}"
    return [f"{name:44}{cells}".rstrip() for name, cells in lines.items()]


def instruction_header(variants: list[str]) -> str:
    return f"{'million instructions':20} {'pymalloc':>13}" + "".join(f" | {name[:18]:>18} ratio" for name in variants)


def instruction_line(program: str, plain: int, others: list[int]) -> str:
    cells = "".join(f" | {other / 1e6:18.2f} {plain / other:5.3f}" for other in others)
    return f"{program:20} {plain / 1e6:13.2f}{cells}"


def instruction_summary(by_program: dict[str, list[float]]) -> list[str]:
    columns = list(zip(*by_program.values()))
    mean = "".join(f" | {'':18} {geometric_mean(list(column)):5.3f}" for column in columns)
    worst = "".join(
        f" | {list(by_program)[column.index(min(column))][:18]:>18} {min(column):5.3f}" for column in columns
    )
    return [f"{'geometric mean':34}{mean}", f"{'worst':34}{worst}"]


def pair_lines(costs: dict[str, PairCost]) -> list[str]:
    def text(figure: Optional[float]) -> str:
        return "-" if figure is None else f"{figure:.1f}"

    lines = ["instructions per object() made and dropped; of these in PyObject_Malloc and PyObject_Free"]
    for name, cost in costs.items():
        functions = " ".join(f"{text(figure):>7}" for figure in cost.functions.values())
        lines.append(f"  {name:18} {text(cost.turn):>7} {functions}")
    return lines
