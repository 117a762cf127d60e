"""How often `smallblock view` looks: at the rate that was asked for while somebody sees it, and else not at all."""

from __future__ import annotations

import time
import unittest
from pathlib import Path

from viewer import ViewTest


def switches(pid: int) -> int:
    """How often any thread of the process has slept."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            total += int(line.split()[1]) if "ctxt_switches" in line else 0
    return total


class Looking(ViewTest):
    def test_nobody_looks(self) -> None:
        program, _, _ = self.start_program()
        view, client = self.start_view(str(program.pid), "--rate", "20")
        client.whole()
        time.sleep(3.5)
        before = switches(view.pid)
        time.sleep(1)
        self.assertEqual(switches(view.pid), before)
        asked_ms = time.time_ns() // 1_000_000
        self.assertGreaterEqual(client.whole().head["time_ms"], asked_ms)  # who looks again sees what is now

    def test_a_slow_rate_keeps_nobody_waiting(self) -> None:
        program, _, _ = self.start_program()
        _, client = self.start_view(str(program.pid), "--rate", "0.1")
        heap = client.whole()
        durations = []
        for _ in range(3):  # each waits 2 s for news
            heap.apply(client.get(f"/api/frame?since={heap.frame}"))
            begin = time.monotonic()
            client.get("/api/waste")
            durations.append(time.monotonic() - begin)
        self.assertEqual(heap.frame, 1)
        self.assertLess(durations[-1], 1)


if __name__ == "__main__":
    unittest.main()
