"""Builds, changes and drops objects of every size; prints a digest that does not depend on addresses or hashes."""

from __future__ import annotations

import gc
import hashlib
import json
import random
import re
import sys
from collections import OrderedDict, defaultdict, deque


def records(chance: random.Random, count: int) -> dict[str, dict[str, object]]:
    return {
        f"record-{number}": {
            "number": number * 10_000_000_019,
            "name": "".join(chance.choices("abcdefghij", k=chance.randrange(1, 60))),
            "ratio": chance.random(),
            "parts": [chance.randrange(1 << 40) for _ in range(chance.randrange(8))],
        }
        for number in range(count)
    }


def drop_most(chance: random.Random, table: dict[str, dict[str, object]]) -> None:
    for key in list(table):
        if chance.random() < 0.95:
            del table[key]


def cycles(count: int) -> int:
    """Objects that only the collector can free; how many it found."""
    gc.collect()
    gc.disable()
    for number in range(count):
        node: dict[str, object] = {"number": number}
        node["self"] = [node]
    return gc.collect()


def main() -> int:
    scale = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    chance = random.Random(11)
    digest = hashlib.sha256()
    for turn in range(3):
        table = records(chance, 2_000 * scale)
        drop_most(chance, table)
        text = json.dumps(table, sort_keys=True, indent=turn)
        digest.update(text.encode())
        digest.update(str(sorted(re.findall(r"[a-e]{4,}", text))).encode())
        if json.loads(text) != table:
            print("json does not give back what it took")
            return 1
        groups: defaultdict[int, deque[str]] = defaultdict(deque)
        for key in table:
            groups[len(str(table[key]["name"]))].appendleft(key)
        digest.update(repr(OrderedDict(sorted((size, list(keys)) for size, keys in groups.items()))).encode())
        blocks = [bytearray(chance.randrange(1, 70_000)) for _ in range(20 * scale)]
        for block in chance.sample(blocks, len(blocks) // 2):
            block.extend(b"x" * chance.randrange(10_000))
        digest.update(str(sum(map(len, blocks))).encode())
        print(turn, len(table), len(text), digest.hexdigest())
    print("collected", cycles(1_000 * scale))
    return 0


if __name__ == "__main__":
    sys.exit(main())
