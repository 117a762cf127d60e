"""Perfect binary trees of tuples: many short-lived ones beside one that stays."""

from __future__ import annotations

from typing import Any

TREES_PER_SCALE = 18
DEPTH = 10
Tree = Any  # (left, right) or None


def make_tree(depth: int) -> Tree:
    if depth == 0:
        return (None, None)
    return (make_tree(depth - 1), make_tree(depth - 1))


def count_nodes(tree: Tree) -> int:
    left, right = tree
    if left is None:
        return 1
    return 1 + count_nodes(left) + count_nodes(right)


def run(scale: int) -> object:
    """The nodes of all trees."""
    lasting = make_tree(min(15, scale.bit_length() + 8))
    nodes = sum(count_nodes(make_tree(DEPTH)) for _ in range(scale * TREES_PER_SCALE))
    return nodes, count_nodes(lasting)


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
