"""The clients of a service, in a process of their own, so that what is measured is the service alone.

Services use `LoadGenerator`; it starts this file with the port of the service and takes the allocator out of the
environment, so that the clients are the same under every allocator. Phases are named on stdin, one line each; the
answer is one line on stdout: what the phase's responses add up to. The work is bounded by counts, never by time.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

CONNECTIONS = 4
TIMEOUT_S = 600
LINES_PER_ORDER = 80
MESSAGES_PER_PUBLISH = 100
TOPICS = 200
ALLOCATOR_VARIABLES = ("LD_PRELOAD", "PYTHONMALLOC", "SMALLBLOCK")


class LoadGenerator:
    """Lives in the service's process; not thread-safe."""

    def __init__(self, kind: str, port: int) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ALLOCATOR_VARIABLES)}
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-s", "-B", __file__, kind, str(port)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def phase(self, name: str, number: int = 0) -> int:
        """One phase: `busy`, of so many requests; `release`; or the `step` of that number. Raises RuntimeError when
        the clients saw a wrong answer."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{name} {number}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the load generator ended in phase {name}, status {self.process.wait()}")
        return int(answer)

    def close(self) -> None:
        self.process.communicate()


def check(holds: bool, answer: object) -> None:
    if not holds:
        raise RuntimeError(f"wrong answer: {answer}")


class HttpConnection:
    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)

    def request(self, method: str, path: str, body: Any = None) -> Any:
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        check(response.status == 200, answer)
        return answer

    def place_and_read(self, number: int) -> int:
        """An order, read back; its cents."""
        order = make_order(number)
        placed = self.request("POST", "/orders", order)
        check(placed["cents"] == sum(line["count"] * line["cents"] for line in order["lines"]), placed)
        read = self.request("GET", f"/orders/{placed['number']}")
        check(read["lines"] == order["lines"], read)
        return int(placed["cents"])


def make_order(number: int) -> dict[str, Any]:
    source = random.Random(number)
    lines = [
        {"article": f"article {int(source.random() * 5000)}", "count": line % 9 + 1, "cents": 1000 + line}
        for line in range(LINES_PER_ORDER)
    ]
    return {"customer": f"customer {number % 397}", "open": number % 20 == 0, "lines": lines}


class HttpClients:
    """Orders for services/web_service.py: connections that stay open, each with a share of the requests."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.calm = HttpConnection(port)

    def busy(self, count: int) -> int:
        def client(index: int) -> int:
            connection = HttpConnection(self.port)
            try:
                return sum(connection.place_and_read(number) for number in range(index, count, CONNECTIONS))
            finally:
                connection.connection.close()

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return sum(pool.map(client, range(CONNECTIONS)))

    def release(self, _: int) -> int:
        return int(self.calm.request("POST", "/ship", {})["left"])

    def step(self, number: int) -> int:
        return self.calm.place_and_read(number * 20 + 1) + self.release(0)


class LineClients:
    """Messages for services/message_broker.py: one JSON text per line, over one connection."""

    def __init__(self, port: int) -> None:
        self.file = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S).makefile("rw", encoding="utf-8")

    def ask(self, **request: Any) -> Any:
        self.file.write(json.dumps(request) + "\n")
        self.file.flush()
        return json.loads(self.file.readline())

    def publish(self, number: int) -> int:
        source = random.Random(number)
        messages = [
            {"id": f"{number}-{index}", "keep": source.random() < 0.01, "text": f"reading {source.random():.6f}"}
            for index in range(MESSAGES_PER_PUBLISH)
        ]
        return int(self.ask(do="publish", topic=number % TOPICS, messages=messages)["waiting"])

    def take(self, number: int, count: int) -> int:
        messages = self.ask(do="take", topic=number % TOPICS, count=count)["messages"]
        check(all(message["text"].startswith("reading ") for message in messages), messages)
        return len(messages)

    def busy(self, count: int) -> int:
        """Publishers that are faster than the consumer: three quarters stay."""
        return sum(self.publish(number) + self.take(number * 7, MESSAGES_PER_PUBLISH // 4) for number in range(count))

    def release(self, _: int) -> int:
        return int(self.ask(do="expire")["left"])

    def step(self, number: int) -> int:
        return self.publish(number) + self.take(number, MESSAGES_PER_PUBLISH)


def main() -> None:
    clients = {"http": HttpClients, "lines": LineClients}[sys.argv[1]](int(sys.argv[2]))
    for line in sys.stdin:
        name, number = line.split()
        print(getattr(clients, name)(int(number)), flush=True)


if __name__ == "__main__":
    main()
