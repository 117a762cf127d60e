"""Chains of generators, closures, partials and keyword calls over small values."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator


def pairs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    for number in numbers:
        yield number, number * number + 1000


def chunks(items: Iterable[tuple[int, int]], size: int) -> Iterator[list[tuple[int, int]]]:
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


def adder(amount: int) -> Callable[[int], int]:
    def add(value: int) -> int:
        return value + amount

    return add


def weigh(value: int, *rest: int, factor: int = 1, **options: int) -> int:
    return value * factor + sum(rest) + options.get("offset", 0)


def run(scale: int) -> object:
    """The sum over every chain."""
    total = 0
    for block in range(scale * 7):
        numbers = range(block * 1000, block * 1000 + 400)
        for chunk in chunks(pairs(numbers), 16):
            adders = [adder(square) for _, square in chunk]
            weighers = [functools.partial(weigh, number, 2000, factor=3) for number, _ in chunk]
            total += sum(add(number) for add, (number, _) in zip(adders, chunk))
            total += sum(weigher(offset=index) for index, weigher in enumerate(weighers))
            total += sum(map(lambda item: item[0] ^ item[1], filter(lambda item: item[0] % 3, chunk)))
    return total


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
