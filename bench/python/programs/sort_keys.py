"""Sorts rows by tuple keys, groups them, merges sorted runs and keeps a heap of the best."""

from __future__ import annotations

import heapq
import itertools
import operator
import random


def run(scale: int) -> object:
    """A digest of the orders."""
    source = random.Random(7)
    digest = 0
    for _ in range((scale + 1) // 2):
        rows = [
            (f"name{source.getrandbits(8)}", source.getrandbits(20), source.random(), index) for index in range(4000)
        ]
        by_name = sorted(rows, key=lambda row: (row[0], -row[1]))
        for _name, group in itertools.groupby(by_name, key=operator.itemgetter(0)):
            digest = (digest * 31 + max(row[1] for row in group)) % 1_000_000_007
        decorated = [(row[1], row[0].encode(), row) for row in rows]
        decorated.sort(key=operator.itemgetter(0, 1), reverse=True)
        digest = (digest * 31 + decorated[0][0] + decorated[-1][0]) % 1_000_000_007
        runs = [sorted((row[2], row[3]) for row in rows[start::8]) for start in range(8)]
        merged = [index for _, index in heapq.merge(*runs)]
        digest = (digest * 31 + merged[0] + merged[2000]) % 1_000_000_007
        best = heapq.nlargest(100, ((row[1], row[3]) for row in rows))
        digest = (digest * 31 + best[-1][0]) % 1_000_000_007
    return digest


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
