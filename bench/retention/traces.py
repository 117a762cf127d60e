"""What recorder.c wrote: which blocks lived when, and what of a heap's peak a later moment still holds.

The heap is laid out anew: the small blocks alive at the peak, in the order of their birth, either each size in pages
of its own, as size classes do, or all of them side by side, as a malloc that carves from one end does. Survivors are
those that the later moment still finds alive. Used by `survivors`.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from expected import GRANULE_BYTES, PAGE_BYTES, SMALL_BYTES_MAX, scattered

NEVER = (1 << 62) - 1
GRID = 4000  # moments at which the end of the work is looked for


class TraceError(Exception):
    """One clear line."""


@dataclass(frozen=True)
class Block:
    size: int  # rounded up to 16 bytes
    birth: int  # number of the event
    death: int


@dataclass(frozen=True)
class Trace:
    """Small blocks only, in the order of their birth."""

    events: int
    blocks: list[Block]

    def at(self, share: float) -> int:
        return int(self.events * share)


@dataclass(frozen=True)
class Survival:
    """Shares in %; a run is a row of survivors of one size with no dead block of that size born in between."""

    peak_bytes: int
    alive: float
    mean_run: float
    mean_run_scattered: float
    held_scattered: float  # if each size's survivors were scattered independently
    held_by_size: float
    held_side_by_side: float


def rounded(size: int) -> int:
    return max(-(-size // GRANULE_BYTES), 1) * GRANULE_BYTES


def parse(words: Sequence[int]) -> Trace:
    """`words` are address, bytes, address, bytes ... A free of what was born before the recording is passed over."""
    sizes, births, deaths = array("Q"), array("Q"), array("Q")
    alive: dict[int, int] = {}
    for event in range(len(words) // 2):
        address, size = words[2 * event], words[2 * event + 1]
        if size == 0:
            place = alive.pop(address, None)
            if place is not None:
                deaths[place] = event
        elif size <= SMALL_BYTES_MAX:
            alive[address] = len(sizes)
            sizes.append(rounded(size))
            births.append(event)
            deaths.append(NEVER)
    return Trace(len(words) // 2, [Block(*fields) for fields in zip(sizes, births, deaths)])


def read(path: Path) -> Trace:
    with path.open("rb") as file:
        head = array("Q", file.read(16))
        if len(head) < 2 or head[0] == 0:
            raise TraceError("the program made no call of malloc; is it static, or set-user-id?")
        words = array("Q", file.read(16 * head[0]))
    if len(words) < 2 * head[0] or (len(words) > 1 and words[-2] == 0):
        raise TraceError(f"{head[0]} events are more than a trace can hold; choose a smaller --scale")
    return parse(words)


def peak_before(trace: Trace, moment: int) -> int:
    """The event, up to `moment`, after which the most bytes were alive."""
    changes: dict[int, int] = defaultdict(int)
    for block in trace.blocks:
        if block.birth <= moment:
            changes[block.birth] += block.size
            changes[block.death] -= block.size
    live = highest = peak = 0
    for event in sorted(changes):
        if event > moment:
            break
        live += changes[event]
        if live > highest:
            highest, peak = live, event
    return peak


def end_of_work(trace: Trace) -> int:
    """Where the last descent begins, in which the process frees what it has left."""
    changes = [0] * GRID
    for block in trace.blocks:
        changes[block.birth * GRID // trace.events] += block.size
        if block.death != NEVER:
            changes[block.death * GRID // trace.events] -= block.size
    last = GRID - 1
    while last > 1 and changes[last] < 0:
        last -= 1
    return (last + 1) * trace.events // GRID


def held_share(blocks: Iterable[tuple[int, bool]]) -> tuple[int, int]:
    """Pages touched by a survivor, and all pages; `blocks` are (size, alive), laid back to back."""
    place, held, last_held = 0, 0, -1
    for size, alive in blocks:
        if alive:
            first, last = place // PAGE_BYTES, (place + size - 1) // PAGE_BYTES
            held += last - max(first, last_held + 1) + 1
            last_held = max(last, last_held)
        place += size
    return held, -(-place // PAGE_BYTES)


def survival(trace: Trace, moment: int) -> Survival:
    peak = peak_before(trace, moment)
    then = [block for block in trace.blocks if block.birth <= peak < block.death]
    if not then:
        raise TraceError("no small block was alive before that moment")
    by_size: dict[int, list[bool]] = defaultdict(list)
    for block in then:
        by_size[block.size].append(block.death > moment)
    total_bytes = sum(block.size for block in then)
    alive_bytes = sum(block.size for block in then if block.death > moment)
    survivors = runs = held = pages = 0
    scattered_bytes = scattered_runs = 0.0
    for size, states in by_size.items():
        alive = sum(states)
        survivors += alive
        runs += sum(now and not before for before, now in zip([False, *states], states))
        share = alive / len(states)
        scattered_runs += alive * (1 - share) if share < 1 else 1
        one_held, one_pages = held_share((size, state) for state in states)
        held, pages = held + one_held, pages + one_pages
        scattered_bytes += scattered(size, share) / 100 * size * len(states)
    side_held, side_pages = held_share((block.size, block.death > moment) for block in then)
    return Survival(
        peak_bytes=total_bytes,
        alive=100 * alive_bytes / total_bytes,
        mean_run=survivors / max(runs, 1),
        mean_run_scattered=survivors / max(scattered_runs, 1e-9),
        held_scattered=100 * scattered_bytes / total_bytes,
        held_by_size=100 * held / pages,
        held_side_by_side=100 * side_held / side_pages,
    )
