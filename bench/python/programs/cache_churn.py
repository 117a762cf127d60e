"""Caches under churn: an OrderedDict with eviction, functools.lru_cache, deques and counters."""

from __future__ import annotations

import functools
from collections import Counter, OrderedDict, deque


class Cache:
    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.entries: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        self.hits = 0

    def get(self, key: str) -> tuple[int, bytes]:
        entry = self.entries.get(key)
        if entry is not None:
            self.hits += 1
            self.entries.move_to_end(key)
            return entry
        entry = (len(key), key.encode() * 3)
        self.entries[key] = entry
        if len(self.entries) > self.capacity:
            self.entries.popitem(last=False)
        return entry


@functools.lru_cache(maxsize=500)
def described(number: int, kind: str) -> str:
    return f"{kind}-{number:06d}"


def run(scale: int) -> object:
    """Hits, and digests of the queue and of the counts."""
    described.cache_clear()
    cache = Cache(2000)
    queue: deque[tuple[int, str]] = deque(maxlen=3000)
    counts: Counter[str] = Counter()
    value, total = 1, 0
    for step in range(scale * 2500):
        value = (value * 1103515245 + 12345) % 2147483648
        number = (value >> 8) % (3000 if step % 4 else 30000)
        total += cache.get(f"key:{number}")[0]
        queue.append((number, described(number % 900, "page")))
        if step % 5 == 0:
            oldest = queue.popleft()
            counts[oldest[1]] += oldest[0] % 3
        if step % 5000 == 4999:
            counts = Counter(dict(counts.most_common(50)))
    return cache.hits, total, len(queue), sum(counts.values()), described.cache_info().hits


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
