"""Nothing but object(): per turn one block is allocated and freed. Callgrind mode counts instructions with it."""

from __future__ import annotations

import itertools

PAIRS_PER_SCALE = 10_000


def run(scale: int) -> object:
    """The pairs."""
    for _ in itertools.repeat(None, scale * PAIRS_PER_SCALE):
        object()
    return scale * PAIRS_PER_SCALE


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
