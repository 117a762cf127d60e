"""What `compare` makes of its runs: shares of the peak, and where a target is met or missed."""

from __future__ import annotations

import unittest
from typing import Optional

import judge
from processes import DECAY_OFF, Phase, Run
from scenarios import CELLS, Cell

MB = 1_000_000


def phase(name: str, rss: float, index: int = 0, live: int = 0, dirty: float = 0, **others: float) -> Phase:
    fields = {"vmas": 10, "anon_huge_bytes": 0, "took_ms": 0.0, "cpu_ms": 0.0, **others}
    return Phase(name, index, 0.0, live, int(rss * MB), int(dirty * MB), **fields)  # type: ignore[arg-type]


def drop_run(cell: Cell, peer: str, trimmed: float, scenario: str = "a", **others: float) -> Run:
    """A baseline of 10 MB, a peak of 110."""
    phases = [phase("baseline", 10), phase("full", 110, live=100 * MB), phase("trimmed", trimmed, live=MB, **others)]
    return Run(scenario, cell.label, peer, phases, [])


def verdict_of(section: judge.Section, start: str) -> Optional[bool]:
    return next((verdict.passed for verdict in section.verdicts if verdict.what.startswith(start)), None)


class Drop(unittest.TestCase):
    cell = Cell(512, 0.01)  # 7.7% expected

    def test_three_points_above_the_expected_share_is_the_limit(self) -> None:
        for trimmed, passed in ((20.6, True), (20.8, False)):
            section = judge.judge("a", [drop_run(self.cell, "smallblock", trimmed)])
            self.assertEqual(verdict_of(section, "(a) 512 B 1%"), passed, trimmed)
            self.assertEqual(section.tables[0][1][-1], "pass" if passed else "MISS")

    def test_the_baseline_does_not_count_and_peers_stand_side_by_side(self) -> None:
        runs = [drop_run(self.cell, "glibc", 110), drop_run(self.cell, "smallblock", 18)]
        section = judge.judge("a", runs)
        self.assertEqual(section.tables[0][1], ["512 B 1%", "1.0", "10.7", "100.0", "8.0", "pass"])
        self.assertEqual(section.tables[1][1], ["512 B 1%", "100", "100"])

    def test_without_ours_nothing_is_judged(self) -> None:
        section = judge.judge("a", [drop_run(self.cell, "glibc", 110)])
        self.assertEqual(section.verdicts, [])

    def test_runs_of_survivors_are_held_against_their_own_figure(self) -> None:
        section = judge.judge("b", [drop_run(self.cell, "smallblock", 14.1, "b")])
        self.assertEqual(verdict_of(section, "(b) 512 B 1%"), False)

    def test_lines_of_a_table_are_counted(self) -> None:
        runs = [drop_run(cell, "smallblock", 10 if cell.size == 512 else 150) for cell in CELLS]
        self.assertEqual(judge.judge("a", runs).verdict_lines[0], "MISS  3 of 15 lines of the table")


class Process(unittest.TestCase):
    def test_a_mapping_for_each_purge_is_a_miss(self) -> None:
        section = judge.judge("a", [drop_run(Cell(64, 0.05), "smallblock", 50, vmas=15)])
        self.assertEqual(verdict_of(section, "(a) VMAs"), False)

    def test_huge_pages_make_resident_memory_a_lie(self) -> None:
        section = judge.judge("a", [drop_run(Cell(64, 0.05), "smallblock", 50, anon_huge_bytes=2 << 20)])
        self.assertEqual(verdict_of(section, "(a) bytes in huge pages"), False)

    def test_what_peers_do_is_not_judged(self) -> None:
        runs = [drop_run(Cell(64, 0.05), "smallblock", 50), drop_run(Cell(64, 0.05), "jemalloc", 50, vmas=99)]
        self.assertEqual(verdict_of(judge.judge("a", runs), "(a) VMAs"), True)


class Turnover(unittest.TestCase):
    def section(self, held_10x: float) -> judge.Section:
        cell = Cell(64, 0.05)
        phases = [phase("baseline", 10), phase("full", 110, live=100 * MB)]
        for times, rss in ((1, 80), (3, 34), (10, 10 + held_10x)):
            phases.append(phase(f"turned_{times}x_trimmed", rss, live=5 * MB))
        return judge.judge("c", [Run("c", cell.label, "smallblock", phases, [])])

    def test_each_step_has_its_target(self) -> None:
        section = self.section(6.4)
        self.assertEqual([row[2] for row in section.tables[0][1:]], ["72.6", "23.0", "6.5"])
        self.assertEqual([row[-1] for row in section.tables[0][1:]], ["pass", "MISS", "pass"])

    def test_after_ten_the_live_bytes_decide(self) -> None:
        self.assertEqual(verdict_of(self.section(6.6), "(c) 64 B 5% 10x"), False)


class Sawtooth(unittest.TestCase):
    def run_of(self, peer: str, last_peak: float, cpu_ms: float) -> Run:
        phases = [phase("baseline", 10)]
        for tooth in range(1, 11):
            phases.append(phase("tooth_top", 110 if tooth < 10 else last_peak, tooth, cpu_ms=cpu_ms))
            phases.append(phase("tooth_foot", 10, tooth))
        return Run("d", "round 1", peer, phases, [])

    def test_the_last_peak_and_the_time(self) -> None:
        section = judge.judge("d", [self.run_of("smallblock", 111, 105), self.run_of(DECAY_OFF, 110, 100)])
        self.assertEqual((verdict_of(section, "(d) peak"), verdict_of(section, "(d) time")), (True, True))
        section = judge.judge("d", [self.run_of("smallblock", 113, 112), self.run_of(DECAY_OFF, 110, 100)])
        self.assertEqual((verdict_of(section, "(d) peak"), verdict_of(section, "(d) time")), (False, False))


class Prefork(unittest.TestCase):
    def run_of(self, peer: str, freed: float, walked: float = 1, cell: str = "malloc") -> Run:
        phases = [phase("baseline", 10), phase("full", 510)]
        for child in range(5):
            phases.append(phase("child_begin", 510, child, dirty=2))
            phases.append(phase("child_end", 510, child, dirty=2 + (walked if child == 0 else freed)))
        return Run("f", cell, peer, phases, [])

    def test_a_walk_is_subtracted(self) -> None:
        section = judge.judge("f", [self.run_of("glibc+trim", 401), self.run_of("smallblock", 20)])
        self.assertEqual(section.tables[0][2], ["malloc: smallblock", "500.0", "1.0", "20.0", "19.0", "3.8"])
        self.assertEqual(verdict_of(section, "(f) malloc"), True)

    def test_more_than_a_twentieth_is_a_miss(self) -> None:
        runs = [self.run_of("pymalloc", 401, cell="python blocks"), self.run_of("smallblock", 22, cell="python blocks")]
        self.assertEqual(verdict_of(judge.judge("f", runs), "(f) python blocks"), False)


class RecordsAndTrim(unittest.TestCase):
    def test_a_python_process_counts_as_a_whole(self) -> None:
        names = ("trimmed", "turned_1x_trimmed", "turned_3x_trimmed")
        phases = [phase("baseline", 10), phase("full", 400), phase("dropped", 300)]
        phases += [phase(name, rss) for name, rss in zip(names, (180, 100, 84))]
        section = judge.judge("e", [Run("e", "one", "smallblock", phases, [])])
        verdicts = (verdict_of(section, "(e) one: at once"), verdict_of(section, "(e) one: after"))
        self.assertEqual(verdicts, (True, False))

    def test_the_median_of_the_trials_decides(self) -> None:
        phases = [phase("baseline", 10)]
        for trial, took_ms in enumerate((10.0, 151.0, 900.0), 1):
            phases += [phase("full", 110, trial), phase("trimmed", 20, trial, took_ms=took_ms)]
        section = judge.judge("trim", [Run("trim", "mixed 1%", "smallblock", phases, [])])
        self.assertEqual(verdict_of(section, "(trim) mixed 1%"), False)


if __name__ == "__main__":
    unittest.main()
