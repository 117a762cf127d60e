"""Turns samples into ratios and lays out the tables of `compare`.

Every ratio is plain / variant: above 1 the variant is better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

from callgrind import PairCost
from measure import Sample

MIB = 1 << 20


@dataclass(frozen=True)
class Best:
    """The minima of one program's samples under one variant."""

    wall_s: float
    cpu_s: float
    peak_rss_bytes: int


@dataclass(frozen=True)
class Ratios:
    speed: float
    cpu: float
    memory: float


def best_of(samples: list[Sample]) -> Best:
    return Best(
        wall_s=min(sample.wall_s for sample in samples),
        cpu_s=min(sample.cpu_s for sample in samples),
        peak_rss_bytes=min(sample.peak_rss_bytes for sample in samples),
    )


def ratios_of(plain: Best, other: Best) -> Ratios:
    return Ratios(
        speed=plain.wall_s / other.wall_s,
        cpu=plain.cpu_s / other.cpu_s,
        memory=plain.peak_rss_bytes / other.peak_rss_bytes,
    )


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def time_header(variants: list[str]) -> str:
    cells = "".join(f" | {name[:12]:>12} speed   cpu   rss" for name in variants)
    return f"{'seconds, MB':20} {'pymalloc':>13}{cells}"


def time_line(program: str, plain: Best, others: list[Best]) -> str:
    line = f"{program:20} {plain.wall_s:7.3f} {plain.peak_rss_bytes / MIB:5.0f}"
    for other in others:
        ratios = ratios_of(plain, other)
        figures = f"{other.wall_s:7.3f} {other.peak_rss_bytes / MIB:4.0f}"
        line += f" | {figures} {ratios.speed:5.3f} {ratios.cpu:5.3f} {ratios.memory:5.2f}"
    return line


def summary_lines(by_program: dict[str, list[Ratios]]) -> list[str]:
    """The geometric means over the programs, and the worst program per column."""
    columns = list(zip(*by_program.values()))
    mean, worst, names = f"{'geometric mean':34}", f"{'worst':34}", f"{'':34}"
    for column in columns:
        figures = {name: [getattr(ratios, name) for ratios in column] for name in ("speed", "cpu", "memory")}
        means = {name: geometric_mean(values) for name, values in figures.items()}
        worsts = {name: min(values) for name, values in figures.items()}
        mean += f" | {'':12} {means['speed']:5.3f} {means['cpu']:5.3f} {means['memory']:5.2f}"
        worst += f" | {'':12} {worsts['speed']:5.3f} {worsts['cpu']:5.3f} {worsts['memory']:5.2f}"
        slowest = list(by_program)[figures["speed"].index(worsts["speed"])]
        names += f" | {'speed: ' + slowest:30}"
    return [mean, worst, names.rstrip()]


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
