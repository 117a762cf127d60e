"""What the tests of `smallblock view` share: programs to look at, the command that looks, and a client of its protocol.

The client is Python's urllib, or a plain socket where a request is to be wrong.
"""

from __future__ import annotations

import functools
import json
import socket
import struct
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from pythons import Python, find_pythons  # noqa: E402
from support import COMMAND, CommandTest, clean_environment  # noqa: E402

FRAME_MAGIC, BLOCKS_MAGIC = 0x66426D53, 0x62426D53
RECORD = struct.Struct("<IBBHHHHH")
STATES = ("free", "live", "cached", "purged")
POOL_HEAD, EMPTY_IN_MEMORY = 1, 4
AGE_UNKNOWN = 0xFFFF
KNOWN_MINORS = range(9, 14)
NO_PAGE = Path(__file__).resolve().parents[2] / "cli" / "view" / "no_page.html"

# Of 40,000 objects every 400th stays, so that few blocks keep many pages. It says the address of one that stays and of
# one that has gone. Then it allocates and frees until its input ends, one round for each line, or a little.
PROGRAM = """
import gc, sys
class Planted:
    __slots__ = ("one", "two", "three", "four", "five", "six", "seven", "eight")
kept = [Planted() for _ in range(40000)]
for one in kept:
    one.one = None
gone = id(kept[401])
survivors = kept[::400]
del kept, one
gc.collect()
print(hex(id(survivors[7])), hex(gone), flush=True)
rounds = []
for line in sys.stdin:
    if line == "little\\n":
        [str(number) for number in range(500)]
    else:
        rounds.append([str(number) * 3 for number in range(20000)])
    if len(rounds) > 3:
        del rounds[0]
    print("done", flush=True)
"""
SURVIVORS = 100


@functools.lru_cache(maxsize=None)
def has_page() -> bool:
    """Whether the command was built where Node.js and npm were; if not, it carries no_page.html."""
    return NO_PAGE.read_bytes() not in Path(COMMAND).read_bytes()


@functools.lru_cache(maxsize=None)
def known_pythons() -> tuple[Python, ...]:
    """Those whose objects can be named."""
    return tuple(
        python
        for python in find_pythons().pythons
        if python.version[1] in KNOWN_MINORS and not python.free_threaded and not python.debug
    )


def decode(body: bytes, magic: int) -> tuple[dict[str, Any], bytes]:
    """The JSON of a binary answer, and the bytes after it."""
    found, length = struct.unpack_from("<II", body)
    if found != magic:
        raise AssertionError(f"magic {found:#x}")
    return json.loads(body[8 : 8 + length]), body[(8 + length + 7) // 8 * 8 :]


@dataclass
class Unit:
    class_index: int = 0
    flags: int = 0
    live: int = 0
    cached: int = 0
    free: int = 0
    purged: int = 0


@dataclass
class Heap:
    """What a page knows: a whole frame, and deltas laid over it."""

    frame: int = 0
    clock_ms: int = 0
    units: dict[int, Unit] = field(default_factory=dict)
    changed_ms: dict[int, Optional[int]] = field(default_factory=dict)  # None: not while the viewer looked
    arenas: dict[int, int] = field(default_factory=dict)
    head: dict[str, Any] = field(default_factory=dict)

    def apply(self, body: bytes) -> None:
        self.head, records = decode(body, FRAME_MAGIC)
        if self.head["since"] == 0:
            self.units, self.arenas, self.changed_ms = {}, {}, {}
        assert self.head["since"] in (0, self.frame)
        assert len(records) == self.head["records"] * RECORD.size
        self.frame, self.clock_ms = self.head["frame"], self.head["clock_ms"]
        for unit, *fields, age_s in RECORD.iter_unpack(records):
            self.units[unit] = Unit(*fields)
            self.changed_ms[unit] = None if age_s == AGE_UNKNOWN else self.clock_ms - age_s * 1000
        self.arenas.update({arena: use for arena, use in self.head["arenas_changed"]})

    def known_units(self) -> dict[int, Unit]:
        return {number: unit for number, unit in self.units.items() if unit != Unit()}

    def pools(self) -> dict[int, Unit]:
        return {number: unit for number, unit in self.units.items() if unit.flags & POOL_HEAD}


class Client:
    def __init__(self, url: str) -> None:
        self.base, self.token = url.split("/?token=")
        self.port = int(self.base.rpartition(":")[2])

    def request(
        self, path: str, method: str = "GET", headers: Optional[dict[str, str]] = None
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers, whatever the status is."""
        sent = {"X-Smallblock-Token": self.token} if headers is None else headers
        asked = urllib.request.Request(self.base + path, headers=sent, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return answer.status, answer.read(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), dict(error.headers)

    def get(self, path: str) -> bytes:
        status, body, _ = self.request(path)
        if status != 200:
            raise AssertionError(f"{path}: {status} {body!r}")
        return body

    def get_json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def whole(self) -> Heap:
        heap = Heap()
        heap.apply(self.get("/api/frame?since=0"))
        return heap

    def blocks(self, units: list[int], what: str) -> tuple[dict[str, Any], bytes]:
        return decode(self.get(f"/api/blocks?units={','.join(map(str, units))}&what={what}"), BLOCKS_MAGIC)

    def raw(self, text: str, ends: bool = False) -> bytes:
        """What comes back for these very bytes. `ends`: no more will come, so that nobody waits for it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(text.encode("latin-1"))
            if ends:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while part := connection.recv(65536):
                answer += part
        return answer


class ViewTest(CommandTest):
    """Programs under smallblock and views of them, which end with the test."""

    def python(self) -> str:
        if not known_pythons():
            self.skipTest("no CPython of 3.9 to 3.13 was found")
        return known_pythons()[0].executable

    def start_program(self, python: Optional[str] = None, **variables: str) -> tuple[subprocess.Popen[str], str, str]:
        """The process, the address of an object that lives and of one that is gone."""
        process = subprocess.Popen(
            [COMMAND, "run", python or self.python(), "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(**variables),
        )
        self.addCleanup(self.end, process)
        assert process.stdout is not None
        live, gone = process.stdout.readline().split()
        return process, live, gone

    @staticmethod
    def step(process: subprocess.Popen[str], what: str = "") -> None:
        """One round of the program."""
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(what + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"

    @staticmethod
    def end(process: subprocess.Popen[str]) -> None:
        process.kill()
        process.communicate()

    def start_view(self, *words: str) -> tuple[subprocess.Popen[str], Client]:
        process = subprocess.Popen(
            [COMMAND, "view", "--no-browser", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        self.addCleanup(self.end, process)
        assert process.stdout is not None and process.stderr is not None
        url = process.stdout.readline().strip()
        if not url:
            raise AssertionError(process.stderr.read())
        return process, Client(url)
