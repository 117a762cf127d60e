"""`smallblock snapshot` of a process whose threads replace blocks at full speed, and of its core dump, block by block
against the tables that the threads keep.

The file is read here by docs/snapshot.proto alone: zstd's own command, and some lines for the messages.
"""

from __future__ import annotations

import mmap
import os
import re
import shutil
import signal
import struct
import subprocess
import time
import unittest
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

from outside import NO_SMALLBLOCK, OutsideTest
from support import CommandTest, find_python, smallblock

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("SMALLBLOCK_SNAPSHOT_PROGRAM", "")
MAGIC = b"smblsnap\n"
THREADS, SLOTS = 4, 2000
PROBLEM, USAGE = 1, 2
NO_SLOT = (1 << 64) - 1
ROUNDS = 6
ONE_BLOCK = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
library.sb_malloc.restype = ctypes.c_void_p
kept = library.sb_malloc(64)
print("ready", flush=True)
sys.stdin.read()
"""
FLIPPED = 100000
# All objects become one and then the other, from the lowest address to the highest: at any moment they change once.
FLIPS = f"""
class A: __slots__ = ("one", "two", "three")
class B: __slots__ = ("one", "two", "three")
flipped = sorted((A() for _ in range({FLIPPED})), key=id)
print("ready", flush=True)
while True:
    for kind in (B, A):
        for each in flipped: each.__class__ = kind
"""
Value = Union[int, bytes]


def varints(packed: bytes) -> list[int]:
    numbers_read, value, shift = [], 0, 0
    for byte in packed:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers_read.append(value)
            value = shift = 0
    return numbers_read


def fields_of(message: bytes) -> Iterator[tuple[int, Value]]:
    """Tag and value of each field (protobuf's wire format)."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = number()
        if key & 7 == 0:
            yield key >> 3, number()
        elif key & 7 == 1:
            yield key >> 3, int.from_bytes(message[at : at + 8], "little")
            at += 8
        else:
            length = number()
            yield key >> 3, message[at : at + length]
            at += length


def fields_of_proto() -> dict[str, list[int]]:
    """The numbers of each message's own fields."""
    stack, found = [], {}
    for line in (ROOT / "docs" / "snapshot.proto").read_text().splitlines():
        if opened := re.match(r" *message (\w+) \{", line):
            stack.append(opened[1])
            found[opened[1]] = []
        elif re.match(r" *\}", line):
            stack.pop()
        elif numbered := re.match(r" *[\w ]+ = (\d+)\b", line):
            found[stack[-1]].append(int(numbered[1]))
    return found


@dataclass
class Snapshot:
    torn_pools: int = 0
    live: set[int] = field(default_factory=set)
    cached: set[int] = field(default_factory=set)


def numbers(message: bytes) -> dict[int, int]:
    return {tag: value for tag, value in fields_of(message) if isinstance(value, int)}


def read_snapshot(path: Path) -> Snapshot:
    snapshot, classes, first_unit, unit_bytes = Snapshot(), [], 0, 0
    for tag, value in fields_of(unpacked(path)):
        if tag == 2 and isinstance(value, bytes):
            classes = [numbers(inner) for number, inner in fields_of(value) if number == 6 and isinstance(inner, bytes)]
            first_unit, unit_bytes = numbers(value)[3], numbers(value)[4]
        elif tag == 4 and isinstance(value, bytes):
            pool = numbers(value)
            begin = first_unit + pool[1] * unit_bytes
            block_bytes, group_bytes = classes[pool[2]][1], classes[pool[2]][4]
            in_group = group_bytes // block_bytes
            for number, bits in fields_of(value):
                if number not in (6, 7) or not isinstance(bits, bytes):
                    continue
                mask = int.from_bytes(bits, "little")
                set_bits = (i for i in range(mask.bit_length()) if mask >> i & 1)
                blocks = (begin + i // in_group * group_bytes + i % in_group * block_bytes for i in set_bits)
                (snapshot.live if number == 6 else snapshot.cached).update(blocks)
        elif tag == 7 and isinstance(value, int):
            snapshot.torn_pools = value
    return snapshot


def unpacked(path: Path) -> bytes:
    packed = path.read_bytes()
    assert packed.startswith(MAGIC)
    return subprocess.run(["zstd", "-dcq"], input=packed[len(MAGIC) :], stdout=subprocess.PIPE, check=True).stdout


def names_of_blocks(path: Path) -> list[str]:
    """The types of all live blocks whose type is known, by address."""
    names, numbers_of_types = [], []
    for tag, value in fields_of(unpacked(path)):
        if tag == 9 and isinstance(value, bytes):
            names.append(value.decode())
        elif tag == 4 and isinstance(value, bytes):
            packed = next(bits for number, bits in fields_of(value) if number == 9 and isinstance(bits, bytes))
            numbers_of_types += varints(packed)
    return [names[number] for number in numbers_of_types if number != 0]


@dataclass
class Tables:
    """What the threads say: of a slot that is being replaced nothing is known."""

    blocks: set[int]
    changing: int
    operations: int

    @classmethod
    def of(cls, memory: bytes) -> Tables:
        found, changing, operations = set(), 0, 0
        for thread in range(THREADS):
            begin = 8 + thread * (16 + 8 * SLOTS)
            done, slot, *slots = struct.unpack_from(f"<{2 + SLOTS}Q", memory, begin)
            operations += done
            if slot != NO_SLOT:
                changing += 1
                slots[slot] = 0
            found.update(filter(None, slots))
        return cls(found, changing, operations)


def words_in(address: int, size: int, core: Path) -> bytes:
    """A part of memory out of a core dump."""
    with core.open("rb") as file:
        head = file.read(64)
        at, count = struct.unpack_from("<Q", head, 32)[0], struct.unpack_from("<H", head, 56)[0]
        for index in range(count):
            file.seek(at + index * 56)
            kind, _, offset, begin, _, length = struct.unpack("<IIQQQQ", file.read(40))
            if kind == 1 and begin <= address and address + size <= begin + length:
                file.seek(offset + address - begin)
                return file.read(size)
    raise AssertionError(f"{address:#x} is not in the dump")


@unittest.skipUnless(PROGRAM and shutil.which("zstd"), "the program was not built, or there is no zstd")
class SnapshotTest(OutsideTest):
    def setUp(self) -> None:
        super().setUp()
        tables = self.folder / "tables"
        self.process = self.start(PROGRAM, str(tables), str(THREADS), str(SLOTS))
        with tables.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        self.addCleanup(self.memory.close)
        self.others = self.snapshot().live
        self.memory[0:8] = b"\1" + bytes(7)
        while self.tables().operations < THREADS * SLOTS * 10:
            time.sleep(0.01)

    def tables(self) -> Tables:
        return Tables.of(self.memory[:])

    def snapshot(self, *words: str, target: str = "") -> Snapshot:
        path = self.folder / "snapshot"
        result = smallblock("snapshot", target or str(self.process.pid), "-o", str(path), "--no-types", *words)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return read_snapshot(path)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        tasks = Path(f"/proc/{self.process.pid}/task")
        while any("\nState:\tT" not in (task / "status").read_text() for task in tasks.iterdir()):
            time.sleep(0.001)

    def test_of_threads_that_stand_it_is_what_they_have(self) -> None:
        exact = rounds = 0
        # A thread may stand where it has blocks in its hands, and often does on a busy machine.
        while rounds < ROUNDS or (exact == 0 and rounds < 20 * ROUNDS):
            rounds += 1
            self.stop()
            snapshot, tables = self.snapshot(), self.tables()
            self.process.send_signal(signal.SIGCONT)
            if snapshot.torn_pools == 0:
                self.assertEqual(tables.blocks - snapshot.live, set())
                exact += len(snapshot.live - tables.blocks - self.others) <= tables.changing
            time.sleep(0.02)
        self.assertGreater(exact, 0)

    def test_exact_is_one_moment(self) -> None:
        for _ in range(ROUNDS):
            before = self.tables()
            snapshot = self.snapshot("--exact")
            after = self.tables()
            self.assertGreater(after.operations, before.operations)
            self.assertEqual(snapshot.torn_pools, 0)
            self.assert_between(snapshot, before, after)
            # Each slot has a block at any moment, but for the one that its thread replaces.
            self.assertLessEqual(abs(len(snapshot.live - self.others) - THREADS * SLOTS), THREADS)

    def test_of_running_threads_it_is_right_but_for_what_changed(self) -> None:
        whole = rounds = 0
        while rounds < ROUNDS or (whole == 0 and rounds < 20 * ROUNDS):
            rounds += 1
            before = self.tables()
            snapshot = self.snapshot()
            after = self.tables()
            if snapshot.torn_pools == 0:
                self.assert_between(snapshot, before, after)
                whole += 1
        self.assertGreater(whole, 0)

    def assert_between(self, snapshot: Snapshot, before: Tables, after: Tables) -> None:
        changed = after.operations - before.operations + THREADS
        for tables in (before, after):
            difference = (snapshot.live - self.others) ^ tables.blocks
            self.assertLessEqual(len(difference), 2 * changed + 128 * THREADS)
        self.assertEqual(self.others - snapshot.live, set())

    @unittest.skipUnless(shutil.which("gcore"), "there is no gcore (gdb)")
    def test_a_core_dump_is_one_moment(self) -> None:
        # What gcore leaves out otherwise: files that are shared, as the tables are.
        Path(f"/proc/{self.process.pid}/coredump_filter").write_text("0x3b")
        exact = 0
        for _ in range(2):
            prefix = str(self.folder / "core")
            subprocess.run(
                ["gcore", "-o", prefix, str(self.process.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                check=True, timeout=120,
            )
            core = Path(f"{prefix}.{self.process.pid}")
            maps = Path(f"/proc/{self.process.pid}/maps").read_text().splitlines()
            begin = int(next(line for line in maps if line.endswith("/tables")).partition("-")[0], 16)
            tables = Tables.of(words_in(begin, len(self.memory), core))
            snapshot = self.snapshot(target=str(core))
            os.truncate(core, 100_000)
            cut = smallblock("types", str(core))
            core.unlink()
            self.assert_one_line_error(cut, NO_SMALLBLOCK, "the file's end is missing (see ulimit -c)")
            if snapshot.torn_pools == 0:
                self.assertEqual(tables.blocks - snapshot.live, set())
                self.assertLessEqual(len(snapshot.live - tables.blocks - self.others), tables.changing + 128 * THREADS)
                exact += 1
        self.assertGreater(exact, 0)

    def test_damaged_files_are_one_line_for_every_command(self) -> None:
        good = self.folder / "good"
        self.assertEqual(smallblock("snapshot", str(self.process.pid), "-o", str(good)).returncode, 0)
        whole = good.read_bytes()
        core_head = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x04\x00\x3e\x00" + b"\xff" * 44
        bad = self.folder / "bad"
        for content, code, words in (
            (whole[: len(whole) // 2], PROBLEM, "its end is missing"),
            (MAGIC, PROBLEM, "its end is missing"),
            (MAGIC + b"no zstd", PROBLEM, "its compression is damaged"),
            (whole[:40] + bytes([whole[40] ^ 255]) + whole[41:], PROBLEM, str(bad)),
            (core_head, USAGE, str(bad)),
            (core_head + bytes(10000), USAGE, str(bad)),
        ):
            bad.write_bytes(content)
            for command in (("types",), ("pinned",), ("explain",), ("view", "--no-browser"), ("view", "--output=x")):
                address = ("0x1000",) if command == ("explain",) else ()
                with self.subTest(command=command, content=content[:20]):
                    result = smallblock(*command, str(bad), *address, cwd=str(self.folder))
                    self.assertIn(result.returncode, (code, NO_SMALLBLOCK))
                    self.assert_one_line_error(result, result.returncode, words)
        self.assertEqual(smallblock("types", str(good)).returncode, 0)
        again = smallblock("snapshot", str(good), "-o", str(bad))
        self.assert_one_line_error(again, USAGE, f"'{good}' is a snapshot already")


class Format(unittest.TestCase):
    def test_the_page_has_every_field_that_is_written(self) -> None:
        source = (ROOT / "src" / "inspect" / "image" / "snapshot_fields.hpp").read_text()
        documented = fields_of_proto()
        enums = re.findall(r"enum class (\w+)Field [^{]*\{([^}]*)\}", source)
        self.assertEqual(len(enums), 7)
        for name, fields in enums:
            self.assertEqual(sorted(documented[name]), list(range(1, fields.count(",") + 2)), name)


class Words(CommandTest):
    def test_an_unknown_option_is_told_before_a_word_that_is_missing(self) -> None:
        for words in (["snapshot", "--bogus", "1"], ["explain", "--bogus=2", "1"], ["snapshot", "-b", "1"]):
            bogus = next(word for word in words if word.startswith("-"))
            self.assert_one_line_error(smallblock(*words), USAGE, f"not expected: {bogus}")
        self.assert_one_line_error(smallblock("snapshot", "-ofile"), USAGE, "TARGET is required")


class OneBlock(OutsideTest):
    def test_one_is_one(self) -> None:
        library = re.search(r"library=([^|]*)", os.environ.get("SMALLBLOCK_TRIM_PROGRAMS", ""))
        if library is None:
            self.skipTest("SMALLBLOCK_TRIM_PROGRAMS names no library")
        process = self.start_plain(find_python(), "-c", ONE_BLOCK, library[1])
        file = str(self.folder / "heap")
        said = smallblock("snapshot", str(process.pid), "-o", file).stdout
        self.assertRegex(said, r": 1 block live in 1 pool, \d+ bytes in the file\n\Z")
        self.assertEqual(Path(file).stat().st_mode & 0o777, 0o600)
        pinned = smallblock("pinned", file).stdout
        self.assertRegex(pinned, r"\Aarena \d+ at 0x[0-9a-f]+: 1 live block \(64 bytes\) keeps [\d.]+ KiB\n")
        self.assertRegex(pinned, r"\n  pool 0x[0-9a-f]+, blocks of 64 bytes: 1 live block keeps [\d.]+ KiB\n")


@unittest.skipUnless(shutil.which("zstd"), "there is no zstd")
class ExactTypes(OutsideTest):
    def test_they_are_of_the_same_moment(self) -> None:
        process = self.start(find_python(), "-c", FLIPS)
        path = self.folder / "snapshot"
        for _ in range(ROUNDS):
            result = smallblock("snapshot", str(process.pid), "-o", str(path), "--exact")
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            letters = "".join(name[-1] for name in names_of_blocks(path) if name in ("__main__.A", "__main__.B"))
            self.assertEqual(len(letters), FLIPPED)
            self.assertRegex(letters, r"\A(A*B*|B*A*)\Z")


class ExactOfBusyThreads(OutsideTest):
    def exact(self, process: subprocess.Popen[str], times: int) -> None:
        file = str(self.folder / "snapshot")
        for _ in range(times):
            result = smallblock("snapshot", str(process.pid), "-o", file, "--exact", "--no-types")
            self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_no_signal_is_lost(self) -> None:
        process = self.start_program("signals")
        self.exact(process, 10)
        assert process.stdin is not None
        process.stdin.close()
        self.assertEqual(process.wait(60), 0)

    def test_beside_threads_that_end(self) -> None:
        self.exact(self.start_program("endings"), 40)

    def test_without_a_main_thread(self) -> None:
        process = self.start_program("no_main")
        deadline = time.monotonic() + 30
        while ") Z " not in Path(f"/proc/{process.pid}/stat").read_text():
            self.assertLess(time.monotonic(), deadline)
        self.exact(process, 1)
        for words in (("stats",), ("stats", "--json"), ("types",), ("pinned",), ("top", "--once"), ("trim", "--wait=0")):
            result = smallblock(words[0], str(process.pid), *words[1:])
            self.assertEqual((result.returncode, result.stderr), (0, ""), words)
        self.assertIn("outside_program", smallblock("stats", str(process.pid), "--json").stdout)


if __name__ == "__main__":
    unittest.main()
