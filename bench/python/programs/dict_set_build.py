"""Builds an inverted index of dicts and sets, intersects and inverts it, and starts over."""

from __future__ import annotations

DOCUMENTS = 400
WORDS = 25


def words_of(document: int) -> list[str]:
    return [f"w{(document * 31 + index * index * 7) % 997}" for index in range(WORDS)]


def run(scale: int) -> object:
    """Sizes of the indexes and of all intersections."""
    entries, common, longest = 0, 0, 0
    for round_number in range(scale):
        index: dict[str, set[int]] = {}
        for document in range(round_number, round_number + DOCUMENTS):
            for word in words_of(document):
                index.setdefault(word, set()).add(document)
        entries += len(index)
        names = list(index)
        for left, right in zip(names, names[1:]):
            common += len(index[left] & index[right])
        by_size: dict[int, list[str]] = {}
        for word, documents in index.items():
            by_size.setdefault(len(documents), []).append(word)
        longest = max(longest, max(by_size))
        frozen = {frozenset(documents) for documents in index.values()}
        entries += len({(word, size) for size, group in by_size.items() for word in group}) + len(frozen)
    return entries, common, longest


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
