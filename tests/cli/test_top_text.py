"""`smallblock top --once`: its figures are those of `stats`; and what `top` refuses."""

from __future__ import annotations

import re
import unittest

from outside import NO_PERMISSION, NO_PROCESS, NO_SMALLBLOCK, NO_SUCH_PID
from support import COMMAND, smallblock
from terminal import SGR, Terminal
from top import TopTest, legend, table


class Once(TopTest):
    def once(self, *words: str, **variables: str) -> list[str]:
        result = smallblock("top", "--once", "--interval=0.1", *words, **variables)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertNotRegex(result.stdout, SGR)
        return result.stdout.splitlines()

    def test_equals_stats(self) -> None:
        process = self.start_facts()
        lines = self.once(str(process.pid), LC_ALL="C.UTF-8")
        report = self.stats(process)
        self.assertLessEqual(max(map(len, lines)), 80)
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

    def test_without_unicode(self) -> None:
        process = self.start_facts()
        lines = self.once(str(process.pid), LC_ALL="C")
        self.assertTrue("\n".join(lines).isascii())
        self.assertNotIn("?", "\n".join(lines[1:]))


class Refusals(TopTest):
    def test_no_terminal(self) -> None:
        self.assert_one_line_error(smallblock("top", "1"), 2, "--once")
        self.assert_one_line_error(smallblock("top", "true"), 2, "--once")

    def test_an_unknown_terminal(self) -> None:
        process = self.start_facts()
        terminal = Terminal(self.folder, ["env", "TERM=strange", COMMAND, "top", str(process.pid)])
        self.addCleanup(terminal.close)
        self.assertEqual(terminal.wait_end(), 2)
        terminal.wait_for("TERM=strange")

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
