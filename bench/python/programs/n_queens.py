"""All solutions of the n-queens puzzle, by permutations and sets and by tuples that grow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator


def by_permutations(size: int) -> int:
    columns = range(size)
    return sum(
        1
        for rows in itertools.permutations(columns)
        if size == len({rows[i] + i for i in columns}) == len({rows[i] - i for i in columns})
    )


def by_growing(size: int, queens: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    row = len(queens)
    if row == size:
        yield queens
        return
    for column in range(size):
        if all(column != other and abs(column - other) != row - index for index, other in enumerate(queens)):
            yield from by_growing(size, queens + (column,))


def run(scale: int) -> object:
    """The solutions found."""
    solutions = 0
    for _ in range(scale * 3 // 2):
        solutions += by_permutations(7)
        solutions += len(list(by_growing(6)))
    return solutions


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
