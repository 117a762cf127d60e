"""Tables, ratios and targets from the figures of `compare`; nothing here runs anything.

A figure is missing where a pattern cannot run on a peer. Text for the terminal, markdown for the documentation.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Optional

from peers import OURS_INSIDE, OURS_PRELOADED, REFERENCE, Peer
from text_tables import Table
from verdict import Verdict

Samples = dict[str, dict[str, list[float]]]  # pattern -> peer -> ns of one pair, a figure a round
Figures = dict[str, dict[str, float]]  # pattern -> peer -> one figure


@dataclass(frozen=True)
class Target:
    """The preload library must take at most `ratio_max` times what `against` takes; None: the fastest peer."""

    pattern: str
    ratio_max: float
    against: Optional[str] = None


TARGETS = (
    Target("ping_pong", 1.00),
    Target("batch", 1.05),
    Target("churn", 0.80, "mimalloc"),
    Target("churn", 1.05),
    Target("build", 1.00),
)


def median(samples: Samples, pattern: str, peer: str) -> Optional[float]:
    values = samples.get(pattern, {}).get(peer)
    return statistics.median(values) if values else None


def _ns(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def time_table(samples: Samples, peers: Sequence[Peer]) -> Table:
    """Median and, in brackets, minimum."""
    rows = [["ns per pair", *(peer.name for peer in peers)]]
    for pattern, figures in samples.items():
        cells = [figures.get(peer.name) for peer in peers]
        if any(cells):
            rows.append([pattern, *(f"{_ns(statistics.median(v))} ({_ns(min(v))})" if v else "-" for v in cells)])
    return rows


def ratio_table(samples: Samples, subject: str, peers: Iterable[Peer]) -> Table:
    """Subject / peer, of the medians: below 1 the subject is faster."""
    others = [peer.name for peer in peers if peer.name != subject]
    rows = [[f"{subject} /", *others]]
    for pattern in samples:
        own = median(samples, pattern, subject)
        if own is None:
            continue
        theirs = [median(samples, pattern, other) for other in others]
        if any(theirs):
            rows.append([pattern, *(f"{own / value:.2f}x" if value else "-" for value in theirs)])
    return rows


def shares_of_least(samples: Samples, subject: str, other: str) -> list[str]:
    """Minima, where two peers differ by less than the machine's noise; all patterns together at the end."""
    shares = {
        pattern: min(figures[subject]) / min(figures[other])
        for pattern, figures in samples.items()
        if subject in figures and other in figures
    }
    lines = [f"{pattern}: {share:.3f}x" for pattern, share in shares.items()]
    return [*lines, f"geometric mean: {statistics.geometric_mean(shares.values()):.3f}x"] if shares else lines


def instruction_table(instructions: Figures, peers: Iterable[Peer]) -> Table:
    names = [peer.name for peer in peers]
    rows = [["instructions per pair", *names]]
    for pattern, figures in instructions.items():
        rows.append([pattern, *(f"{figures[name]:.1f}" if name in figures else "-" for name in names)])
    return rows


def judge(samples: Samples, peers: Iterable[Peer]) -> list[Verdict]:
    """The preload library against the preloaded peers that were measured."""
    rivals = [peer.name for peer in peers if peer.preloaded and not peer.ours]
    verdicts = []
    for target in TARGETS:
        own = median(samples, target.pattern, OURS_PRELOADED)
        names = [name for name in rivals if target.against in (None, name)]
        figures = {name: value for name in names if (value := median(samples, target.pattern, name)) is not None}
        if own is None or not figures:
            continue
        against = min(figures, key=lambda name: figures[name])
        which = against if target.against else f"{against}, the fastest peer"
        verdicts.append(Verdict(f"{target.pattern}, of {which}", own / figures[against], target.ratio_max))
    return verdicts


@dataclass(frozen=True)
class Results:
    """All that one call of `compare` measured."""

    peers: Sequence[Peer]
    samples: Samples
    instructions: Figures

    def verdicts(self) -> list[Verdict]:
        return judge(self.samples, self.peers)

    def tables(self) -> list[Table]:
        preloaded = [peer for peer in self.peers if peer.preloaded]
        inside = [peer for peer in self.peers if not peer.preloaded]
        rivals = [peer for peer in self.peers if not peer.ours and peer.name != REFERENCE]
        tables = [
            time_table(self.samples, preloaded),
            time_table(self.samples, inside),
            ratio_table(self.samples, OURS_PRELOADED, preloaded),
            *(ratio_table(self.samples, name, rivals) for name in OURS_INSIDE),
            instruction_table(self.instructions, self.peers),
        ]
        return [table for table in tables if len(table) > 1 and len(table[0]) > 1]
