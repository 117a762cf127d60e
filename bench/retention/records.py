"""Scenario (e): a service that keeps small records in a dict, drops 99% of them at random, and goes on serving.

Started by `compare` under each allocator. A record is a tuple, a list, a string, an int or (one in five) a dict, with
its parts. Serving deletes random records and inserts as many new ones: one at a time, or --batch at a time as a cache
does that expires. Memory is read when the dict is full, after the drop, and after 1 and 3 times as many records were
replaced as are left; each time once before and once after a trim.

One at a time is the hardest case: CPython keeps dead floats, tuples, lists and dicts in free lists of its own (100, 2000
of each length, 80, 80), so the next record takes the place of the last one, wherever that lies, and no allocator sees it.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from typing import Callable, Optional

from process_memory import find_trim, print_phase, read_memory

Table = dict[int, object]


def make_record(key: int, source: random.Random) -> object:
    kind = key % 10
    if kind < 3:
        return (key, f"name {key}", key * 0.5, f"record.{key}@example.org")
    if kind < 5:
        return [key, f"tag {key % 997}", key + 1]
    if kind < 7:
        return f"a text of record {key} " + "x" * (key % 100)
    if kind < 8:
        return source.getrandbits(62)
    return {"key": key, "name": f"record {key}", "at": key * 2}


def fill(count: int, source: random.Random) -> Table:
    return {key: make_record(key, source) for key in range(count)}


def drop(table: Table, live: float, source: random.Random) -> Table:
    """Every record goes with the same chance; the survivors' table is as small as they are."""
    for key in [key for key in table if source.random() >= live]:
        del table[key]
    return dict(table.items())


def serve(table: Table, times: float, batch: int, next_key: int, source: random.Random) -> int:
    """Replaces random records, `batch` at a time; the key that follows."""
    keys = list(table)
    for _ in range(int(times * len(keys) / batch)):
        places = source.sample(range(len(keys)), batch) if batch > 1 else [int(source.random() * len(keys))]
        for place in places:
            del table[keys[place]]
        for place in places:
            keys[place] = next_key
            table[next_key] = make_record(next_key, source)
            next_key += 1
    return next_key


def measure(phase: str, trim: Optional[Callable[[], object]], begin: float, cpu_begin: float) -> None:
    gc.collect()
    took_ms, cpu_ms = (time.monotonic() - begin) * 1e3, (time.process_time() - cpu_begin) * 1e3
    print_phase(phase, took_ms=took_ms, cpu_ms=cpu_ms)
    begin, cpu_begin = time.monotonic(), time.process_time()
    if trim is not None:
        trim()
    took_ms, cpu_ms = (time.monotonic() - begin) * 1e3, (time.process_time() - cpu_begin) * 1e3
    print_phase(f"{phase}_trimmed" if phase != "dropped" else "trimmed", took_ms=took_ms, cpu_ms=cpu_ms)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=1_500_000)
    parser.add_argument("--live", type=float, default=0.01)
    parser.add_argument("--no-trim", action="store_true", help="leave the giving back to the allocator")
    parser.add_argument("--serve", type=float, default=1.0, metavar="S", help="S and 3 S turnovers instead of 1 and 3")
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="records that go, and come, together")
    arguments = parser.parse_args()
    trim = None if arguments.no_trim else find_trim()
    source = random.Random(20)
    read_memory()  # once, so that what it needs is there
    print_phase("baseline")
    begin, cpu_begin = time.monotonic(), time.process_time()
    table = fill(arguments.records, source)
    took_ms, cpu_ms = (time.monotonic() - begin) * 1e3, (time.process_time() - cpu_begin) * 1e3
    print_phase("full", took_ms=took_ms, cpu_ms=cpu_ms)
    begin, cpu_begin = time.monotonic(), time.process_time()
    table = drop(table, arguments.live, source)
    measure("dropped", trim, begin, cpu_begin)
    next_key = arguments.records
    for phase, more in (("turned_1x", 1), ("turned_3x", 2)):
        begin, cpu_begin = time.monotonic(), time.process_time()
        next_key = serve(table, more * arguments.serve, arguments.batch, next_key, source)
        measure(phase, trim, begin, cpu_begin)


if __name__ == "__main__":
    main()
