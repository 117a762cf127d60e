"""What `compare` makes of figures: each kind of target met and missed."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from judge import Job, Sample, Samples, judge, time_table  # noqa: E402

MIB = 1 << 20


def samples(job: Job, **peers: tuple[float, float]) -> Samples:
    """Peer -> (ns a pair, MiB)."""
    return {job: {name: [Sample(ns, int(rss * MIB))] * 3 for name, (ns, rss) in peers.items()}}


class Targets(unittest.TestCase):
    def passed(self, given: Samples) -> list[tuple[float, bool]]:
        return [(round(verdict.value, 3), verdict.passed) for verdict in judge(given)]

    def test_larson_is_measured_against_the_fastest_and_the_leanest_of_three(self) -> None:
        job = Job("larson_1000", 2)
        given = samples(
            job, glibc=(50, 1), jemalloc=(40, 10), mimalloc=(20, 20), tcmalloc=(30, 30), smallblock=(21, 10.5)
        )
        self.assertEqual(self.passed(given), [(1.05, False), (1.05, True)])
        given = samples(job, glibc=(50, 1), mimalloc=(20, 20), smallblock=(19, 10.5))
        self.assertEqual(self.passed(given), [(0.95, True), (10.5, False)])

    def test_a_handover_takes_two_thirds_of_the_fastest(self) -> None:
        job = Job("handover", 2)
        self.assertEqual(self.passed(samples(job, glibc=(30, 1), smallblock=(20, 1)))[0], (0.667, True))
        self.assertEqual(self.passed(samples(job, glibc=(30, 1), smallblock=(21, 1)))[0], (0.7, False))

    def test_scaling_is_ours_alone(self) -> None:
        given: Samples = {}
        for threads, ns in ((1, 20.0), (2, 10.0), (32, 11.0)):
            given.update(samples(Job("churn", threads), smallblock=(ns, 1)))
        self.assertEqual(self.passed(given), [(2.0, True), (0.909, False)])

    def test_a_peer_that_was_not_measured_is_a_dash(self) -> None:
        self.assertEqual(time_table(samples(Job("churn", 1), glibc=(5, 1)), ["glibc", "jemalloc"])[1][1:], ["5.0", "-"])


if __name__ == "__main__":
    unittest.main()
