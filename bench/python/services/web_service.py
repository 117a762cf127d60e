"""A web service on http.server that holds the orders it is sent, under a load generator over loopback.

The load ends with most orders shipped and dropped; one in twenty stays open while ordinary traffic goes on.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))

from load_generator import LoadGenerator  # noqa: E402

ORDERS_PER_SCALE = 15


class Orders:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.orders: dict[int, dict[str, Any]] = {}
        self.by_article: defaultdict[str, set[int]] = defaultdict(set)
        self.placed = 0

    def place(self, order: dict[str, Any]) -> dict[str, int]:
        cents = sum(line["count"] * line["cents"] for line in order["lines"])
        with self.lock:
            self.placed += 1
            number = self.placed
            self.orders[number] = order
            for line in order["lines"]:
                self.by_article[line["article"]].add(number)
        return {"number": number, "cents": cents}

    def ship(self) -> dict[str, int]:
        with self.lock:
            shipped = [number for number, order in self.orders.items() if not order["open"]]
            for number in shipped:
                for line in self.orders.pop(number)["lines"]:
                    orders = self.by_article[line["article"]]
                    orders.discard(number)
                    if not orders:
                        del self.by_article[line["article"]]
            return {"left": len(self.orders)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    orders: Orders

    def answer(self, body: object, status: int = 200) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self) -> None:
        order = self.orders.orders.get(int(self.path.rpartition("/")[2]))
        self.answer(order or {"error": "no such order"}, 200 if order else 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(self.orders.place(body) if self.path == "/orders" else self.orders.ship())

    def log_message(self, *_: object) -> None:
        pass


class Service:
    def __init__(self) -> None:
        self.orders = Orders()
        handler = type("OrdersHandler", (Handler,), {"orders": self.orders})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        self.load = LoadGenerator("http", self.server.server_address[1])

    def busy(self, scale: int) -> object:
        """Orders held, and the cents of all."""
        return self.load.phase("busy", scale * ORDERS_PER_SCALE), len(self.orders.orders)

    def release(self) -> object:
        return self.load.phase("release")

    def step(self, number: int) -> object:
        return self.load.phase("step", number)

    def close(self) -> None:
        self.load.close()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
