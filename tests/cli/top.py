"""What the tests of `smallblock top` share: a program whose blocks are known, and how to read a frame."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any, Optional

from outside import OutsideTest
from support import COMMAND, find_python, smallblock
from terminal import Terminal

# Holds bytes of one size and says how large each is; doubles them for a line "more", and drops nine of ten for "less".
FACTS_PROGRAM = """
import gc, sys
COUNT = 20000
kept = [bytes(440) for _ in range(COUNT)]
gc.collect()
print("ready", flush=True)
print(sys.getsizeof(kept[0]), COUNT, flush=True)
for line in sys.stdin:
    if line == "more\\n":
        kept += [bytes(440) for _ in range(COUNT)]
    else:
        del kept[len(kept) // 10:]
    print("done", flush=True)
"""
GRANULE_BYTES = 16  # size classes up to 512 bytes
OTHERS_MAX = 300  # blocks of that class that the interpreter has for itself
COLUMNS = ["size", "pools", "live", "cached", "free", "purged", "used", "bytes", "idle", "refills/s", "new/s", "gone/s"]
SCALES = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "k": 1000}


def number(text: str) -> float:
    digits, scale = re.fullmatch(r"([\d.]+)([KMGk%]?)", text).groups()  # type: ignore[union-attr]
    return float(digits) * SCALES.get(scale, 1)


def table(lines: list[str]) -> tuple[list[str], list[dict[str, float]]]:
    """The heads of the table of classes, and its rows by head."""
    at = next(index for index, line in enumerate(lines) if re.match(r"\s*[▼▲]?size ", line))
    heads = lines[at].split()
    names = [head.strip("▼▲") for head in heads]
    rows = []
    for line in lines[at + 1 :]:
        words = line.split()[: len(names)]
        if len(words) < len(names) or not words[0].isdigit():
            break
        rows.append({name: -1.0 if word == "-" else number(word) for name, word in zip(names, words)})
    return heads, rows


def legend(lines: list[str], name: str) -> float:
    found = re.search(rf"\b{name} ([\d.]+[KMG]?)", "\n".join(lines))
    assert found is not None, lines
    return number(found.group(1))


class TopTest(OutsideTest):
    def start_facts(self) -> subprocess.Popen[str]:
        process = self.start(find_python(), "-I", "-S", "-c", FACTS_PROGRAM)
        assert process.stdout is not None
        object_bytes, self.count = map(int, process.stdout.readline().split())
        self.block_bytes = -(-object_bytes // GRANULE_BYTES) * GRANULE_BYTES
        return process

    @staticmethod
    def step(process: subprocess.Popen[str], word: str) -> None:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(word + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"

    def stats(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(smallblock("stats", str(process.pid), "--json").stdout)
        return report

    def live_of_facts(self, lines: list[str]) -> Optional[float]:
        for row in table(lines)[1]:
            if row["size"] == self.block_bytes:
                return row["live"]
        return None

    def assert_rows(self, rows: list[dict[str, float]], report: dict[str, Any]) -> None:
        classes = {each["block_bytes"]: each for each in report["classes"]}
        for row in rows:
            with self.subTest(size=row["size"]):
                figures = classes[int(row["size"])]
                self.assertEqual(row["pools"], figures["pools_used"])
                self.assertEqual(row["live"], figures["blocks_in_use"])
                self.assertEqual(row["cached"], figures["blocks_cached"])
                self.assertEqual(row["free"] + row["purged"], figures["blocks_free"])
                live_bytes = figures["blocks_in_use"] * figures["block_bytes"]
                self.assertAlmostEqual(row["bytes"], live_bytes, delta=live_bytes * 0.06)

    def terminal(self, *words: str, columns: int = 80, rows: int = 24) -> Terminal:
        terminal = Terminal(self.folder, [COMMAND, "top", *words], columns, rows)
        self.addCleanup(terminal.close)
        return terminal
