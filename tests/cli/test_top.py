"""`smallblock top` on a real terminal, by tmux: what is seen, keys, sizes, and every way in which it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import unittest

from support import find_python, smallblock
from terminal import Terminal
from top import COLUMNS, GRANULE_BYTES, OTHERS_MAX, TopTest, number, table

BYTES_OF_A_SCREEN = 80 * 24
GRAPH_END_ROW = 10  # in 24 rows


class OnATerminal(TopTest):
    def test_a_process(self) -> None:
        process = self.start_facts()
        terminal = self.terminal("--interval", "0.1", str(process.pid))
        lines = terminal.wait_for("q quit")
        with self.subTest("what is seen first"):
            self.assertEqual(len(lines), 24)
            self.assertRegex(lines[0], rf"^smallblock top +{process.pid} +python.* every 0.1 s +\d\d:\d\d:\d\d")
            self.assertRegex(lines[-1], "q quit .* p pause .* sort .* r reverse .* scroll .* g graph .* t time")
            heads, rows = table(lines)
            self.assertEqual(heads, [head.replace("bytes", "▼bytes") for head in COLUMNS[:-1]])
            self.assertEqual(rows[0]["size"], self.block_bytes)
            self.assertIn(rows[0]["live"], range(self.count, self.count + OTHERS_MAX))
            self.assert_rows(rows, self.stats(process))
            self.assertRegex(terminal.coloured(), r"\x1b\[[\d;]*38;5;74m▇+")
        with self.subTest("the graph grows to the left, as high as the heap"):
            lines = terminal.wait("a graph", lambda seen: "█" * 8 in seen[GRAPH_END_ROW])
            most = number(lines[6].split()[0])
            committed = number(re.search(r"committed ([\d.]+M)", "\n".join(lines)).group(1))  # type: ignore[union-attr]
            self.assertTrue(0.5 * committed <= most <= 2 * committed, (most, committed))
        self.keys_of_the_table(terminal)
        self.no_flicker(terminal)
        self.pause(terminal, process)
        self.sizes(terminal)
        terminal.press("q")
        self.assertEqual(terminal.wait_end(), 0)
        self.assertIsNone(process.poll())

    def keys_of_the_table(self, terminal: Terminal) -> None:
        place = COLUMNS.index("bytes")
        for key, step in [("Left", -1)] * 7 + [("Left", -1)] * 2 + [("Right", 1)] * 2:
            place = (place + step) % len(COLUMNS)
            arrow = "▲" if place == 0 else "▼"
            terminal.press(key)
            if place == len(COLUMNS) - 1:  # not seen in 80 columns
                continue
            lines = terminal.wait_for(f"{arrow}{COLUMNS[place]}")
            values = [row[COLUMNS[place]] for row in table(lines)[1]]
            self.assertEqual(values, sorted(values, reverse=place != 0), COLUMNS[place])
        terminal.press("r")
        first = table(terminal.wait_for("▼size"))[1]
        self.assertEqual([row["size"] for row in first], sorted((row["size"] for row in first), reverse=True))
        terminal.wait_for(f" 1-{len(first)} of ")
        terminal.press("Down", "Down")
        scrolled = table(terminal.wait_for(f" 3-{len(first) + 2} of "))[1]
        self.assertEqual([row["size"] for row in scrolled[:-2]], [row["size"] for row in first[2:]])
        terminal.press("End")
        terminal.wait("the smallest size", lambda seen: table(seen)[1][-1]["size"] == GRANULE_BYTES)
        terminal.press("Home")
        terminal.wait_for(f" 1-{len(first)} of ")
        terminal.press("g")
        terminal.wait_for("the process (RSS)")
        terminal.press("g")
        for duration in ("36 s", "4 min", "14 min", "7 s"):
            terminal.press("t")
            terminal.wait_for(f"the heap, the last {duration}")
        terminal.press("r", *["Left"] * 5)
        terminal.wait_for("▼bytes")

    def pause(self, terminal: Terminal, process: subprocess.Popen[str]) -> None:
        terminal.press("p")
        before = terminal.wait_for("PAUSED")
        self.step(process, "more")
        time.sleep(0.5)
        self.assertEqual(terminal.lines(), before)
        terminal.press("p")
        grown = 2 * self.count
        lines = terminal.wait("twice as many", lambda seen: (self.live_of_facts(seen) or 0) >= grown)
        self.assertNotIn("PAUSED", lines[0])
        self.assertLess(self.live_of_facts(lines), grown + OTHERS_MAX)
        self.step(process, "less")
        self.wait_rate(terminal, "gone")
        terminal.wait("a tenth", lambda seen: (self.live_of_facts(seen) or grown) < grown / 10 + OTHERS_MAX)

        smallblock("trim", str(process.pid), "--wait=0")
        self.step(process, "less")
        self.wait_rate(terminal, "given back")
        self.step(process, "more")
        self.wait_rate(terminal, "taken")

    def wait_rate(self, terminal: Terminal, name: str) -> None:
        """Rates are seen for one interval only."""
        terminal.wait(f"a rate of {name}", lambda seen: re.search(rf"{name} [1-9]", seen[4]) is not None)

    def no_flicker(self, terminal: Terminal) -> None:
        """Only what differs from the frame before is sent, and nothing is cleared."""
        sent = self.folder / "sent"
        terminal.tmux("pipe-pane", f"cat >{sent}")
        seconds = {terminal.lines()[0][-9:]}
        while len(seconds) < 3:
            seconds.add(terminal.lines()[0][-9:])
        terminal.tmux("pipe-pane")
        data = sent.read_bytes()
        self.assertGreater(len(data), 0)
        self.assertNotIn(b"\x1b[2J", data)
        self.assertNotIn(b"\x1b[J", data)
        self.assertLess(len(data), BYTES_OF_A_SCREEN)

    def sizes(self, terminal: Terminal) -> None:
        terminal.resize(140, 50)
        terminal.wait("the keys in the last of 50 rows", lambda seen: len(seen) == 50 and "q quit" in seen[-1])
        lines = terminal.wait_for("gone/s")
        heads, rows = table(lines)
        self.assertEqual([head.strip("▼") for head in heads], COLUMNS)
        self.assertGreater(len(rows), 15)
        self.assertGreater(max(map(len, lines)), 130)
        for columns, high in ((40, 10), (12, 3), (80, 24)):
            terminal.resize(columns, high)
            terminal.wait(
                f"a frame of {columns} x {high}", lambda seen: len(seen) == high and "q quit" in seen[-1][:columns]
            )

    def test_the_process_ends(self) -> None:
        process = self.start_facts()
        terminal = self.terminal(str(process.pid), "--interval=60")
        terminal.wait_for("q quit")
        process.kill()
        process.wait()
        self.assertEqual(terminal.wait_end(), 0)
        lines = terminal.wait_for(f"smallblock: process {process.pid} has ended")
        self.assertIn(self.live_of_facts(lines), range(self.count, self.count + OTHERS_MAX))

    def test_the_process_ends_in_a_window_of_one_row(self) -> None:
        process = self.start_facts()
        terminal = self.terminal(str(process.pid), rows=1)
        terminal.wait("the keys in the only row", lambda seen: len(seen) == 1 and "q quit" in seen[0])
        process.kill()
        process.wait()
        self.assertEqual(terminal.wait_end(), 0)
        terminal.resize(80, 24)
        terminal.wait_for(f"smallblock: process {process.pid} has ended")

    def test_signals(self) -> None:
        process = self.start_facts()
        for ending in ("C-c", signal.SIGTERM, signal.SIGHUP):
            with self.subTest(ending):
                (self.folder / "ended").unlink(missing_ok=True)
                terminal = self.terminal(str(process.pid))
                terminal.wait_for("q quit")
                if isinstance(ending, str):
                    terminal.press(ending)
                else:
                    os.kill(self.pid_in(terminal), ending)
                self.assertEqual(terminal.wait_end(), 0)
                terminal.close()

    def test_stopped_and_continued(self) -> None:
        process = self.start_facts()
        terminal = self.terminal(str(process.pid))
        terminal.wait_for("q quit")
        pid = self.pid_in(terminal)
        os.kill(pid, signal.SIGTSTP)  # as Ctrl-Z does; after that, tmux would let it go on
        terminal.wait("the shell's screen", lambda _: not terminal.is_on_own_screen())
        os.kill(pid, signal.SIGCONT)
        terminal.wait_for("q quit")
        terminal.press("q")
        self.assertEqual(terminal.wait_end(), 0)

    def pid_in(self, terminal: Terminal) -> int:
        shell = terminal.tmux("display-message", "-p", "#{pane_pid}").strip()
        with open(f"/proc/{shell}/task/{shell}/children", encoding="ascii") as file:
            return int(file.read().split()[0])


class OfACommand(TopTest):
    KEPT = 9000
    SCRIPT = f"""
import os, sys, time
kept = [bytes(440) for _ in range({KEPT})]
print('to stdout', flush=True)
print('to stderr', file=sys.stderr)
print(repr(sys.stdin.read()), flush=True)
"""

    def has_its_blocks(self, seen: list[str]) -> bool:
        return max((row["live"] for row in table(seen)[1]), default=0) >= self.KEPT

    def test_its_output_comes_after_the_screen(self) -> None:
        go = self.folder / "go"
        script = self.SCRIPT + f"while not os.path.exists({str(go)!r}): time.sleep(0.02)\nsys.exit(7)"
        terminal = self.terminal("--interval", "0.1", find_python(), "-c", script)
        terminal.wait_for("new/s")
        lines = terminal.wait("its blocks", self.has_its_blocks)
        self.assertNotIn("to std", "\n".join(lines[1:]))
        go.touch()
        self.assertEqual(terminal.wait_end(), 7)
        self.assertEqual(
            [line for line in terminal.lines() if line and ("to std" in line or line == "''")],
            ["to stdout", "to stderr", "''"],
        )

    def test_quitting_ends_it(self) -> None:
        log = self.folder / "log"
        terminal = self.terminal("--log", str(log), "--", find_python(), "-c", self.SCRIPT + "time.sleep(600)")
        pid = int(terminal.wait_for("q quit")[0].split()[2])
        terminal.wait("all output in the log", lambda _: "''" in log.read_text(encoding="utf-8"))
        terminal.press("q")
        self.assertEqual(terminal.wait_end(), 128 + signal.SIGTERM)
        self.assertEqual(sorted(log.read_text(encoding="utf-8").splitlines()), ["''", "to stderr", "to stdout"])
        self.assertRaises(ProcessLookupError, os.kill, pid, 0)
        self.assertNotIn("to std", "\n".join(terminal.lines()))

    def test_one_that_a_script_executes(self) -> None:
        program = self.folder / "program.py"
        program.write_text(self.SCRIPT + "while not os.path.exists('end'): time.sleep(0.02)\n", encoding="utf-8")
        script = f"while ! [ -e go ]; do sleep 0.02; done; exec {find_python()} {program}"
        terminal = self.terminal("--interval", "0.1", "--", "bash", "-c", script)
        self.assertIn("bash -c", terminal.wait_for("q quit")[0])
        (self.folder / "go").touch()
        lines = terminal.wait("its blocks", self.has_its_blocks)
        self.assertRegex(lines[0], r"^smallblock top +\d+ +python")
        (self.folder / "end").touch()
        self.assertEqual(terminal.wait_end(), 0)

    def test_one_that_cannot_start(self) -> None:
        terminal = self.terminal("no-such-program")
        self.assertEqual(terminal.wait_end(), 127)
        terminal.wait_for("command not found: no-such-program")


if __name__ == "__main__":
    unittest.main()
