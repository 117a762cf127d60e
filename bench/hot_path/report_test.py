"""What `compare` makes of figures: ratios of medians, the fastest peer, and where a target is met or missed."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import report  # noqa: E402
from peers import Peer  # noqa: E402
from text_tables import as_markdown  # noqa: E402

PEERS = [
    Peer("glibc"),
    Peer("mimalloc", library=Path("libmimalloc.so.2")),
    Peer("smallblock", library=Path("libsmallblock_preload.so")),
    Peer("boost_pool", "boost_pool"),
    Peer("floor", "floor"),
    Peer("inlined", "inlined"),
]


def results(pattern: str, **figures: list[float]) -> report.Results:
    return report.Results(PEERS, {pattern: figures}, {})


class Targets(unittest.TestCase):
    def verdicts(self, pattern: str, **figures: list[float]) -> list[tuple[str, float, bool]]:
        judged = results(pattern, **figures).verdicts()
        return [(verdict.what, round(verdict.value, 3), verdict.passed) for verdict in judged]

    def test_the_fastest_preloaded_peer_counts(self) -> None:
        verdicts = self.verdicts("ping_pong", glibc=[9.0], mimalloc=[6.0], smallblock=[6.0], boost_pool=[1.0])
        self.assertEqual(verdicts, [("ping_pong, of mimalloc, the fastest peer", 1.0, True)])

    def test_just_above_the_limit_is_a_miss(self) -> None:
        of_batch = "batch, of glibc, the fastest peer"
        self.assertEqual(self.verdicts("batch", glibc=[10.0], smallblock=[10.5]), [(of_batch, 1.05, True)])
        self.assertEqual(self.verdicts("batch", glibc=[10.0], smallblock=[10.6]), [(of_batch, 1.06, False)])

    def test_churn_is_held_against_mimalloc_and_against_the_fastest(self) -> None:
        verdicts = self.verdicts("churn", glibc=[20.0], mimalloc=[30.0], smallblock=[24.0])
        of_fastest = "churn, of glibc, the fastest peer"
        self.assertEqual(verdicts, [("churn, of mimalloc", 0.8, True), (of_fastest, 1.2, False)])

    def test_the_median_of_the_rounds_decides(self) -> None:
        verdicts = self.verdicts("build", glibc=[1.0, 10.0, 99.0], smallblock=[9.0])
        self.assertEqual(verdicts, [("build, of glibc, the fastest peer", 0.9, True)])

    def test_a_variant_of_ours_is_no_rival(self) -> None:
        peers = [Peer("smallblock", library=Path("a.so")), Peer("smallblock_no_decay", library=Path("a.so"))]
        figures = {"smallblock": [2.0], "smallblock_no_decay": [1.0]}
        self.assertEqual(report.judge({"build": figures}, peers), [])

    def test_without_ours_or_without_peers_there_is_no_verdict(self) -> None:
        self.assertEqual(self.verdicts("build", glibc=[1.0]), [])
        self.assertEqual(self.verdicts("build", smallblock=[1.0]), [])


class Tables(unittest.TestCase):
    def test_times_and_ratios(self) -> None:
        measured = results("churn", glibc=[70.0, 72.0, 170.0], smallblock=[18.0], floor=[9.0], inlined=[12.0])
        tables = measured.tables()
        self.assertEqual(tables[0][1], ["churn", "72.00 (70.00)", "-", "18.00 (18.00)"])
        self.assertEqual(tables[1][1], ["churn", "-", "9.00 (9.00)", "12.00 (12.00)"])
        self.assertEqual(tables[2], [["smallblock /", "glibc", "mimalloc"], ["churn", "0.25x", "-"]])
        self.assertEqual(tables[3][1], ["churn", "0.17x", "-", "-"])
        self.assertEqual(len(tables), 4)

    def test_a_pattern_that_nobody_else_runs_has_no_ratios(self) -> None:
        tables = results("batch_calls", inlined=[2.0]).tables()
        self.assertEqual([table[1:] for table in tables], [[["batch_calls", "-", "-", "2.00 (2.00)"]]])

    def test_markdown_has_a_rule_under_the_head(self) -> None:
        self.assertEqual(as_markdown([["a", "b"], ["c", "1"]]), "| a | b |\n|---|---:|\n| c | 1 |")


if __name__ == "__main__":
    unittest.main()
