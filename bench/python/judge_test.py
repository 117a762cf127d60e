"""What `compare` makes of its samples: ratios the right way round, and each target met or missed where it should be."""

from __future__ import annotations

import sys
import unittest
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import judge  # noqa: E402
import tables  # noqa: E402
from judge import Ratios  # noqa: E402
from measure import Sample  # noqa: E402
from pythons import Python  # noqa: E402

MET = {
    "parser": Ratios(speed=1.10, cpu=1.0, peak=1.0),
    "server": Ratios(speed=1.06, cpu=1.0, peak=1.01, after=(0.6, 0.3)),
}


def python(minor: int, executable: str = "/opt/bin/python3") -> Python:
    return Python(executable, (3, minor, 1), shared=True, free_threaded=False, debug=False)


def missed(version: Python, by_program: dict[str, Ratios]) -> list[str]:
    return [verdict.what for verdict in judge.judge(version, by_program) if not verdict.passed]


def with_server(**changes: object) -> dict[str, Ratios]:
    return {**MET, "server": replace(MET["server"], **changes)}  # type: ignore[arg-type]


class Judge(unittest.TestCase):
    def test_all_targets_met(self) -> None:
        self.assertEqual(missed(python(12), MET), [])
        self.assertEqual(len(judge.judge(python(12), MET)), 5)

    def test_mean_speed_depends_on_the_interpreter(self) -> None:
        slower = {"parser": Ratios(1.0, 1.0, 1.0), "server": Ratios(1.06, 1.0, 1.0)}  # a mean of 1.03
        self.assertEqual(missed(python(12), slower), ["speed, geometric mean"])
        self.assertEqual(missed(python(13), slower), ["speed, geometric mean"])
        self.assertEqual(missed(python(11, "/usr/bin/python3.11"), slower), [])
        self.assertEqual(missed(python(11), slower), [])  # no target for the mean
        slowest = {"parser": Ratios(1.01, 1.0, 1.0)}
        self.assertEqual(missed(python(11, "/usr/bin/python3.11"), slowest), ["speed, geometric mean"])

    def test_one_slow_program(self) -> None:
        self.assertEqual(missed(python(10), with_server(speed=0.97)), ["speed, worst (server)"])

    def test_peak(self) -> None:
        missed_by = missed(python(10), with_server(peak=1.02))
        self.assertEqual(missed_by, ["peak RSS, worst (server)"])
        self.assertIn("peak RSS, geometric mean", missed(python(10), with_server(peak=1.05)))

    def test_what_is_left_after_one_second(self) -> None:
        self.assertEqual(missed(python(10), with_server(after=(0.61, 0.2))), ["RSS 1 s after the peak (server)"])


class Tables(unittest.TestCase):
    def sample(self, wall_s: float, peak: int, after: list[int]) -> Sample:
        return Sample(wall_s, wall_s, wall_s, 0.0, peak, after, 0, "")

    def test_speed_is_pymalloc_over_other_and_memory_other_over_pymalloc(self) -> None:
        plain = tables.best_of([self.sample(3.0, 110, [90, 80]), self.sample(2.0, 100, [110, 80])])
        other = tables.best_of([self.sample(1.0, 150, [50, 20])])
        self.assertEqual(tables.ratios_of(plain, other), Ratios(2.0, 2.0, 1.5, (0.5, 0.25)))

    def test_columns_stand_under_their_heads(self) -> None:
        plain = tables.best_of([self.sample(3.0, 110 << 20, [90 << 20, 80 << 20])])
        ratios = {"server": [MET["server"], MET["server"]], "parser": [MET["parser"], MET["parser"]]}
        lines = tables.time_header(["ours", "theirs"], 3).splitlines()
        lines += [tables.time_line("server", plain, ratios["server"]), *tables.summary_lines(ratios)]
        bars = {tuple(index for index, sign in enumerate(line) if sign == "|") for line in lines}
        self.assertEqual(len(bars), 1, lines)


if __name__ == "__main__":
    unittest.main()
