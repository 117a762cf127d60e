"""The program on the pictures of docs/seeing-the-heap.md: a worker whose memory grew with one large batch.

A line of JSON first; then an answer to each line of its input: grow, drop.
"""

from __future__ import annotations

import json
import random
import sys
from typing import Union

Value = Union[str, int, float]


class Order:
    __slots__ = ("number", "customer", "lines", "notes")

    def __init__(self, number: int, customer: str) -> None:
        self.number = number
        self.customer = customer
        self.lines: list[tuple[str, int, float]] = []
        self.notes: tuple[Value, ...] = ()


def parse(number: int) -> Order:
    order = Order(number, f"customer {number % 977}")
    for line in range(1 + number % 4):
        order.lines.append((f"item {number}-{line}", 1 + line, number * 1.07))
    if number % 3 == 0:
        order.notes = (f"web {number}", number * 0.3, 10**12 + number)
    return order


def main() -> None:
    random.seed(7)
    batch = [parse(number) for number in range(30_000)]
    kept = random.sample(batch[:24_000], 150) + batch[24_000:]
    del batch
    print(json.dumps({"objects": {"str": hex(id(kept[3].lines[0][0]))}, "planted": [hex(id(kept[4]))]}), flush=True)
    rounds: list[list[Order]] = []
    for line in sys.stdin:
        if line == "grow\n":
            rounds.append([parse(number) for number in range(2_500)])
        elif line == "drop\n":
            rounds.clear()
        print("{}", flush=True)


if __name__ == "__main__":
    main()
