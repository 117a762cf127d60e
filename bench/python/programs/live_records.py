"""A large live set: records in a dict, replaced and looked up at random, so that memory is cold."""

from __future__ import annotations

import random

RECORDS_PER_SCALE = 1000


def make_record(key: int, version: int) -> dict[str, object]:
    return {"key": key, "name": f"record {key}", "version": version, "tags": [f"tag {key % 97}", str(version)]}


def run(scale: int) -> object:
    """A digest of what was looked up, and the versions of the records that are left."""
    count = scale * RECORDS_PER_SCALE
    source = random.Random(11)
    table = {key: make_record(key, 0) for key in range(count)}
    digest = 0
    for version in range(1, count):
        key = int(source.random() * count)
        table[key] = make_record(key, version)
        name = table[int(source.random() * count)]["name"]
        digest = (digest * 31 + len(str(name))) % 1_000_000_007
    for key in range(count):
        if key % 10:
            del table[key]
    return digest, sum(int(str(record["version"])) for record in table.values())


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
