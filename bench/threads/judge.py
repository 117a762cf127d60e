"""Tables and targets from the figures of `compare`; nothing here runs anything.

Times are medians of whole runs, memory is the median of the peaks. A run is a pattern with a number of threads.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from peers import OURS_PRELOADED
from text_tables import Table
from verdict import Verdict

MIB = 1 << 20


@dataclass(frozen=True)
class Sample:
    pair_ns: float
    peak_rss_bytes: int


@dataclass(frozen=True, order=True)
class Job:
    """What is measured: a pattern with so many threads."""

    pattern: str
    threads: int

    def __str__(self) -> str:
        return f"{self.pattern}, {self.threads} thread{'s' if self.threads > 1 else ''}"


Samples = dict[Job, dict[str, list[Sample]]]  # -> peer -> a sample a round


# Our time, as a share of the fastest peer's, at most.
TIME_SHARES = {"handover": 1 / 1.5, "larson_1000": 1.0, "larson_16000": 1.0, "stress_1000": 1.0, "stress_16000": 1.0}
SPEED_UP_OF_TWO = 1.9
SHARE_OF_CROWD = 0.95
CROWD = 32
RSS_SHARE = 1.1
FASTEST = 3


def median_ns(samples: Samples, job: Job, peer: str) -> Optional[float]:
    kept = samples.get(job, {}).get(peer)
    return statistics.median(sample.pair_ns for sample in kept) if kept else None


def median_rss(samples: Samples, job: Job, peer: str) -> float:
    return statistics.median(sample.peak_rss_bytes for sample in samples[job][peer])


def time_table(samples: Samples, names: Sequence[str]) -> Table:
    rows = [["ns a pair", *names]]
    for job in samples:
        figures = [median_ns(samples, job, name) for name in names]
        rows.append([str(job), *("-" if figure is None else f"{figure:.1f}" for figure in figures)])
    return rows


def rss_table(samples: Samples, names: Sequence[str]) -> Table:
    rows = [["peak, MiB", *names]]
    for job, by_peer in samples.items():
        cells = [f"{median_rss(samples, job, name) / MIB:.1f}" if name in by_peer else "-" for name in names]
        rows.append([str(job), *cells])
    return rows


def _scaling(samples: Samples) -> list[Verdict]:
    one, two, crowd = (median_ns(samples, Job("churn", count), OURS_PRELOADED) for count in (1, 2, CROWD))
    verdicts = []
    if one and two:
        verdicts.append(Verdict("churn, pairs a second with 2 threads / with 1", one / two, SPEED_UP_OF_TWO, at_least=True))
    if two and crowd:
        what = f"churn, pairs a second with {CROWD} threads / with 2"
        verdicts.append(Verdict(what, two / crowd, SHARE_OF_CROWD, at_least=True))
    return verdicts


def judge(samples: Samples) -> list[Verdict]:
    verdicts = _scaling(samples)
    for job, by_peer in samples.items():
        own = median_ns(samples, job, OURS_PRELOADED)
        rivals = {name: ns for name in by_peer if name != OURS_PRELOADED and (ns := median_ns(samples, job, name))}
        if job.pattern not in TIME_SHARES or own is None or not rivals:
            continue
        fastest = sorted(rivals, key=lambda name: rivals[name])
        what = f"{job}: time / {fastest[0]}'s"
        verdicts.append(Verdict(what, own / rivals[fastest[0]], TIME_SHARES[job.pattern]))
        leanest = min(fastest[:FASTEST], key=lambda name: median_rss(samples, job, name))
        share = median_rss(samples, job, OURS_PRELOADED) / median_rss(samples, job, leanest)
        verdicts.append(Verdict(f"{job}: peak RSS / {leanest}'s", share, RSS_SHARE))
    return verdicts
