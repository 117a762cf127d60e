"""Runs into the memory limit three times, with small and with large blocks, and goes on working each time."""

from __future__ import annotations

import sys


def fill(block_bytes: int) -> bool:
    """Whether memory ran out, as it should. Everything is freed again."""
    kept = []
    try:
        while len(kept) * block_bytes < 4 << 30:
            kept.append(bytes(block_bytes))
    except MemoryError:
        return True
    return False


def main() -> int:
    for block_bytes in (300_000, 200, 3_000):
        ran_out = fill(block_bytes)
        words = [str(number) for number in range(50_000)]
        print(block_bytes, "ran out" if ran_out else "never ran out", len("".join(words)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
