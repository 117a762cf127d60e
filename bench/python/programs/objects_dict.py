"""Objects with a __dict__: orders and their lines are made, linked, changed and dropped."""

from __future__ import annotations


class Line:
    def __init__(self, article: str, count: int, price: float) -> None:
        self.article = article
        self.count = count
        self.price = price

    def total(self) -> float:
        return self.count * self.price


class Order:
    def __init__(self, number: int) -> None:
        self.number = number
        self.lines: list[Line] = []
        self.state = "new"

    def add(self, line: Line) -> None:
        self.lines.append(line)


def run(scale: int) -> object:
    """The turnover of all orders; the last thousand stay alive."""
    alive: dict[int, Order] = {}
    turnover = 0.0
    for number in range(scale * 2200):
        order = Order(number)
        for index in range(number % 7):
            order.add(Line(f"article {index}", index + 1, 0.25 * index))
        if number % 3 == 0:
            order.discount = 0.5
        turnover += sum(line.total() for line in order.lines)
        order.state = "done"
        alive[number] = order
        alive.pop(number - 1000, None)
    return turnover, len(alive)


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
