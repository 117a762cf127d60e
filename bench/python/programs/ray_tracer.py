"""A small ray tracer: every vector operation makes a tuple-like object of floats."""

from __future__ import annotations

import math
from typing import NamedTuple, Optional

WIDTH = 32


class Vector(NamedTuple):
    x: float
    y: float
    z: float

    def plus(self, other: Vector) -> Vector:
        return Vector(self.x + other.x, self.y + other.y, self.z + other.z)

    def minus(self, other: Vector) -> Vector:
        return Vector(self.x - other.x, self.y - other.y, self.z - other.z)

    def times(self, factor: float) -> Vector:
        return Vector(self.x * factor, self.y * factor, self.z * factor)

    def dot(self, other: Vector) -> float:
        return self.x * other.x + self.y * other.y + self.z * other.z

    def unit(self) -> Vector:
        return self.times(1.0 / math.sqrt(self.dot(self)))


class Sphere:
    def __init__(self, center: Vector, radius: float, color: Vector) -> None:
        self.center = center
        self.radius = radius
        self.color = color

    def distance(self, origin: Vector, direction: Vector) -> Optional[float]:
        to_center = self.center.minus(origin)
        along = to_center.dot(direction)
        under_root = self.radius * self.radius - to_center.dot(to_center) + along * along
        if under_root < 0.0 or along < 0.0:
            return None
        return along - math.sqrt(under_root)


def trace(spheres: list[Sphere], origin: Vector, direction: Vector, light: Vector, depth: int) -> Vector:
    hits = [(distance, index) for index, s in enumerate(spheres) if (distance := s.distance(origin, direction))]
    if not hits:
        return Vector(0.2, 0.3, 0.5).times(1.0 - abs(direction.y))
    distance, index = min(hits)
    sphere = spheres[index]
    point = origin.plus(direction.times(distance))
    normal = point.minus(sphere.center).unit()
    color = sphere.color.times(max(0.1, normal.dot(light)))
    if depth > 0:
        mirrored = direction.minus(normal.times(2.0 * direction.dot(normal)))
        seen = trace(spheres, point.plus(normal.times(0.001)), mirrored.unit(), light, depth - 1)
        color = color.times(0.7).plus(seen.times(0.3))
    return color


def run(scale: int) -> object:
    """The light of all pixels, rounded."""
    spheres = [
        Sphere(Vector(index - 2.0, math.sin(index) * 0.8, 4.0 + index % 3), 0.8, Vector(0.2 * index, 0.6, 0.4))
        for index in range(5)
    ]
    light = Vector(-1.0, 2.0, -1.5).unit()
    total = 0.0
    for row in range(scale * 9):
        for column in range(WIDTH):
            direction = Vector(column / WIDTH - 0.5, (row % WIDTH) / WIDTH - 0.5, 0.8).unit()
            total += sum(trace(spheres, Vector(0.0, 0.0, 0.0), direction, light, 2))
    return round(total, 4)


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
