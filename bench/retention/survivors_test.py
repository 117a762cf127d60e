"""What traces.py makes of a trace: who is alive at a moment, in which runs, and on how many pages."""

from __future__ import annotations

import unittest

import traces
from traces import Block, Trace


def trace_of(deaths: list[int], size: int = 512) -> Trace:
    """Blocks born one after the other, then `deaths` in order; the others live on."""
    words: list[int] = []
    for place in range(len(deaths)):
        words += [4096 * (place + 1), size]
    for place in sorted((place for place in range(len(deaths)) if deaths[place]), key=lambda place: deaths[place]):
        words += [4096 * (place + 1), 0]
    return traces.parse(words)


class Parsing(unittest.TestCase):
    def test_an_address_may_be_born_again(self) -> None:
        trace = traces.parse([16, 20, 16, 0, 16, 40, 99, 0])
        self.assertEqual(trace.events, 4)
        self.assertEqual(trace.blocks, [Block(32, 0, 1), Block(48, 2, traces.NEVER)])

    def test_large_blocks_do_not_count_and_take_no_free_of_a_small_one(self) -> None:
        self.assertEqual(traces.parse([16, 513, 16, 0, 16, 512]).blocks, [Block(512, 2, traces.NEVER)])

    def test_the_peak_comes_before_the_drop(self) -> None:
        trace = trace_of([1, 2, 0, 0])
        self.assertEqual(traces.peak_before(trace, trace.events), 3)
        self.assertEqual(traces.peak_before(trace, 1), 1)


class Survivors(unittest.TestCase):
    def test_one_page_of_eight_survivors(self) -> None:
        found = traces.survival(trace_of([0] * 8 + [1] * 24), 55)
        self.assertEqual((found.alive, found.mean_run, found.held_by_size), (25, 8, 25))
        self.assertEqual(found.held_side_by_side, 25)
        self.assertAlmostEqual(found.held_scattered, 100 * (1 - 0.75**8))

    def test_scattered_survivors_hold_every_page(self) -> None:
        found = traces.survival(trace_of(([0] + [1] * 7) * 4), 60)
        self.assertEqual((found.mean_run, found.held_by_size), (1, 100))

    def test_sizes_that_die_together_lie_apart_by_size_and_together_side_by_side(self) -> None:
        sizes, words = (256, 512) * 16, []
        for place, size in enumerate(sizes):
            words += [4096 * (place + 1), size]
        for place in range(4, 32):
            words += [4096 * (place + 1), 0]
        found = traces.survival(traces.parse(words), 60)
        self.assertAlmostEqual(found.held_by_size, 100 * 2 / 3)  # one page of each size: 1 of 1, and 1 of 2
        self.assertAlmostEqual(found.held_side_by_side, 100 / 3)

    def test_a_survivor_across_a_border_holds_both_pages(self) -> None:
        blocks = [(480, place == 8) for place in range(17)]  # the ninth lies from 3840 to 4320
        self.assertEqual(traces.held_share(blocks), (2, 2))

    def test_the_work_ends_where_the_last_descent_begins(self) -> None:
        words: list[int] = []
        for place in range(8000):
            words += [4096 * (place + 1), 16]
        for place in range(8000):
            words += [4096 * (place + 1), 0]
        self.assertAlmostEqual(traces.end_of_work(traces.parse(words)), 8000, delta=8)


if __name__ == "__main__":
    unittest.main()
