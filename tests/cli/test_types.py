"""`smallblock types PID` on real processes: each count is compared with what the program made.

Every CPython of this machine runs a program that plants objects of all layouts, freed ones, and memory that looks like
objects; a C++ program makes objects with vtables.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path

from support import COMMAND, CommandTest, clean_environment, smallblock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from pythons import Python, find_pythons  # noqa: E402

PROGRAM = os.environ.get("SMALLBLOCK_TYPES_PROGRAM", "")
NO_PROCESS, NO_SMALLBLOCK = 3, 5
KNOWN_MINORS = range(9, 14)
OLDEST = (3, 7)

# What is counted exactly has names of its own; of the interpreter's types there are others in the process too.
PLANT = """
import collections, os, sys

class Slotted:
    __slots__ = ("a", "b")
    def __init__(self, number):
        self.a, self.b = number, str(number)

class Plain:
    def __init__(self, number):
        self.x, self.y, self.z = number, None, None

class Named(collections.namedtuple("Named", "one two three")):
    __slots__ = ()

class Number(int):
    pass

class Text(str):
    pass

class Outer:
    class Inner:
        __slots__ = ()

def make_local():
    class Local:
        __slots__ = ()
    return Local

def make_class(name, **more):
    return type(name, (), {"__slots__": (), **more})

Local, Foreign = make_local(), make_class("\u00dcn\u00ef", __module__="p\u00e4.q")
# Its own name has to do.
Nameless = make_class("Nameless", __module__=3)
Long, Odd = make_class("Long", __qualname__="q" * 300), make_class("ev\\x1b[31mil\\n\\u202e\\u2066")

def make_steps():
    yield 1

kept = [
    [Slotted(number) for number in range(9000)],
    [Plain(number) for number in range(5000)],
    [Named(number, None, None) for number in range(4000)],
    [Number(1000 + number) for number in range(3500)],
    [Text(number) for number in range(2500)],
    [Outer.Inner() for _ in range(1100)],
    [Local() for _ in range(1200)],
    [Foreign() for _ in range(1300)],
    [Nameless() for _ in range(1400)],
    [Long() for _ in range(1500)],
    [Odd() for _ in range(1700)],
]
# The items of these lists look like a Slotted, with an address in the place of the count.
looks_like_one = [[None, None, 5, Slotted, None, None] for _ in range(3000)]
gone = [Slotted(number) for number in range(2000)]
del gone
others = [
    [float(number) for number in range(7000)],
    [{number: number} for number in range(3000)],
    [b"x" * (number % 300) for number in range(4000)],
    ["\\u4e2d" * (number % 50) + str(number) for number in range(6000)],
    [str(number) * (number % 20) for number in range(6000)],
    [(number, number) for number in range(1500)],
    [[number] for number in range(2500)],
    [{number} for number in range(1200)],
    [make_steps() for _ in range(1600)],
    [number ** 3 + (1 << 40) for number in range(4500)],
]
print(os.getpid(), flush=True)
sys.stdin.read()
"""
EXACT = {
    "__main__.Slotted": 9000,
    "__main__.Plain": 5000,
    "__main__.Named": 4000,
    "__main__.Number": 3500,
    "__main__.Text": 2500,
    "__main__.Outer.Inner": 1100,
    "__main__.make_local.<locals>.Local": 1200,
    "p\u00e4.q.\u00dcn\u00ef": 1300,
    "Nameless": 1400,
    f"__main__.{'q' * 256}...": 1500,
    "__main__.ev.[31mil...": 1700,
}
# What the interpreter has beside them: some thousands of each at most.
AT_LEAST = {
    "float": 7000,
    "dict": 3000,
    "bytes": 3900,
    "str": 11000,
    "tuple": 1500,
    "list": 2500,
    "set": 1200,
    "generator": 1600,
    "int": 4500,
}
MORE_AT_MOST = 30000
UNKNOWN_BLOCKS_MAX = 25000


@contextlib.contextmanager
def started(*words: str) -> Iterator[int]:
    """Runs a program under smallblock that says its pid and waits for its input to end."""
    process = subprocess.Popen(
        [COMMAND, "run", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(timeout=60)


def types_of(pid: int) -> tuple[str, dict[str, int]]:
    result = smallblock("types", str(pid), "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    return answer["python"], {row["type"]: row["blocks"] for row in answer["types"]}


class TypesTest(CommandTest):
    def check_python(self, python: Python) -> None:
        with started(python.executable, "-c", PLANT) as pid:
            version, blocks = types_of(pid)
            self.table = smallblock("types", str(pid), "--limit", "1").stdout
        major, minor = python.version[:2]
        if minor not in KNOWN_MINORS:
            self.assertEqual(version, "")
            self.assertNotIn("__main__.Slotted", blocks)
            self.assertIn(f"told of CPython 3.9 to 3.13; this is {major}.{minor})\n", self.table)
            return
        self.assertNotIn("this is", self.table)
        self.assertEqual(version, f"{major}.{minor}")
        self.assertEqual({name: blocks.get(name) for name in EXACT}, EXACT)
        for name, least in AT_LEAST.items():
            self.assertGreaterEqual(blocks.get(name, 0), least, name)
            self.assertLessEqual(blocks[name], least + MORE_AT_MOST, name)
        self.assertLess(blocks["unknown"], UNKNOWN_BLOCKS_MAX)

    def test_every_python(self) -> None:
        pythons = [python for python in find_pythons(OLDEST).pythons if not python.free_threaded and not python.debug]
        if not pythons:
            self.skipTest("no CPython was found")
        for python in pythons:
            with self.subTest(python=python.label):
                self.check_python(python)

    def test_cxx_classes(self) -> None:
        if not PROGRAM:
            self.skipTest("types_program was not built")
        with started(PROGRAM) as pid:
            version, blocks = types_of(pid)
        self.assertEqual(version, "")
        self.assertEqual(blocks.get("zoo::Animal"), 3000)
        self.assertEqual(blocks.get("zoo::Cat"), 2000)
        self.assertEqual(blocks.get("zoo::Bat"), 1500)
        self.assertEqual((blocks.get("zoo::Lion"), blocks.get("zoo::Whale")), (1200, 1100))
        self.assertNotIn("zoo::Flyer", blocks)
        self.assertGreaterEqual(blocks["unknown"], 1000)
        self.assertNotIn("zoo::Stone", blocks)

    def test_check_mode_moves_objects_in_their_blocks(self) -> None:
        python = next((found for found in find_pythons().pythons if found.version[1] in KNOWN_MINORS), None)
        if python is None:
            self.skipTest("no CPython of 3.9 to 3.13 was found")
        with started("--check", python.executable, "-c", PLANT) as pid:
            _, blocks = types_of(pid)
        self.assertEqual({name: blocks.get(name) for name in EXACT}, EXACT)

    def test_the_table_shows_the_most_first_and_the_rest_in_one_line(self) -> None:
        if not PROGRAM:
            self.skipTest("types_program was not built")
        with started(PROGRAM) as pid:
            lines = smallblock("types", str(pid), "--limit", "1").stdout.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertEqual(lines[0].split(), ["blocks", "bytes", "type"])
        self.assertIn("more: --limit N shows them", lines[2])

    def test_what_cannot_be_looked_at(self) -> None:
        refused = smallblock("types", str(os.getpid()))
        self.assertEqual(refused.returncode, NO_SMALLBLOCK)
        self.assertRegex(refused.stderr, r"\Asmallblock: cannot look into the heap of process \d+: it has no smallblock")
        missing = smallblock("types", str(1 << 22))
        self.assertEqual(missing.returncode, NO_PROCESS)
        self.assertEqual(len(missing.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
