"""`smallblock top --once`: its figures are those of `stats`; and what `top` refuses."""

from __future__ import annotations

import os
import re
import subprocess
import time
import unittest

from outside import NO_PERMISSION, NO_PROCESS, NO_SMALLBLOCK, NO_SUCH_PID
from support import COMMAND, clean_environment, find_python, smallblock
from terminal import SGR, Terminal
from top import GRANULE_BYTES, TopTest, legend, table

STEADY_RATE = 20000
# Keeps so many blocks more each second, by the clock, and says how large each is.
STEADY_PROGRAM = f"""
import sys, time
kept = [bytes(440)]
print("ready", flush=True)
print(sys.getsizeof(kept[0]), flush=True)
begin = time.monotonic()
while True:
    wanted = int((time.monotonic() - begin) * {STEADY_RATE})
    kept += [bytes(440) for _ in range(wanted - len(kept))]
    time.sleep(0.002)
"""
ATTEMPTS_MAX = 20
FIGURES = (
    "live", "cached", "free", "empty", "metadata", "malloc below", "rest of process", "purged", "new", "gone",
    "refills", "taken", "given back", "committed",
)
FIGURE = re.compile(rf"\b({'|'.join(FIGURES)}) ([\d.]+[KMGTP]?)")
ALL_COLUMNS = 88


class Once(TopTest):
    def once(self, *words: str, interval: float = 0.1, **variables: str) -> list[str]:
        result = smallblock("top", "--once", f"--interval={interval}", *words, **variables)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertNotRegex(result.stdout, SGR)
        return result.stdout.splitlines()

    def test_equals_stats(self) -> None:
        process = self.start_facts()
        lines = self.once(str(process.pid), LC_ALL="C.UTF-8")
        report = self.stats(process)
        self.assertLessEqual(max(map(len, lines)), ALL_COLUMNS)
        rows = table(lines)[1]
        with_pool = [each for each in report["classes"] if each["pools_used"] != 0]
        self.assertEqual(sorted(row["size"] for row in rows), [each["block_bytes"] for each in with_pool])
        self.assert_rows(rows, report)
        memory = report["memory"]
        for name in ("live", "cached", "metadata"):
            figure = memory[f"{name}_bytes"]
            self.assertAlmostEqual(legend(lines, name), figure, delta=figure * 0.06, msg=name)
        free = legend(lines, "free") + legend(lines, "purged")
        self.assertAlmostEqual(free, memory["free_resident_bytes"] + memory["purged_bytes"], delta=free * 0.1)
        arenas = next(line for line in lines if line.startswith("arenas"))
        self.assertIn(f"{report['arenas_used']} used", arenas)
        strip = lines[lines.index(arenas) + 1]
        self.assertEqual(len(re.findall("[▁▂▃▄▅▆▇█]", strip)), report["arenas_used"])
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            resident = int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) * 1024  # type: ignore[union-attr]
        self.assertAlmostEqual(legend(lines, "RSS"), resident, delta=resident * 0.1)

    def test_sorted(self) -> None:
        process = self.start_facts()
        for name, head in (("size", "▲size"), ("refills", "▼refills/s"), ("used", "▼used")):
            heads, rows = table(self.once(str(process.pid), "--sort", name, LC_ALL="C.UTF-8"))
            self.assertIn(head, heads)
            values = [row[head[1:]] for row in rows]
            self.assertEqual(values, sorted(values, reverse=name != "size"), name)

    def test_what_it_is_sorted_by_is_seen(self) -> None:
        process = self.start_facts()
        names = smallblock("top", "--sort", "none", "1").stderr.partition("{")[2].partition("}")[0].split(",")
        plain = table(self.once(str(process.pid), LC_ALL="C.UTF-8"))[0]
        self.assertEqual([head.strip("▼▲").removesuffix("/s") for head in plain], names)
        for columns in (40, 80, 200):
            for name in ("bytes", "gone"):
                lines = self.once(str(process.pid), "--sort", name, COLUMNS=str(columns), LC_ALL="C.UTF-8")
                with self.subTest(columns=columns, name=name):
                    self.assertLessEqual(max(map(len, lines)), columns)
                    self.assertIn(f"▼{name}", " ".join(table(lines)[0]))

    def test_no_figure_is_cut(self) -> None:
        process = self.start_facts()

        def figures(columns: int) -> set[tuple[str, str]]:
            lines = self.once(str(process.pid), COLUMNS=str(columns), LC_ALL="C.UTF-8")
            self.assertLessEqual(max(map(len, lines)), columns)
            return set(FIGURE.findall("\n".join(lines[:7])))

        known = figures(200)
        self.assertEqual({name for name, _ in known}, set(FIGURES))
        seen = [figures(columns) for columns in range(20, 89)]
        for columns, some in enumerate(seen, 20):
            self.assertEqual(some - known, set(), columns)
        self.assertEqual(seen[-1], known)
        self.assertLess(len(seen[0]), len(known) / 2)

    def test_rates_are_those_of_the_interval(self) -> None:
        process = self.start(find_python(), "-I", "-S", "-c", STEADY_PROGRAM)
        assert process.stdout is not None
        block_bytes = -(-int(process.stdout.readline()) // GRANULE_BYTES) * GRANULE_BYTES
        rates: list[float] = []
        for _ in range(ATTEMPTS_MAX):  # a busy machine may hold the program up
            begin = time.monotonic()
            rows = table(self.once(str(process.pid), interval=0.3, LC_ALL="C.UTF-8"))[1]
            self.assertGreaterEqual(time.monotonic() - begin, 0.3)
            row = next(row for row in rows if row["size"] == block_bytes)
            rates.append(row["new/s"])
            if STEADY_RATE / 1.5 < row["new/s"] < STEADY_RATE * 1.5:
                self.assertGreater(row["refills/s"], 0)
                self.assertLess(row["refills/s"], STEADY_RATE)
                return
        self.fail(f"{STEADY_RATE} blocks a second were seen as {rates}")

    def between_the_looks(self, executed: str) -> tuple[int, int, str, str]:
        """The process, and how the command ends of a process that executes this between its looks."""
        process = self.start("bash", "-c", f"echo ready; read line; exec {executed}")
        top = subprocess.Popen(
            [COMMAND, "top", "--once", "--interval=0.3", str(process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        self.addCleanup(self.end, top)
        while len(os.listdir(f"/proc/{top.pid}/task")) == 1:  # the thread is for looks behind the first
            self.assertIsNone(top.poll())
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        output, errors = top.communicate(timeout=30)
        self.assertIsNone(process.poll())
        return process.pid, top.returncode, output, errors

    def test_what_it_executes_between_the_looks(self) -> None:
        pid, exit_code, output, errors = self.between_the_looks("sleep 600")
        self.assertEqual((exit_code, errors), (0, ""))
        self.assertRegex(output, rf"\Asmallblock top +{pid} +sleep 600 ")

    def test_it_executes_what_has_no_smallblock(self) -> None:
        pid, exit_code, output, errors = self.between_the_looks("env -u LD_PRELOAD sleep 600")
        self.assertEqual((exit_code, output), (NO_SMALLBLOCK, ""))
        self.assertEqual(errors, f"smallblock: process {pid} cannot be looked into any more\n")

    def test_without_unicode(self) -> None:
        process = self.start_facts()
        lines = self.once(str(process.pid), LC_ALL="C")
        self.assertTrue("\n".join(lines).isascii())
        self.assertNotIn("?", "\n".join(lines[1:]))


class Refusals(TopTest):
    def test_no_terminal(self) -> None:
        self.assert_one_line_error(smallblock("top", "1"), 2, "--once")
        self.assert_one_line_error(smallblock("top", "true"), 2, "--once")

    def test_a_terminal_that_is_unknown_or_cannot_be_drawn_on(self) -> None:
        process = self.start_facts()
        for kind, why in (("strange", "is not known"), ("dumb", "cannot be drawn on")):
            with self.subTest(kind):
                (self.folder / "ended").unlink(missing_ok=True)
                terminal = Terminal(self.folder, ["env", f"TERM={kind}", COMMAND, "top", str(process.pid)])
                self.addCleanup(terminal.close)
                self.assertEqual(terminal.wait_end(), 2)
                terminal.wait_for(f"{why} (TERM={kind})")
                terminal.close()

    def test_processes(self) -> None:
        self.assert_one_line_error(smallblock("top", "--once", str(NO_SUCH_PID)), NO_PROCESS, "there is no process")
        plain = self.start_plain("sh", "-c", "echo ready; read line")
        self.assert_one_line_error(smallblock("top", "--once", str(plain.pid)), NO_SMALLBLOCK, "smallblock run")

    def test_another_users(self) -> None:
        process = self.start_facts()
        result = self.smallblock_as_nobody("top", "--once", str(process.pid))
        self.assert_one_line_error(result, NO_PERMISSION, "another user")

    def test_options(self) -> None:
        for words, part in (
            ([], "name a process id or a command"),
            (["--once", "true"], "takes a process id"),
            (["--interval=0", "1"], "--interval"),
            (["--sort=colour", "1"], "--sort"),
            (["--log=out", "1"], "--log is for a command"),
        ):
            with self.subTest(words=words):
                self.assert_one_line_error(smallblock("top", *words), 2, part)
        process = self.start_facts()
        snapshot = str(self.folder / "heap")
        smallblock("snapshot", str(process.pid), "-o", snapshot)
        self.assert_one_line_error(smallblock("top", snapshot), 2, f"smallblock view {snapshot}")

    def test_help(self) -> None:
        result = smallblock("top", "--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for option in ("--once", "--interval SECONDS", "--sort COLUMN", "--log FILE"):
            self.assertIn(option, result.stdout)
        columns = smallblock("top", "--sort", "none", "1").stderr.partition("{")[2].partition("}")[0].split(",")
        self.assertGreater(len(columns), 5)
        self.assertIn(f"{', '.join(columns[:-1])} or {columns[-1]}:", " ".join(result.stdout.split()))
        self.assertIn("top PID | COMMAND", smallblock("--help").stdout)
        self.assertLessEqual(max(map(len, result.stdout.splitlines())), 120)


if __name__ == "__main__":
    unittest.main()
