"""`layout`: the probabilities against cases that can be counted by hand."""

from __future__ import annotations

import re
import sys
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

LOADER = SourceFileLoader("layout", str(Path(__file__).with_name("layout")))
SPEC = spec_from_loader("layout", LOADER)
assert SPEC is not None
layout = module_from_spec(SPEC)
sys.modules["layout"] = layout  # dataclasses look their module up
LOADER.exec_module(layout)


class Layouts(unittest.TestCase):
    def test_a_size_that_divides_a_page_lies_the_same_either_way(self) -> None:
        for size in (16, 32, 64, 128, 256, 512):
            self.assertEqual(layout.compare(size).verdict, "same", size)

    def test_blocks_across_a_border_touch_both_pages(self) -> None:
        self.assertEqual(layout.back_to_back(480).touching, (9, 10, 9, 9))  # 34 blocks, 3 of them on two pages
        self.assertEqual(layout.page_local(480).touching, (8, 8, 8, 8))

    def test_waste(self) -> None:
        self.assertAlmostEqual(layout.page_local(464).waste, 1 - 32 * 464 / 16384)
        self.assertAlmostEqual(layout.back_to_back(464).waste, 1 - 35 * 464 / 16384)

    def test_held_bytes_for_each_useful_one(self) -> None:
        self.assertAlmostEqual(layout.page_local(512).held(0.05), 1 - 0.95**8)
        pages = 3 * (1 - 0.95**9) + (1 - 0.95**10)
        self.assertAlmostEqual(layout.back_to_back(480).held(0.05), pages * 4096 / (34 * 480))

    def test_the_verdicts_are_those_of_the_sums(self) -> None:
        self.assertEqual((layout.compare(288).verdict, layout.compare(464).verdict), ("page-local", "back to back"))
        both = layout.compare(352)  # holds less within pages, by less than its waste costs at the peak
        self.assertEqual((both.verdict, both.verdict_with_peak), ("page-local", "back to back"))

    def test_those_that_are_better_with_the_peak_counted_are_the_ones_that_the_engine_chose(self) -> None:
        test = (Path(__file__).parents[2] / "tests/core/size_class_test.cpp").read_text()
        named = re.search(r"expected = \{([\d, ]+)\}", test)
        assert named is not None
        within = [size for size in layout.sizes() if layout.compare(size).verdict_with_peak != "back to back"]
        self.assertEqual([int(size) for size in named[1].split(",")], within)


if __name__ == "__main__":
    unittest.main()
