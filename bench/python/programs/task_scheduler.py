"""An operating system in small: tasks of several classes send packets through queues, as in the Richards benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

ROUNDS_PER_SCALE = 34


class Packet:
    def __init__(self, sender: int, kind: str, payload: list[int]) -> None:
        self.sender = sender
        self.kind = kind
        self.payload = payload
        self.link: Optional[Packet] = None


class Queue:
    """Packets linked through their `link`."""

    def __init__(self) -> None:
        self.head: Optional[Packet] = None
        self.tail: Optional[Packet] = None

    def put(self, packet: Packet) -> None:
        packet.link = None
        if self.tail is None:
            self.head = packet
        else:
            self.tail.link = packet
        self.tail = packet

    def take(self) -> Optional[Packet]:
        packet = self.head
        if packet is not None:
            self.head = packet.link
            if self.head is None:
                self.tail = None
        return packet


class Task:
    def __init__(self, identity: int, scheduler: Scheduler) -> None:
        self.identity = identity
        self.scheduler = scheduler
        self.queue = Queue()
        self.handled = 0

    def handle(self, packet: Packet) -> None:
        raise NotImplementedError

    def step(self) -> bool:
        packet = self.queue.take()
        if packet is None:
            return False
        self.handled += 1
        self.handle(packet)
        return True


class Worker(Task):
    def handle(self, packet: Packet) -> None:
        if len(packet.payload) < 6:
            payload = [value * 3 + self.identity for value in packet.payload] + [self.identity]
            self.scheduler.send((self.identity + 1) % 4, Packet(self.identity, "work", payload))
        else:
            self.scheduler.send(4 + self.identity % 2, Packet(self.identity, "store", packet.payload[-3:]))


class Device(Task):
    def __init__(self, identity: int, scheduler: Scheduler) -> None:
        super().__init__(identity, scheduler)
        self.stored: dict[int, tuple[int, ...]] = {}

    def handle(self, packet: Packet) -> None:
        self.stored[sum(packet.payload) % 97] = tuple(packet.payload)


class Scheduler:
    def __init__(self) -> None:
        self.tasks: list[Task] = [Worker(identity, self) for identity in range(4)]
        self.tasks += [Device(identity, self) for identity in (4, 5)]

    def send(self, identity: int, packet: Packet) -> None:
        self.tasks[identity].queue.put(packet)

    def busy(self) -> Iterator[Task]:
        return (task for task in self.tasks if task.queue.head is not None)

    def run(self) -> None:
        while any([task.step() for task in self.busy()]):
            pass


def run(scale: int) -> object:
    """Packets handled and entries stored."""
    handled, stored = 0, 0
    for round_number in range(scale * ROUNDS_PER_SCALE):
        scheduler = Scheduler()
        for index in range(12):
            scheduler.send(index % 4, Packet(-1, "work", [round_number, index]))
        scheduler.run()
        handled += sum(task.handled for task in scheduler.tasks)
        stored += sum(len(task.stored) for task in scheduler.tasks if isinstance(task, Device))
    return handled, stored


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
