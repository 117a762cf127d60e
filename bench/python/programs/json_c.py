"""json.dumps and json.loads of a nested document, with the C accelerators."""

from __future__ import annotations

import json

ROUNDS_PER_SCALE = 3


def make_document(records: int) -> list[dict[str, object]]:
    return [
        {
            "id": index,
            "name": f"customer {index}",
            "balance": index * 1.25,
            "active": index % 3 == 0,
            "tags": [f"tag{index % 7}", f"group{index % 11}", None],
            "address": {"street": f"{index} High Street", "city": f"City {index % 50}", "zip": f"{index:05d}"},
        }
        for index in range(records)
    ]


def run(scale: int) -> object:
    """The length of all texts and the sum of the ids read back."""
    document = make_document(500)
    text_length, id_sum = 0, 0
    for _ in range(scale * ROUNDS_PER_SCALE):
        text = json.dumps(document)
        text_length += len(text)
        id_sum += sum(record["id"] for record in json.loads(text))
    return text_length, id_sum


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
