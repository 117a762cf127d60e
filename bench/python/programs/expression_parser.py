"""A recursive-descent parser that builds a tree of node objects, folds constants and evaluates it."""

from __future__ import annotations

import random
from typing import Union

EXPRESSIONS_PER_SCALE = 45
MODULUS = 1_000_003


class Number:
    def __init__(self, value: int) -> None:
        self.value = value

    def evaluate(self, names: dict[str, int]) -> int:
        return self.value


class Name:
    def __init__(self, name: str) -> None:
        self.name = name

    def evaluate(self, names: dict[str, int]) -> int:
        return names[self.name]


class Binary:
    def __init__(self, operator: str, left: Node, right: Node) -> None:
        self.operator = operator
        self.left = left
        self.right = right

    def evaluate(self, names: dict[str, int]) -> int:
        left = self.left.evaluate(names)
        right = self.right.evaluate(names)
        if self.operator == "+":
            return (left + right) % MODULUS
        if self.operator == "-":
            return (left - right) % MODULUS
        return left * right % MODULUS


Node = Union[Number, Name, Binary]


class Parser:
    def __init__(self, text: str) -> None:
        self.tokens = text.replace("(", " ( ").replace(")", " ) ").split()
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.position += 1
        return token

    def sum(self) -> Node:
        node = self.product()
        while self.peek() in ("+", "-"):
            node = fold(Binary(self.take(), node, self.product()))
        return node

    def product(self) -> Node:
        node = self.atom()
        while self.peek() == "*":
            node = fold(Binary(self.take(), node, self.atom()))
        return node

    def atom(self) -> Node:
        token = self.take()
        if token == "(":
            node = self.sum()
            self.take()
            return node
        return Number(int(token)) if token.isdigit() else Name(token)


def fold(node: Binary) -> Node:
    if isinstance(node.left, Number) and isinstance(node.right, Number):
        return Number(node.evaluate({}))
    return node


def make_text(source: random.Random, depth: int) -> str:
    if depth == 0:
        return "abcdef"[source.getrandbits(8) % 6] if source.getrandbits(2) else str(source.getrandbits(16))
    left, right = make_text(source, depth - 1), make_text(source, depth - 1)
    return f"({left} {'+-*'[source.getrandbits(8) % 3]} {right})"


def run(scale: int) -> object:
    """The sum of all values."""
    source = random.Random(1)
    texts = [make_text(source, 6) for _ in range(8)]
    names = {name: 1000 + index for index, name in enumerate("abcdef")}
    total = 0
    for index in range(scale * EXPRESSIONS_PER_SCALE):
        total += Parser(texts[index % len(texts)]).sum().evaluate(names)
    return total


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
