#!/usr/bin/env python3
"""Writes the seeds of the operation fuzzer, one file per program below; --check only compares.

The encoding is that of step.cpp: code, slot, number, two bytes of size, times and stride.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

CODES = (
    "malloc calloc realloc aligned free free_sized malloc_batch free_batch check give take heap_alloc heap_free "
    "heap_realloc heap_destroy statistics trim decay hop thread_exit clock limits heap_limits fault audit"
).split()
TIMES = (1, 2, 3, 4, 8, 16, 32, 64, 100, 128, 256)
FIRST_TIMES_CODE = 5

# Numbers of `clock`, `decay`, `limits` and `fault`.
SECOND, HOUR = 5, 7
DECAY_AT_ONCE, DECAY_NEVER = 1, 2
HARD_LIVE, HARD_COMMITTED, SOFT_LIVE, SOFT_COMMITTED = 1, 2, 4, 8
MPROTECT, MADVISE, NEXT, FAULTS_END = 0, 1, 2, 3
ENOMEM, EAGAIN, EINVAL, EPERM = 0, 4, 8, 12
ONCE = 16


def size_bytes(size: int) -> bytes:
    """The two bytes for a size; step.cpp has the ranges."""
    if size < 512:
        return bytes((size >> 2, size & 3))
    if size < 2048:
        return bytes((4 << 5 | size >> 6, size & 63))
    if abs(size - 32768) <= 120:
        above = size - (32768 - 128)
        return bytes((6 << 5 | above >> 3, above & 7))
    if size < 32768:
        return bytes((5 << 5 | size >> 10, size >> 2 & 255))
    return bytes((7 << 5 | size >> 12, size >> 4 & 255))


def step(name: str, slot: int = 0, number: int = 0, size: int = 0, times: int = 1, stride: int = 1) -> bytes:
    repeat = FIRST_TIMES_CODE + TIMES.index(times) | stride - 1 << 4
    return bytes((CODES.index(name), slot, number)) + size_bytes(size) + bytes((repeat,))


def fill(size: int, rows: int, first: int = 0) -> bytes:
    """`rows` rows of 256 blocks; a row is 16 slots of the encoding."""
    return b"".join(step("malloc", slot=first + 16 * row, size=size, times=256) for row in range(rows))


def drop(rows: int, stride: int, first: int = 0) -> bytes:
    """Of each row the blocks that are a multiple of the stride."""
    times = max(count for count in TIMES if count * stride <= 256)
    return b"".join(step("free", slot=first + 16 * row, times=times, stride=stride) for row in range(rows))


def every_operation() -> bytes:
    program = b"".join(step(name, slot=index, number=4, size=100 * index + 1) for index, name in enumerate(CODES[:18]))
    return program + step("realloc", size=5000) + step("realloc", size=40000) + step("realloc", size=10) + step("audit")


def sizes_around_the_limit() -> bytes:
    program = b""
    for index, size in enumerate((1, 16, 17, 511, 512, 513, 1024, 1025, 32767, 32768, 32769, 65536)):
        program += step("calloc", slot=index, size=size, times=4) + step("aligned", slot=64 + index, number=6, size=size)
    return program + step("realloc", slot=0, size=32769) + step("free", times=100, stride=2)


def purged_pages_used_again() -> bytes:
    program = fill(48, 8) + drop(8, 1)[6:] + step("trim") + step("audit")
    program += b"".join(step("calloc", slot=16 * row, size=48, times=256) for row in range(8))
    return program + step("audit")


def holes_punched_by_decay() -> bytes:
    program = fill(1024, 4) + drop(4, 2) + step("clock", number=SECOND) + fill(32, 2, first=128)
    program += step("clock", number=SECOND) + drop(2, 1, first=128) + step("audit")
    return program + fill(1024, 4) + step("audit")


def threads_hand_blocks_over() -> bytes:
    program = fill(64, 4) + b"".join(step("give", slot=16 * row, number=1, times=256) for row in range(4))
    program += step("hop", number=1) + b"".join(step("take", slot=16 * row, times=256) for row in range(4))
    program += drop(4, 1) + step("hop", number=2) + fill(64, 4) + step("thread_exit", number=1) + step("audit")
    return program + step("hop", number=1) + fill(64, 2) + step("trim") + step("audit")


def thread_exits_with_full_magazines() -> bytes:
    program = b""
    for thread in range(4):
        program += step("hop", number=thread) + fill(16 * (thread + 1), 2) + drop(2, 1) + step("thread_exit", number=thread)
    return program + step("audit")


def trim_takes_spares_of_all_threads() -> bytes:
    program = b""
    for thread in range(3):
        program += step("hop", number=thread) + fill(64, 1) + drop(1, 1)
    return program + step("trim") + step("audit")


def depots_hold_too_much() -> bytes:
    program = fill(100, 2) + drop(2, 1) + fill(1000, 14, first=32) + drop(14, 1, first=32)
    return program + step("hop", number=1) + fill(1000, 4) + drop(4, 1) + step("audit")


def heaps_destroyed_with_blocks() -> bytes:
    program = b""
    for heap in range(3):
        program += step("heap_alloc", slot=heap, size=700, times=64) + step("heap_alloc", slot=heap, size=40000, times=3)
        program += step("heap_free", slot=heap, times=16, stride=3) + step("heap_realloc", slot=heap, size=9000, times=8)
    program += step("trim") + step("heap_destroy", slot=1) + step("heap_alloc", slot=1, size=16, times=100)
    return program + step("clock", number=SECOND) + fill(96, 1) + step("heap_destroy", slot=0) + step("audit")


def limits_reached() -> bytes:
    program = fill(256, 1) + step("limits", number=HARD_LIVE | SOFT_LIVE, size=4096) + fill(256, 4)
    program += step("limits") + fill(256, 1) + step("limits", number=HARD_COMMITTED | SOFT_COMMITTED, size=8192)
    program += fill(4096, 2) + step("heap_limits", number=HARD_LIVE, size=1024)
    return program + step("heap_alloc", size=2048, times=100) + step("limits") + step("audit")


def soft_limit_callback_allocates() -> bytes:
    """The callback takes a block of the class whose refill is under way."""
    return step("malloc") + step("limits", number=HARD_COMMITTED | SOFT_COMMITTED) + step("malloc", size=193)


def soft_limit_callback_falls_through() -> bytes:
    """The callback's own request goes to the malloc below and passes the soft limit again."""
    return step("limits", number=HARD_COMMITTED | SOFT_LIVE, size=21) + step("malloc", size=5, times=8)


def commits_refused() -> bytes:
    program = step("fault", slot=1, number=MPROTECT | ENOMEM) + fill(8192, 2) + step("audit")
    program += step("fault", number=FAULTS_END) + step("clock", number=SECOND) + fill(8192, 2) + step("trim")
    return program + step("fault", number=MPROTECT | EAGAIN | ONCE) + fill(2048, 4) + step("audit")


def purges_refused() -> bytes:
    program = b""
    for error in (ENOMEM, EAGAIN, EINVAL, EPERM):
        program += fill(512, 4) + step("fault", slot=error // 2, number=MADVISE | error) + drop(4, 2) + step("trim")
        program += drop(4, 1) + step("trim") + step("audit") + step("fault", number=FAULTS_END) + step("trim")
    return program + step("audit")


def region_used_up() -> bytes:
    program = b"".join(step("malloc", slot=16 * row, size=32000, times=128) for row in range(16))
    return program + b"".join(step("aligned", slot=16 * row + 8, number=12, size=4000, times=64) for row in range(16))


def next_allocator_refuses() -> bytes:
    program = step("malloc", size=40000, times=8) + step("fault", slot=2, number=NEXT)
    program += step("realloc", size=60000, times=8) + step("calloc", slot=4, size=50000, times=4)
    return program + step("heap_alloc", size=50000, times=8) + step("aligned", slot=8, number=13, size=100) + step("audit")


def batches_and_decay_at_once() -> bytes:
    program = step("decay", number=DECAY_AT_ONCE)
    for size in (24, 144, 1000):
        program += step("malloc_batch", number=255, size=size, times=3, stride=8) + step("free_batch", number=255)
    return program + step("decay", number=DECAY_NEVER) + fill(80, 4) + drop(4, 1) + step("clock", number=HOUR)


PROGRAMS = (
    every_operation,
    sizes_around_the_limit,
    purged_pages_used_again,
    holes_punched_by_decay,
    threads_hand_blocks_over,
    thread_exits_with_full_magazines,
    trim_takes_spares_of_all_threads,
    depots_hold_too_much,
    heaps_destroyed_with_blocks,
    limits_reached,
    soft_limit_callback_allocates,
    soft_limit_callback_falls_through,
    commits_refused,
    purges_refused,
    region_used_up,
    next_allocator_refuses,
    batches_and_decay_at_once,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a file differs")
    arguments = parser.parse_args()
    wanted = {program.__name__: program() for program in PROGRAMS}
    if arguments.check:
        found = {path.name: path.read_bytes() for path in arguments.folder.iterdir()}
        differing = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        for name in differing:
            print(f"{name}: not as {Path(__file__).name} writes it; run it on {arguments.folder.name}/", file=sys.stderr)
        return 1 if differing else 0
    arguments.folder.mkdir(exist_ok=True)
    for name, program in wanted.items():
        (arguments.folder / name).write_bytes(program)
    return 0


if __name__ == "__main__":
    sys.exit(main())
