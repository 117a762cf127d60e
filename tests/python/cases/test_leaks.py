"""The count of live blocks for leak hunters, and the hunter of CPython's own tests where the build has it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from child import run

# Warmed up, each round keeps 70 tuples and their list, then none.
ROUNDS = """
import gc
kept = []
def deltas(count, keep):
    gc.collect()  # what imports left behind must not go in one of the rounds
    found = [0] * 12
    before = count()
    for i in range(12):
        rows = [(j, j) for j in range(70)]
        if keep:
            kept.append(rows)
        del rows
        now = count()
        found[i] = now - before
        before = now
    return found[4:]
def check(count):
    leaking, tidy = deltas(count, True), deltas(count, False)
    assert all(70 <= delta <= 74 for delta in leaking), leaking
    assert not any(tidy), tidy
"""
LEAKING_TEST = """
import ctypes, unittest
api = ctypes.pythonapi
api.PyMem_Malloc.restype = ctypes.c_void_p
api.PyMem_Malloc.argtypes = [ctypes.c_size_t]
class Planted(unittest.TestCase):
    def test_keeps_100_blocks(self):
        for _ in range(100 if LEAKS else 0):
            api.PyMem_Malloc(40)
"""


class Leaks(unittest.TestCase):
    def test_a_leak_shows_block_by_block(self) -> None:
        run(ROUNDS + "import sys\ncheck(sys.getallocatedblocks)")  # the rule itself, over pymalloc
        code = ROUNDS + "from smallblock import leaks\ncheck(leaks.allocated_blocks)"
        run(code, on_smallblock=True)
        if not hasattr(sys, "gettotalrefcount"):
            install = "import smallblock\nsmallblock.install()\n"
            run(install + code)
            run(install + "kept = [[i] for i in range(1000)]\nsmallblock.uninstall()\n" + code)

    def test_the_variable_answers_for_getallocatedblocks(self) -> None:
        run(ROUNDS + "import sys\ncheck(sys.getallocatedblocks)", environment={"SMALLBLOCK": "1"}, on_smallblock=True)

    @unittest.skipIf(hasattr(sys, "gettotalrefcount"), "a debug build has its hooks over the allocators")
    def test_imported_twice_it_counts_once(self) -> None:
        run("""
import importlib, sys, smallblock
smallblock.install()
from smallblock import leaks
kept = [object() for _ in range(100_000)]
leaks.answer_getallocatedblocks()
first = leaks.allocated_blocks()
del sys.modules["smallblock.leaks"]
again = importlib.import_module("smallblock.leaks")
again.answer_getallocatedblocks()
importlib.reload(again).answer_getallocatedblocks()
assert abs(sys.getallocatedblocks() - first) < 5_000, (first, sys.getallocatedblocks())
""")

    @unittest.skipUnless(hasattr(sys, "gettotalrefcount"), "python3 -m test -R needs a debug build")
    def test_cpythons_hunter_finds_a_planted_leak_and_no_other(self) -> None:
        if importlib.util.find_spec("test") is None or importlib.util.find_spec("test.libregrtest") is None:
            self.skipTest("this CPython comes without its tests")
        for leaks in (True, False):
            with self.subTest(leaks=leaks), tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "test_planted.py").write_text(f"LEAKS = {leaks}\n{LEAKING_TEST}")
                hunt = ["-m", "test", "-R", "3:3", "--testdir", folder, "test_planted"]
                done = subprocess.run(
                    [sys.executable, "-m", "smallblock", *hunt],
                    env={**os.environ, "SMALLBLOCK": "1"},
                    cwd=folder,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    timeout=250,
                    check=False,
                )
                self.assertEqual("memory blocks" in done.stdout, leaks, done.stdout)
                self.assertEqual(done.returncode != 0, leaks, done.stdout)


if __name__ == "__main__":
    unittest.main()
