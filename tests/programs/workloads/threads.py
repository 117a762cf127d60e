"""Waves of short-lived threads that free what others allocated, next to long-lived ones and to forks."""

from __future__ import annotations

import hashlib
import os
import queue
import random
import sys
import threading
import zlib

WAVES = 40
THREADS_PER_WAVE = 50


def short_life(seed: int, inbox: queue.SimpleQueue[list[str]], outbox: queue.SimpleQueue[list[str]]) -> None:
    """Replaces a third of the words that it takes over."""
    chance = random.Random(seed)
    words = inbox.get()
    for index in range(0, len(words), 3):
        words[index] = "-".join(str(chance.randrange(1 << 30)) for _ in range(chance.randrange(1, 20)))
    outbox.put([word[::-1] for word in words])


def wave(number: int, batches: list[list[str]]) -> list[list[str]]:
    """Every thread takes over one batch; which one is fixed by the queue of its own."""
    boxes = [(queue.SimpleQueue(), queue.SimpleQueue()) for _ in range(THREADS_PER_WAVE)]
    threads = [
        threading.Thread(target=short_life, args=(number * 1000 + index, *box)) for index, box in enumerate(boxes)
    ]
    for thread in threads:
        thread.start()
    for (inbox, _), batch in zip(boxes, batches):
        inbox.put(batch)
    results = [outbox.get() for _, outbox in boxes]
    for thread in threads:
        thread.join()
    return results[1:] + results[:1]


def compress(seed: int, results: dict[int, str]) -> None:
    """Long-lived; zlib and sha256 run without the GIL, so these threads allocate side by side."""
    chance = random.Random(seed)
    digest = hashlib.sha256()
    for _ in range(60):
        digest.update(zlib.compress(chance.randbytes(chance.randrange(1, 40_000)), 1))
    results[seed] = digest.hexdigest()


def fork_among(count: int) -> int:
    """Children allocate and free while other threads of the parent were in the middle of it."""
    failed = 0
    for number in range(count):
        child = os.fork()
        if child == 0:
            words = [str(index) * 10 for index in range(2000)]
            os._exit(0 if len("".join(words)) > number else 1)
        failed += os.waitpid(child, 0)[1] != 0
    return failed


def main() -> int:
    results: dict[int, str] = {}
    long_lived = [threading.Thread(target=compress, args=(seed, results)) for seed in range(4)]
    for thread in long_lived:
        thread.start()
    failed = fork_among(30)
    batches = [[f"word{index}" for index in range(300)] for _ in range(THREADS_PER_WAVE)]
    for number in range(WAVES):
        batches = wave(number, batches)
    for thread in long_lived:
        thread.join()
    digest = hashlib.sha256(repr((batches, sorted(results.items()))).encode())
    print(digest.hexdigest(), "failed children:", failed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
