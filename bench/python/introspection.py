#!/usr/bin/env python3
"""How long the questions of the Python package take on a heap of 1 GB, and what memory they need beside it.

    bench/python/introspection.py [--wheels FOLDER] [--megabytes N] [PYTHON ...]

PYTHON is a version ("3.12") or a path; without one, every CPython that ./build-wheel made a wheel for. The heap is
of dicts, lists, tuples, texts and numbers. Each figure is the least of three; the processor time is that of one core,
and on a machine that does something else it is what to look at.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests" / "python")]
from options import whole  # noqa: E402
from peers import UsageError, clean_environment  # noqa: E402
from pythons import find_pythons  # noqa: E402
from run_package import find_wheel  # noqa: E402
from text_tables import as_text  # noqa: E402

CHILD = """
import gc, json, sys, time
import smallblock
smallblock.install()
gc.disable()
kept = []
while smallblock.stats().memory.live_bytes < int(sys.argv[1]) << 20:
    kept += [{"number": i, "name": "record %d" % i, "tags": (i, [i, i + 1]), "score": i * 1.5} for i in range(20_000)]

def memory_mb(key):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) >> 10 for line in status if line.startswith(key))

questions = {
    "block_of": lambda: smallblock.block_of(kept[-1]),
    "explain": lambda: smallblock.explain(kept[-1]),
    "explain, follow": lambda: smallblock.explain(kept, follow=True),
    "by_type": smallblock.by_type,
    "pinned": smallblock.pinned,
}
figures = {}
for name, ask in questions.items():
    with open("/proc/self/clear_refs", "w") as clear: clear.write("5")  # the peak begins anew
    before = memory_mb("VmRSS")
    walls, cores = [], []
    for _ in range(3):
        wall, core = time.perf_counter(), time.process_time()
        ask()
        walls.append(time.perf_counter() - wall)
        cores.append(time.process_time() - core)
    figures[name] = [min(walls), min(cores), memory_mb("VmHWM") - before]
print(json.dumps(figures))
"""


def measure(python: str, wheel: Path, megabytes: int) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(wheel).extractall(folder)
        environment = {**clean_environment(), "PYTHONPATH": folder}
        done = subprocess.run([python, "-c", CHILD, str(megabytes)], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UsageError(f"{python} ended with status {done.returncode}: {done.stderr.strip().rpartition(chr(10))[2]}")
    figures: dict[str, list[float]] = json.loads(done.stdout)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    parser.add_argument("--wheels", type=Path, default=ROOT / "build" / "wheels")
    parser.add_argument("--megabytes", type=whole, default=1024, help="of the heap (default: %(default)s)")
    arguments = parser.parse_args()
    table = [["CPython", "question", "seconds", "processor s", "memory MB"]]
    for python in find_pythons().pythons:
        if arguments.pythons and not any(python.matches(wish) for wish in arguments.pythons):
            continue
        wheel = find_wheel(arguments.wheels, python.executable)
        if wheel is None:
            print(f"skipped: {python.executable}: no wheel in {arguments.wheels}; ./build-wheel makes them", file=sys.stderr)
            continue
        figures = measure(python.executable, wheel, arguments.megabytes)
        for name, (wall, core, memory) in figures.items():
            table.append([python.version_text, name, f"{wall:.2f}", f"{core:.2f}", f"{memory:,.0f}"])
    if len(table) == 1:
        raise UsageError("there is no CPython to measure; bench/pythons.py lists those that are found")
    print(as_text(table))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UsageError as error:
        sys.exit(f"introspection: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
