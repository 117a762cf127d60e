"""A message broker on asyncio whose consumer falls behind, under a load generator over loopback.

Most of what waits expires when the load ends; one message in a hundred is to be kept. Ordinary traffic goes on.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))

from load_generator import LoadGenerator  # noqa: E402

PUBLISHES_PER_SCALE = 20
LONGEST_LINE_BYTES = 1 << 22


class Broker:
    def __init__(self) -> None:
        self.topics: defaultdict[int, deque[dict[str, Any]]] = defaultdict(deque)
        self.received = 0

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] == "expire":
            for topic, messages in self.topics.items():
                self.topics[topic] = deque(message for message in messages if message["keep"])
            return {"left": self.waiting()}
        messages = self.topics[request["topic"]]
        if request["do"] == "publish":
            for message in request["messages"]:
                self.received += 1
                message["at"] = self.received
                messages.append(message)
            return {"waiting": len(messages)}
        count = min(request["count"], len(messages))
        return {"messages": [messages.popleft() for _ in range(count)]}

    def waiting(self) -> int:
        return sum(map(len, self.topics.values()))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(json.dumps(self.answer(json.loads(line))).encode() + b"\n")
            await writer.drain()
        writer.close()


class Service:
    """The event loop runs in a thread of its own; the broker's data is touched by no other."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        start = asyncio.start_server(self.broker.serve, "127.0.0.1", 0, limit=LONGEST_LINE_BYTES)
        self.server = asyncio.run_coroutine_threadsafe(start, self.loop).result()
        self.load = LoadGenerator("lines", self.server.sockets[0].getsockname()[1])

    def busy(self, scale: int) -> object:
        """What the clients were told, and the messages that wait."""
        return self.load.phase("busy", scale * PUBLISHES_PER_SCALE), self.broker.waiting()

    def release(self) -> object:
        return self.load.phase("release")

    def step(self, number: int) -> object:
        return self.load.phase("step", number)

    def close(self) -> None:
        self.load.close()
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
