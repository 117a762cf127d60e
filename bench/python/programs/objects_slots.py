"""Objects with __slots__: two-dimensional points and boxes made by arithmetic, few of them kept."""

from __future__ import annotations


class Point:
    __slots__ = ("x", "y")

    def __init__(self, x: float, y: float) -> None:
        self.x = x
        self.y = y

    def __add__(self, other: Point) -> Point:
        return Point(self.x + other.x, self.y + other.y)

    def scaled(self, factor: float) -> Point:
        return Point(self.x * factor, self.y * factor)


class Box:
    __slots__ = ("low", "high")

    def __init__(self, low: Point, high: Point) -> None:
        self.low = low
        self.high = high

    def joined(self, point: Point) -> Box:
        return Box(
            Point(min(self.low.x, point.x), min(self.low.y, point.y)),
            Point(max(self.high.x, point.x), max(self.high.y, point.y)),
        )


def run(scale: int) -> object:
    """The box around a walk, and the steps that were kept."""
    position = Point(0.0, 0.0)
    box = Box(position, position)
    kept = []
    step = 12345
    for index in range(scale * 2000):
        step = (step * 1103515245 + 12345) % 2147483648
        position = position + Point(step % 7 - 3.0, step % 11 - 5.0).scaled(0.5)
        box = box.joined(position)
        if index % 10 == 0:
            kept.append(position)
    return box.low.x, box.low.y, box.high.x, box.high.y, len(kept)


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
