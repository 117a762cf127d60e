"""The expected figures: the published columns, and tables and closed forms that must agree with each other."""

from __future__ import annotations

import unittest

import expected
from expected import LIVE_SHARES, MIXED

# Column F as published, by Monte-Carlo over 4096 pages: 1%, 5% and 20% alive.
COLUMN_F = {16: (91.7, 100, 100), 64: (47.9, 96.5, 100), 256: (14.1, 55.8, 97.1), 512: (8.1, 33.7, 82.9)}


class Scattered(unittest.TestCase):
    def test_the_closed_form_is_the_published_column(self) -> None:
        for size, column in COLUMN_F.items():
            for live, held in zip(LIVE_SHARES, column):
                self.assertAlmostEqual(expected.scattered(size, live), held, delta=1.0)

    def test_mixed_lies_between_its_sizes_and_nearer_to_the_large_ones(self) -> None:
        self.assertAlmostEqual(expected.scattered(MIXED, 0.05), 48.9, delta=0.1)

    def test_everything_alive_is_everything_held(self) -> None:
        self.assertEqual(expected.scattered(64, 1.0), 100)


class Clustered(unittest.TestCase):
    def test_the_table_agrees_with_the_closed_form(self) -> None:
        for size, row in expected.CLUSTERED.items():
            for live, held in zip(LIVE_SHARES, row):
                self.assertAlmostEqual(expected.clustered_closed_form(size, live), held, delta=3.0)
                self.assertEqual(expected.clustered(size, live), held)

    def test_a_share_without_an_entry_comes_from_the_closed_form(self) -> None:
        self.assertEqual(expected.clustered(64, 0.1), expected.clustered_closed_form(64, 0.1))

    def test_mixed_runs_pin_less_than_scattered_blocks_and_more_than_one_size_would(self) -> None:
        for live in LIVE_SHARES:
            self.assertLess(expected.clustered(MIXED, live), expected.scattered(MIXED, live))
            self.assertGreater(expected.clustered(MIXED, live), expected.clustered_closed_form(256, live))


class Turned(unittest.TestCase):
    def test_rows_of_the_table_stand_as_they_are(self) -> None:
        self.assertEqual(expected.turned(64, 0.05, 1), 67.6)
        self.assertEqual(expected.turned(512, 0.20, 3), 23.4)

    def test_between_two_rows(self) -> None:
        self.assertAlmostEqual(expected.turned(128, 0.05, 1), (67.6 + 24.8) / 2)

    def test_mixed_is_what_a_simulation_of_all_sizes_gave(self) -> None:
        simulated = {1: (5.7, 22.7, 61.7), 3: (1.7, 7.6, 26.9)}
        for times, row in simulated.items():
            for live, held in zip(LIVE_SHARES, row):
                self.assertAlmostEqual(expected.turned(MIXED, live, times), held, delta=2.1)


if __name__ == "__main__":
    unittest.main()
