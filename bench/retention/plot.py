"""Draws one scenario's CSV as SVG: a small diagram per cell, a line per allocator.

Started by `compare` with an interpreter that has matplotlib: plot.py CSV SVG TITLE.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

COLUMNS = 3
POINTS_MAX = 200  # of a line
COLOURS = {
    "pymalloc": "tab:brown",
    "glibc": "tab:gray",
    "glibc+trim": "black",
    "jemalloc": "tab:orange",
    "mimalloc": "tab:green",
    "tcmalloc": "tab:purple",
    "smallblock": "tab:red",
    "smallblock, decay off": "tab:pink",
}
Points = list[tuple[float, float]]


def read_curves(path: str) -> dict[str, dict[str, Points]]:
    curves: dict[str, dict[str, Points]] = defaultdict(lambda: defaultdict(list))
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            megabytes = int(row["rss_above_start_bytes"]) / 1e6
            curves[row["cell"]][row["peer"]].append((float(row["time_s"]), megabytes))
    return curves


def thinned(points: Points) -> Points:
    """At most POINTS_MAX, each the highest of its neighbours: peaks stay."""
    step = -(-len(points) // POINTS_MAX)
    return [max(points[i : i + step], key=lambda point: point[1]) for i in range(0, len(points), step)]


def main() -> None:
    source, target, title = sys.argv[1:]
    matplotlib.rcParams.update({"svg.hashsalt": "retention", "svg.fonttype": "none", "font.size": 8})
    curves = read_curves(source)
    columns = min(COLUMNS, max(len(curves), 1))
    rows = max(-(-len(curves) // columns), 1)
    size = (4 * columns, 2.4 * rows + 0.8) if len(curves) > 1 else (7, 4)
    figure, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False)
    lines = {}
    for axis in axes.flat[len(curves) :]:
        axis.set_visible(False)
    for axis, (cell, peers) in zip(axes.flat, curves.items()):
        for peer, points in peers.items():
            times, megabytes = zip(*thinned(points))
            lines[peer] = axis.plot(times, megabytes, label=peer, color=COLOURS.get(peer), linewidth=1)[0]
        axis.set_title(cell)
        axis.set_ylim(bottom=0)
        axis.set_xlabel("s")
        axis.set_ylabel("MB above the start")
    figure.suptitle(title)
    figure.legend(lines.values(), lines.keys(), loc="lower center", ncol=len(lines) or 1, frameon=False)
    figure.tight_layout(rect=(0, 0.04, 1, 0.98))
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main()
