"""Requests without an end, and connections without requests: neither `smallblock view` nor `serve` takes memory for the
ones, or keeps anybody waiting for the others."""

from __future__ import annotations

import socket
import subprocess
import time
import unittest
from pathlib import Path

from test_security import SecurityTest
from viewer import Client

FLOOD_BYTES, MOST_GROWTH_KIB = 64 << 20, 8 << 10


def flood(port: int, head: str, part: bytes) -> tuple[int, bytes]:
    """Sends the head, then parts without an end until nobody takes them; the bytes that were taken, and the answer."""
    sent, answer = 0, b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            connection.sendall(head.encode())
            while sent < FLOOD_BYTES:
                connection.sendall(part)
                sent += len(part)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            while got := connection.recv(65536):
                answer += got
        except ConnectionResetError:
            pass
    return sent, answer


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


class Floods(SecurityTest):
    """Requests without an end, of clients that have no token."""

    def assert_small(self, process: subprocess.Popen[str], client: Client) -> None:
        own = f"Host: 127.0.0.1:{client.port}"
        chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
        line = b"a" * 65536
        floods = {
            f"POST /x HTTP/1.1\r\n{own}\r\nTransfer-Encoding: chunked\r\n\r\n": (chunk, b" 405 ", b" 404 "),
            f"POST /x HTTP/1.1\r\n{own}\r\n\r\n": (line, b" 405 ", b" 404 "),
            f"GET /x HTTP/1.1\r\n{own}\r\nContent-Length: {1 << 40}\r\n\r\n": (line, b" 404 "),
            "GET /": (line,),
            f"GET / HTTP/1.1\r\n{own}\r\nX-Long: ": (line,),
            f"GET / HTTP/1.1\r\n{own}\r\n": (b"X-Many: 1\r\n" * 5000,),
        }
        before = resident_kib(process.pid)
        for head, (part, *statuses) in floods.items():
            with self.subTest(head=head):
                sent, answer = flood(client.port, head, part)
                self.assertLess(sent, FLOOD_BYTES)
                self.assertLessEqual(answer.count(b"HTTP/1.1 "), 1)
                self.assertLess(resident_kib(process.pid) - before, MOST_GROWTH_KIB)
                if statuses:
                    self.assertTrue(any(status in answer[:20] for status in statuses), answer[:200])
                    self.assertIn(b"\r\nConnection: close\r\n", answer)

    def test_of_a_view(self) -> None:
        program, _, _ = self.start_program()
        self.assert_small(*self.start_view(str(program.pid)))

    def test_of_serve(self) -> None:
        self.assert_small(*self.start_serve(str(self.start_program()[0].pid)))

    def test_idle_connections_keep_nobody_waiting_long(self) -> None:
        program, _, _ = self.start_program()
        for process, client in (self.start_view(str(program.pid)), self.start_serve(str(program.pid))):
            for _ in range(60):
                self.addCleanup(socket.create_connection(("127.0.0.1", client.port), timeout=30).close)
            begin = time.monotonic()
            client.raw(f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\nConnection: close\r\n\r\n")
            self.assertLess(time.monotonic() - begin, 4, process.args)

    def test_a_body_is_no_request(self) -> None:
        program, _, _ = self.start_program()
        for process, client in (self.start_view(str(program.pid)), self.start_serve(str(program.pid))):
            own = f"Host: 127.0.0.1:{client.port}"
            inner = f"GET /metrics HTTP/1.1\r\n{own}\r\n\r\n"
            answer = client.raw(f"POST / HTTP/1.1\r\n{own}\r\nContent-Length: {len(inner)}\r\n\r\n{inner}")
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1, process.args)


if __name__ == "__main__":
    unittest.main()
