"""What runs inside each measured process: one program once; its figures go to stdout as one JSON line.

Started by measure.py as `child.py FILE SCALE`. Nothing but run() lies between the two clock readings.
"""

from __future__ import annotations

import os
import sys
import time


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


def main() -> None:
    folder, file = os.path.split(sys.argv[1])
    scale = int(sys.argv[2])
    sys.path.insert(0, folder)
    program = __import__(file[: -len(".py")])
    cpu_begin, begin = time.process_time(), time.perf_counter()
    result = program.run(scale)
    wall_s, cpu_s = time.perf_counter() - begin, time.process_time() - cpu_begin
    peak_bytes = peak_rss_bytes()
    figures = {
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "peak_rss_bytes": peak_bytes,
        "result": repr(result),
        "preload_is_mapped": preload_is_mapped(),
        "pymalloc_blocks": sys.getallocatedblocks(),
    }
    import json

    print(json.dumps(figures))


if __name__ == "__main__":
    main()
