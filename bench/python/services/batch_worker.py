"""A worker that parses batches of CSV lines and keeps the total and the largest payment of each account.

When the large batches are done, small ones come in.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Iterator, Optional

BATCHES = 4
ACCOUNTS = 600
LINES_PER_SCALE = 600
LINES_PER_STEP = 40


@dataclass
class Payment:
    number: int
    account: str
    cents: int
    purpose: list[str]


def lines_of(batch: int, count: int) -> Iterator[str]:
    source = random.Random(batch)
    for number in range(count):
        account, cents = int(source.random() * ACCOUNTS), int(source.random() * 1_000_000)
        yield f"{batch * 1_000_000 + number},account {account},{cents},invoice {number} of {batch}"


class Service:
    def __init__(self) -> None:
        self.totals: defaultdict[str, int] = defaultdict(int)
        self.largest: dict[str, Payment] = {}
        self.last: Optional[dict[str, list[Payment]]] = None

    def parse(self, batch: int, count: int) -> int:
        """The batch by account; its records live until the next one is there."""
        by_account: dict[str, list[Payment]] = defaultdict(list)
        for number, account, cents, purpose in csv.reader(lines_of(batch, count)):
            payment = Payment(int(number), account, int(cents), purpose.split())
            by_account[payment.account].append(payment)
        for account, payments in by_account.items():
            self.totals[account] += sum(payment.cents for payment in payments)
            largest = max(payments, key=lambda payment: payment.cents)
            if account not in self.largest or largest.cents > self.largest[account].cents:
                self.largest[account] = largest
        self.last = by_account
        return len(by_account)

    def digest(self) -> tuple[int, int]:
        return sum(self.totals.values()), sum(payment.cents for payment in self.largest.values())

    def busy(self, scale: int) -> object:
        """Accounts seen in all batches, the cents of all payments, and those of the largest ones."""
        accounts = 0
        for batch in range(BATCHES):
            self.last = None
            accounts += self.parse(batch, scale * LINES_PER_SCALE)
        return accounts, self.digest()

    def release(self) -> object:
        self.last = None
        return self.digest()

    def step(self, number: int) -> object:
        self.parse(BATCHES + number, LINES_PER_STEP)
        return self.digest()

    def close(self) -> None:
        self.totals.clear()
        self.largest.clear()
