"""A program that does real work: it serves a catalogue of orders. demo/compare.py runs it under two allocators.

It writes a file of CSV and JSON lines (seeded, so always the same), then reads, indexes, sorts, groups and searches it
with the standard library, drops most of what it holds and keeps serving. One JSON line on stdout says what it took.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CITIES = ["Amsterdam", "Berlin", "Chur", "Dublin", "Edinburgh", "Firenze", "Gent", "Helsinki", "Innsbruck", "Jena"]
WORDS = "urgent fragile gift return express invoice customs insured heavy cold paper glass wood steel linen".split()


@dataclass
class Order:
    number: int
    customer: str
    city: str
    cents: int
    words: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


def write_records(path: Path, count: int) -> None:
    """Two CSV lines, then one JSON line, and so on."""
    source = random.Random(20)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        for number in range(count):
            customer = f"customer-{int(source.random() * count / 5):06d}"
            city = CITIES[int(source.random() * len(CITIES))]
            cents = int(source.random() * 100_000)
            note = " ".join(WORDS[int(source.random() * len(WORDS))] for _ in range(4))
            if number % 3 < 2:
                writer.writerow([number, customer, city, cents, note])
            else:
                record = {"number": number, "customer": customer, "city": city, "cents": cents, "note": note}
                record["options"] = {"weight": cents % 977 / 10, "window": [number % 24, number % 24 + 2]}
                file.write(json.dumps(record) + "\n")


def read_records(path: Path) -> dict[int, Order]:
    orders = {}
    with path.open(newline="") as file:
        for line in file:
            if line.startswith("{"):
                record = json.loads(line)
                words = tuple(record["note"].split())
                order = Order(
                    record["number"], record["customer"], record["city"], record["cents"], words, record["options"]
                )
            else:
                number, customer, city, cents, note = next(csv.reader([line]))
                order = Order(int(number), customer, city, int(cents), tuple(note.split()))
            orders[order.number] = order
    return orders


class Catalogue:
    """The orders with their indexes by customer, city and word."""

    def __init__(self, orders: dict[int, Order]) -> None:
        self.orders = orders
        self.by_customer: dict[str, list[Order]] = defaultdict(list)
        self.by_city: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self.by_word: dict[str, set[int]] = defaultdict(set)
        for order in orders.values():
            self.by_customer[order.customer].append(order)
            self.by_city[order.city].append((order.cents, order.number))
            for word in order.words:
                self.by_word[word].add(order.number)
        for ranking in self.by_city.values():
            ranking.sort(reverse=True)

    def search(self, first: str, second: str) -> list[Order]:
        numbers = self.by_word[first] & self.by_word[second]
        return [self.orders[number] for number in sorted(numbers)[:200]]

    def best_customers(self, count: int) -> list[tuple[int, str]]:
        totals = [(sum(order.cents for order in orders), name) for name, orders in self.by_customer.items()]
        return sorted(totals, reverse=True)[:count]

    def report(self, city: str) -> str:
        months: dict[tuple[str, int], list[int]] = defaultdict(list)
        for cents, number in self.by_city[city]:
            months[(city, number % 12)].append(cents)
        lines = [f"{name},{month},{len(amounts)},{sum(amounts)}" for (name, month), amounts in sorted(months.items())]
        return "\n".join(lines)


def serve(catalogue: Catalogue, requests: int, seed: int) -> int:
    """Answers requests as JSON texts; the sum of their lengths is part of the checksum."""
    source = random.Random(seed)
    answered = 0
    for request in range(requests):
        if request % 50 == 0:
            answer: Any = catalogue.report(CITIES[request // 50 % len(CITIES)])
        elif request % 50 == 1:
            answer = catalogue.best_customers(10)
        else:
            first, second = (WORDS[int(source.random() * len(WORDS))] for _ in range(2))
            found = catalogue.search(first, second)
            words = Counter(word for order in found for word in order.words)
            answer = {
                "orders": [[order.number, order.customer, order.cents / 100] for order in found],
                "words": words.most_common(3),
            }
        answered += len(json.dumps(answer))
    return answered


def drop_old(orders: dict[int, Order], source: random.Random) -> dict[int, Order]:
    """One order in twenty stays."""
    return {number: order for number, order in orders.items() if source.random() < 0.05}


def final_rss_bytes() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def work(path: Path, count: int) -> tuple[int, int]:
    """A checksum, and the RSS while the survivors are still held and served."""
    catalogue = Catalogue(read_records(path))
    checksum = serve(catalogue, 100, seed=1)
    checksum = checksum * 31 + sum(cents for cents, _ in catalogue.best_customers(100))
    survivors = drop_old(catalogue.orders, random.Random(3))
    del catalogue
    small = Catalogue(survivors)
    del survivors
    checksum = checksum * 31 + serve(small, 100, seed=2)
    return (checksum * 31 + len(small.orders)) % (1 << 61), final_rss_bytes()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--records", type=int, default=200_000, help="how many (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.records < 1:
        parser.error("--records must be at least 1")
    begin, cpu_begin = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory(prefix="smallblock-demo-") as folder:
        path = Path(folder) / "records"
        write_records(path, arguments.records)
        checksum, rss_bytes = work(path, arguments.records)
    figures = {
        "records": arguments.records,
        "wall_s": round(time.perf_counter() - begin, 4),
        "cpu_s": round(time.process_time() - cpu_begin, 4),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "final_rss_bytes": rss_bytes,
        "checksum": f"{checksum:016x}",
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
