"""The memory of the report at exit: that it adds up, agrees with sb_memory_get and sb_stats, and explains the RSS.

SMALLBLOCK_MEMORY_PROGRAM names the program of memory_program.c (CTest sets it).
"""

from __future__ import annotations

import json
import os
import re
import unittest
from typing import Any

from support import CommandTest, find_python, header_fields, smallblock

FIELDS = [name for name in header_fields("sb_memory") if name not in ("version", "struct_bytes")]
IN_MEMORY = ("live_bytes", "cached_bytes", "free_resident_bytes", "empty_resident_bytes")
# The lines of the text, by field; one line is in no field.
LABELS = {
    "live_bytes": "# held by the program",
    "rounding_bytes": "#   of that, rounding (estimate)",
    "cached_bytes": "# in magazines",
    "free_resident_bytes": "# free in used pools, in memory",
    "purged_bytes": "# free in used pools, not in memory",
    "empty_resident_bytes": "# empty pools, in memory",
    "committed_bytes": "Committed",
    "metadata_bytes": "# metadata",
    "next_bytes": "# blocks of the malloc below",
    "peak_live_bytes": "# most in blocks at once",
    "peak_committed_bytes": "# most committed at once",
}
DROP_MOST = """
import ctypes, json, sys
class Memory(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("struct_bytes", ctypes.c_uint32)]
    _fields_ += [(name, ctypes.c_uint64) for name in sys.argv[1].split()]
library, now, seen = ctypes.CDLL(None), Memory(), {}
def look(moment):
    assert library.sb_memory_get(ctypes.byref(now), ctypes.c_size_t(ctypes.sizeof(now))) == 0
    seen[moment] = {name: getattr(now, name) for name, _ in Memory._fields_}
records = {n: {"name": f"record {n}", "weight": n / 7} for n in range(100000)}
look("full")
for n in range(100000):
    if n // 100 % 25: del records[n]
look("dropped")
library.sb_trim()
look("trimmed")
print(json.dumps(seen))
"""


class Memory(CommandTest):
    def assert_adds_up(self, memory: dict[str, int]) -> None:
        in_arenas = sum(memory[name] for name in IN_MEMORY) + memory["purged_bytes"]
        self.assertLessEqual(in_arenas, memory["committed_bytes"])
        self.assertLessEqual(memory["rounding_bytes"], memory["live_bytes"] + memory["cached_bytes"])
        held = memory["live_bytes"] + memory["cached_bytes"] + memory["next_bytes"]
        self.assertGreaterEqual(memory["peak_live_bytes"], held)
        self.assertGreaterEqual(memory["peak_committed_bytes"], memory["committed_bytes"] + memory["next_bytes"])

    def run_program(self, form: str) -> tuple[int, dict[str, int]]:
        """How many resident bytes more the program had, and the sb_memory that it printed."""
        program = os.environ.get("SMALLBLOCK_MEMORY_PROGRAM")
        if not program:
            self.skipTest("SMALLBLOCK_MEMORY_PROGRAM is not set")
        result = smallblock("run", f"--stats={form}", "--stats-file", str(self.report_file), program)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        grown, *values = (int(word) for word in result.stdout.split())
        return grown, dict(zip(FIELDS, values))

    def test_json_has_what_the_program_was_told(self) -> None:
        _, memory = self.run_program("json")
        self.assertEqual(self.read_report()["memory"], memory)

    def test_text_has_what_the_program_was_told(self) -> None:
        _, memory = self.run_program("text")
        text = self.report_file.read_text(encoding="utf-8")
        self.assertEqual(set(LABELS), set(FIELDS))
        for field, label in LABELS.items():
            found = re.search(rf"^{re.escape(label)} *= *([\d,]+) ", text, re.MULTILINE)
            assert found, label
            self.assertEqual(int(found.group(1).replace(",", "")), memory[field], label)
        shares = re.findall(r" ([\d.]+)%$", text[text.index("# held by") : text.index("Committed")], re.MULTILINE)
        without_rounding = [float(share) for share in shares[:1] + shares[2:]]
        self.assertAlmostEqual(sum(without_rounding), 100, delta=0.4)

    def test_it_agrees_with_the_other_figures(self) -> None:
        self.run_program("json")
        report = self.read_report()
        memory: dict[str, int] = report["memory"]
        self.assert_adds_up(memory)
        self.assertEqual(memory["committed_bytes"], report["committed_bytes"])
        self.assertEqual(memory["metadata_bytes"], report["metadata_bytes"])
        out = memory["live_bytes"] + memory["cached_bytes"]
        self.assertEqual(out, report["live_bytes"] + report["cached_bytes"])
        in_pools = memory["free_resident_bytes"] + memory["purged_bytes"]
        self.assertEqual(in_pools, report["free_bytes"] + report["tail_bytes"])

    def test_it_explains_the_resident_bytes(self) -> None:
        grown, memory = self.run_program("json")
        explained = sum(memory[name] for name in IN_MEMORY) + memory["metadata_bytes"] + memory["next_bytes"]
        self.assertGreater(memory["purged_bytes"], 8 << 20)
        self.assertLess(abs(grown - explained), 1 << 20, (grown, memory))

    def test_python_that_drops_most_and_trims(self) -> None:
        result = smallblock("run", find_python(), "-I", "-S", "-c", DROP_MOST, " ".join(FIELDS))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        seen: dict[str, dict[str, Any]] = json.loads(result.stdout)
        for memory in seen.values():
            self.assert_adds_up(memory)
        full, dropped, trimmed = seen["full"], seen["dropped"], seen["trimmed"]
        self.assertLess(dropped["live_bytes"], full["live_bytes"] / 2)
        self.assertEqual(dropped["peak_committed_bytes"], full["peak_committed_bytes"])
        before, after = (sum(memory[name] for name in IN_MEMORY) for memory in (dropped, trimmed))
        self.assertLess(after, before * 0.8)
        self.assertLess(after, full["committed_bytes"] * 0.2)
        self.assertGreater(trimmed["purged_bytes"], dropped["purged_bytes"])
        self.assertLess(trimmed["empty_resident_bytes"], 64 << 10)


if __name__ == "__main__":
    unittest.main()
