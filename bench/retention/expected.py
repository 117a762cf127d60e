"""What an allocator that gives back single pages and fills the fullest first should hold, in % of its peak.

Independent survivors: the closed form 1 - (1 - p)^(4096 / size), a page going back when all its blocks are dead
(`scattered`). Survivors in runs of 64, and turnover, come from Monte-Carlo runs over 4096 pages (the tables); where
those have no entry, from a closed form, a simulation or interpolation, as each function says. bench/retention/compare
judges by these figures; expected_test.py holds the tables against the closed forms.
"""

from __future__ import annotations

import functools
import math
import random

PAGE_BYTES = 4096
GRANULE_BYTES = 16
SMALL_BYTES_MAX = 512
MIXED = 0  # the "size" of blocks of every multiple of 16 up to 512, equally often
RUN_BLOCKS = 64
LIVE_SHARES = (0.01, 0.05, 0.20)

# Each row: 1%, 5% and 20% alive. Algorithm: 4 KiB pages punched, records outside the pools.
CLUSTERED = {16: (4.3, 22.7, 70.2), 64: (2.5, 11.2, 37.1), 256: (1.1, 5.2, 24.0), 512: (1.0, 5.6, 19.5)}
# The same after 1 and 3 times as many blocks were replaced as are alive, the fullest pool first.
TURNED = {
    1: {16: (61.8, 98.9, 100.0), 64: (21.0, 67.6, 99.2), 256: (5.3, 24.8, 73.5), 512: (3.2, 14.4, 48.4)},
    3: {16: (13.2, 47.7, 93.8), 64: (3.6, 18.0, 52.1), 256: (1.4, 7.0, 28.7), 512: (1.2, 5.8, 23.4)},
}
SIMULATED_BLOCKS = 1_500_000


def mixed_sizes() -> range:
    return range(GRANULE_BYTES, SMALL_BYTES_MAX + 1, GRANULE_BYTES)


def mixed_mean(held_of: dict[int, float]) -> float:
    """Each size has as many blocks, so it has memory in proportion to its size."""
    return sum(size * held for size, held in held_of.items()) / sum(held_of)


def scattered(size: int, live: float) -> float:
    if size == MIXED:
        return mixed_mean({each: scattered(each, live) for each in mixed_sizes()})
    return 100 * (1 - (1 - live) ** (PAGE_BYTES / size))


def clustered_closed_form(size: int, live: float) -> float:
    """A page is held unless its first block is dead and no run begins among the others."""
    begins = live / (RUN_BLOCKS * (1 - live))
    return 100 * (1 - (1 - live) * (1 - begins) ** (PAGE_BYTES / size - 1))


@functools.lru_cache(maxsize=None)
def clustered_mixed(live: float) -> float:
    """Simulated: every size fills its own pages in the order of allocation, a run of 64 touches most sizes twice.

    As many runs as the share says: where they begin is drawn, not how many there are, or the figure would be off by
    the 2% that a draw of a thousand runs is.
    """
    source = random.Random(64)
    sizes = list(mixed_sizes())
    made = [0] * len(sizes)
    held: list[set[int]] = [set() for _ in sizes]
    runs = round(live * SIMULATED_BLOCKS / RUN_BLOCKS)
    gaps = source.sample(range(SIMULATED_BLOCKS - runs * (RUN_BLOCKS - 1)), runs)
    begins = {gap + index * (RUN_BLOCKS - 1) for index, gap in enumerate(sorted(gaps))}
    left = 0
    for block in range(SIMULATED_BLOCKS):
        which = int(source.random() * len(sizes))
        left = RUN_BLOCKS if block in begins else left
        if left > 0:
            left -= 1
            held[which].add(made[which] // (PAGE_BYTES // sizes[which]))
        made[which] += 1
    pages = sum(count / (PAGE_BYTES // size) for count, size in zip(made, sizes))
    return 100 * sum(len(each) for each in held) / pages


def clustered(size: int, live: float) -> float:
    if size == MIXED:
        return clustered_mixed(live)
    if size in CLUSTERED and live in LIVE_SHARES:
        return CLUSTERED[size][LIVE_SHARES.index(live)]
    return clustered_closed_form(size, live)


def turned(size: int, live: float, times: int) -> float:
    """From the table; sizes between its rows are interpolated over the logarithm, which is within 2 points."""
    table = TURNED[times]
    if size == MIXED:
        return mixed_mean({each: turned(each, live, times) for each in mixed_sizes()})
    column = LIVE_SHARES.index(live)
    below = max(row for row in table if row <= size)
    above = min(row for row in table if row >= size)
    if below == above:
        return table[size][column]
    part = math.log(size / below) / math.log(above / below)
    return table[below][column] * (1 - part) + table[above][column] * part
