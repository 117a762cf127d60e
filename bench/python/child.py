"""What runs inside each measured process: one program once; its figures go to stdout as one JSON line.

Started by measure.py as `child.py FILE SCALE SECONDS`. Nothing but run() lies between the two clock readings; of a
program that lives long, its Service, that is busy(). Such a one then goes on under light traffic for SECONDS (of 100
steps each) after its peak, and says what is resident at the end of each.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from typing import Optional, Protocol

STEPS_PER_SECOND = 100
TRIM_VARIABLE = "BENCH_TRIM"  # set: memory is trimmed when the load ends


class Service(Protocol):
    """A program of services/. `busy` ends at the peak, `release` ends the load, a `step` is ordinary traffic."""

    def busy(self, scale: int) -> object: ...
    def release(self) -> object: ...
    def step(self, number: int) -> object: ...
    def close(self) -> None: ...

def peak_rss_bytes() -> int:
    """VmHWM. ru_maxrss would do for the parent's wait4, but it starts at the parent's own peak."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def preload_is_mapped() -> bool:
    wanted = os.environ.get("LD_PRELOAD", "").split(":")  # valgrind adds its own to ours
    with open("/proc/self/maps") as maps:
        text = maps.read()
    return all(os.path.realpath(path) in text for path in wanted if path)


def resident_bytes() -> int:
    """From the page tables; statm may lag behind by some pages of each processor."""
    with open("/proc/self/smaps_rollup") as rollup:
        for line in rollup:
            if line.startswith("Rss:"):
                return int(line.split()[1]) * 1024
    return 0


def go_on(service: Service, seconds: int) -> tuple[list[int], list[object]]:
    """What is resident at each full second after the peak, and the answers. The peak is when this is called."""
    begin = time.monotonic()
    resident, answers = [], [service.release()]
    if os.environ.get(TRIM_VARIABLE):
        ctypes.CDLL(None).sb_trim()
    for step in range(1, seconds * STEPS_PER_SECOND + 1):
        time.sleep(max(0.0, begin + step / STEPS_PER_SECOND - time.monotonic()))
        answers.append(service.step(step))
        if step % STEPS_PER_SECOND == 0:
            resident.append(resident_bytes())
    return resident, answers


def main() -> None:
    folder, file = os.path.split(sys.argv[1])
    scale = int(sys.argv[2])
    sys.path.insert(0, folder)
    program = __import__(file[: -len(".py")])
    service: Optional[Service] = program.Service() if hasattr(program, "Service") else None
    run = service.busy if service else program.run
    after_bytes: list[int] = []
    try:
        cpu_begin, begin = time.process_time(), time.perf_counter()
        result = run(scale)
        wall_s, cpu_s = time.perf_counter() - begin, time.process_time() - cpu_begin
        peak_bytes = peak_rss_bytes()
        if service:
            after_bytes, answers = go_on(service, int(sys.argv[3]))
            result = (result, answers)
    finally:
        if service:
            service.close()
    figures = {
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "peak_rss_bytes": peak_bytes,
        "after_bytes": after_bytes,
        "result": repr(result),
        "preload_is_mapped": preload_is_mapped(),
        "pymalloc_blocks": sys.getallocatedblocks(),
    }
    import json

    print(json.dumps(figures))


if __name__ == "__main__":
    main()
