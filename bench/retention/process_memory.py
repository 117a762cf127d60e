"""What a measured Python program says of its own memory: the twin of reading.hpp and trim.hpp. Used by records.py and
prefork.py, which run under the allocator that is measured.
"""

from __future__ import annotations

import ctypes
import json
import os
import time
from typing import Callable, Optional

FIELDS = {"Rss": "rss_bytes", "Private_Dirty": "private_dirty_bytes", "AnonHugePages": "anon_huge_bytes"}
ALL_JEMALLOC_ARENAS = b"arena.4096.purge"


def read_memory() -> dict[str, int]:
    memory = {}
    with open("/proc/self/smaps_rollup") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in FIELDS:
                memory[FIELDS[name]] = int(rest.split()[0]) * 1024
    with open("/proc/self/maps") as file:
        memory["vmas"] = sum(1 for _ in file)
    return memory


def print_phase(phase: str, index: int = 0, took_ms: float = 0.0, cpu_ms: float = 0.0, live_bytes: int = 0) -> None:
    """One line of JSON, in one write: children share the file."""
    memory = read_memory()
    fields = {"phase": phase, "index": index, "time_s": time.monotonic(), "live_bytes": live_bytes, **memory}
    os.write(1, (json.dumps({**fields, "took_ms": took_ms, "cpu_ms": cpu_ms}) + "\n").encode())


def find_trim() -> Optional[Callable[[], object]]:
    """As trim.cpp: the first of these that the process has."""
    process = ctypes.CDLL(None)
    if hasattr(process, "sb_trim"):
        return process.sb_trim
    if hasattr(process, "mallctl"):

        def purge() -> None:
            process.mallctl(b"thread.tcache.flush", None, None, None, ctypes.c_size_t(0))
            process.mallctl(ALL_JEMALLOC_ARENAS, None, None, None, ctypes.c_size_t(0))

        return purge
    if hasattr(process, "mi_collect"):
        return lambda: process.mi_collect(ctypes.c_bool(True))
    if hasattr(process, "MallocExtension_ReleaseFreeMemory"):

        def release() -> None:
            process.MallocExtension_MarkThreadIdle()
            process.MallocExtension_ReleaseFreeMemory()

        return release
    if hasattr(process, "malloc_trim"):
        return lambda: process.malloc_trim(ctypes.c_size_t(0))
    return None
