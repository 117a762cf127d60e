"""What `compare` makes of its windows, and of a view that ends while it is looked at."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import struct
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

LOADER = importlib.machinery.SourceFileLoader("view_compare", str(Path(__file__).resolve().parent / "compare"))
SPEC = importlib.util.spec_from_loader("view_compare", LOADER)
assert SPEC is not None
compare = importlib.util.module_from_spec(SPEC)
LOADER.exec_module(compare)


class Page(BaseHTTPRequestHandler):
    """Answers two requests for a frame; what comes later is no frame."""

    answers = 0

    def do_GET(self) -> None:
        Page.answers += 1
        head = json.dumps({"frame": Page.answers}).encode() if Page.answers <= 2 else b"no JSON"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"mark" + struct.pack("<I", len(head)) + head)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class Watched(unittest.TestCase):
    def test_a_view_that_ends_is_an_error_and_no_endless_wait(self) -> None:
        with HTTPServer(("127.0.0.1", 0), Page) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            watcher = compare.Watcher(f"http://127.0.0.1:{server.server_port}/?token=x")
            watcher.thread.join(30)
            self.assertEqual(watcher.frames, 2)
            for ask in (watcher.require_frames, watcher.look_away):
                with self.assertRaisesRegex(compare.UsageError, "no more frames"):
                    ask()
            server.shutdown()


class Windows(unittest.TestCase):
    def test_a_pair_without_a_frame_does_not_count(self) -> None:
        losses = compare.Losses([90, 100, 80], [100, 100, 100], [1, 0, 1])
        self.assertEqual(losses.pairs, 2)
        self.assertAlmostEqual(losses.median, 0.15)

    def test_without_any_frame_there_is_no_loss_to_tell(self) -> None:
        with self.assertRaisesRegex(compare.UsageError, "in no window"):
            compare.Losses([100, 100], [100, 100], [0, 0])


if __name__ == "__main__":
    unittest.main()
