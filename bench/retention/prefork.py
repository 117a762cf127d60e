"""Scenario (f) in Python: a parent with many small blocks, and children that free half of them.

Started by `compare`. `blocks`: the blocks come from PyObject_Malloc itself, called through ctypes, and their addresses
lie in an array, so that no reference count is written: what is dirtied is the allocator's doing. `objects`: Python
lists, as a program has them; there CPython writes to every object that it so much as looks at, under any allocator.
Child 0 only walks over everything and drops nothing: compare the others with it. All children live until the last
one has been measured, so that a page which one has for itself is a copy it made.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import random
from array import array
from typing import Callable

from process_memory import print_phase, read_memory

GRANULE_BYTES = 16
GRANULES_MAX = 32


class RawBlocks:
    """Blocks of 16 to 512 bytes from the mem domain's twin, PyObject_Malloc."""

    def __init__(self, total_bytes: int, source: random.Random) -> None:
        api = ctypes.pythonapi
        api.PyObject_Malloc.argtypes, api.PyObject_Malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
        api.PyObject_Free.argtypes, api.PyObject_Free.restype = [ctypes.c_void_p], None
        self.free, self.addresses, self.live_bytes = api.PyObject_Free, array("Q"), 0
        while self.live_bytes < total_bytes:
            size = GRANULE_BYTES * (1 + int(source.random() * GRANULES_MAX))
            address = api.PyObject_Malloc(size)
            ctypes.memset(address, 0x5A, size)
            self.addresses.append(address)
            self.live_bytes += size

    def walk(self) -> None:
        for address in self.addresses:
            ctypes.string_at(address, 8)

    def free_half(self, source: random.Random) -> None:
        for address in self.addresses:
            if source.random() < 0.5:
                self.free(address)


class Objects:
    """Short lists of floats; about 200 bytes each with their parts."""

    def __init__(self, total_bytes: int, source: random.Random) -> None:
        self.live_bytes, self.lists = total_bytes, [
            [source.random() for _ in range(index % 8)] for index in range(total_bytes // 200)
        ]

    def walk(self) -> None:
        for one in self.lists:
            len(one)

    def free_half(self, source: random.Random) -> None:
        for index in range(len(self.lists)):
            if source.random() < 0.5:
                self.lists[index] = None  # type: ignore[call-overload]


def run_child(index: int, blocks: RawBlocks | Objects, measured: int, release: int) -> None:
    print_phase("child_begin", index)
    if index == 0:
        blocks.walk()
    else:
        blocks.free_half(random.Random(index))
    print_phase("child_end", index)
    os.write(measured, b"x")
    os.read(release, 1)
    os._exit(0)


def run(make: Callable[[int, random.Random], RawBlocks | Objects], total_bytes: int, children: int) -> None:
    read_memory()
    print_phase("baseline")
    blocks = make(total_bytes, random.Random(20))
    gc.disable()  # a collection in a child would write to every tracked object's header
    gc.freeze()
    print_phase("full", live_bytes=blocks.live_bytes)
    measured_read, measured_write = os.pipe()
    release_read, release_write = os.pipe()
    pids = []
    for index in range(children + 1):
        pid = os.fork()
        if pid == 0:
            os.close(release_write)
            run_child(index, blocks, measured_write, release_read)
        pids.append(pid)
    os.close(measured_write)
    for _ in pids:
        os.read(measured_read, 1)
    os.close(release_write)
    for pid in pids:
        if os.waitpid(pid, 0)[1] != 0:
            raise SystemExit("prefork.py: a child failed")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kind", choices=("blocks", "objects"))
    parser.add_argument("--bytes", type=int, default=500_000_000)
    parser.add_argument("--children", type=int, default=4)
    arguments = parser.parse_args()
    run(RawBlocks if arguments.kind == "blocks" else Objects, arguments.bytes, arguments.children)


if __name__ == "__main__":
    main()
