"""A cache with eviction: the least recently used entry goes when it is full, and what was not asked for again expires.

A rush of many keys fills it; then the entries of the rush expire, while the popular ones are asked for on and on.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from dataclasses import dataclass

CAPACITY_PER_SCALE = 800
REQUESTS_PER_SCALE = 2000
REQUESTS_PER_STEP = 50
POPULAR_SHARE = 0.01
SPREAD = 37  # scatters the popular pages among the others; has no divisor in common with the number of pages


@dataclass
class Page:
    title: str
    tags: list[str]
    fields: dict[str, object]
    asked: int = 0


def make_page(key: str) -> Page:
    number = int(key.rpartition(":")[2])
    tags = [f"tag {number % divisor}" for divisor in (7, 31, 101)]
    fields = {"views": number * 3, "score": number / 7, "author": f"author {number % 997}"}
    return Page(f"The page of {key}", tags, fields)


class Service:
    def __init__(self) -> None:
        self.capacity = self.popular = 0
        self.entries: OrderedDict[str, Page] = OrderedDict()
        self.evicted = self.digest = 0

    def get(self, key: str) -> Page:
        page = self.entries.get(key)
        if page is None:
            page = self.entries[key] = make_page(key)
            if len(self.entries) > self.capacity:
                self.entries.popitem(last=False)
                self.evicted += 1
        else:
            self.entries.move_to_end(key)
        page.asked += 1
        self.digest = (self.digest * 31 + len(page.title) + page.asked) % 1_000_000_007
        return page

    def ask(self, source: random.Random, requests: int, rush: bool) -> None:
        """For the popular pages; in a rush, four in five requests go over twice as many pages as fit."""
        pages = self.capacity * 2
        for request in range(requests):
            number = int(source.random() * (pages if rush and request % 5 else self.popular))
            self.get(f"page:{number * SPREAD % pages}")

    def busy(self, scale: int) -> object:
        """A digest, the entries, and how many were evicted."""
        self.capacity = scale * CAPACITY_PER_SCALE
        self.popular = int(self.capacity * POPULAR_SHARE)
        self.ask(random.Random(7), scale * REQUESTS_PER_SCALE, rush=True)
        return self.digest, len(self.entries), self.evicted

    def release(self) -> object:
        """What was asked for fewer than ten times expires."""
        for key in [key for key, page in self.entries.items() if page.asked < 10]:
            del self.entries[key]
        return len(self.entries)

    def step(self, number: int) -> object:
        self.ask(random.Random(number), REQUESTS_PER_STEP, rush=False)
        return self.digest

    def close(self) -> None:
        self.entries.clear()
