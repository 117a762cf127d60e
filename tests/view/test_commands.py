"""`smallblock view` of a command and into a file; `smallblock pinned` and `smallblock explain` in the terminal."""

from __future__ import annotations

import base64
import collections
import contextlib
import gzip
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest
from pathlib import Path
from typing import Any, Optional

from viewer import BLOCKS_MAGIC, COMMAND, STATES, Client, Heap, ViewTest, clean_environment, decode, find_pythons, has_page

ROOT = Path(__file__).resolve().parents[2]
OTHER_RELEASE = os.environ.get("SMALLBLOCK_OTHER_RELEASE", "")
NEXT_PID = Path("/proc/sys/kernel/ns_last_pid")
UNWATCHED_S = 3.5
BUNDLE_MAGIC = 0x73426D53
PROBLEM, USAGE, NO_PROCESS, NO_SMALLBLOCK, OTHER_VERSION, NOT_FOUND = 1, 2, 3, 5, 6, 127
DATA = re.compile(rb'<script[^>]*id="smallblock-data"[^>]*>([A-Za-z0-9+/=]*)</script')


def smallblock(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *words], capture_output=True, text=True, env=clean_environment(), timeout=60, check=False
    )


def bundle_of(page: bytes) -> dict[str, bytes]:
    """The answers in a static file by request path."""
    found = DATA.search(page)
    assert found is not None
    data = gzip.decompress(base64.b64decode(found.group(1), validate=True))
    magic, count = struct.unpack_from("<II", data)
    assert magic == BUNDLE_MAGIC
    entries, at = {}, 8
    for _ in range(count):
        name_bytes, length = struct.unpack_from("<II", data, at)
        at += 8
        name = data[at : at + name_bytes].decode()
        entries[name] = data[at + name_bytes : at + name_bytes + length]
        at += name_bytes + length
    assert at == len(data)
    return entries


def values_in(pinned: Any) -> set[str]:
    pools = pinned["pools"] + [pool for arena in pinned["arenas"] for pool in arena["pools"]]
    return {block["value"] for pool in pools for block in pool["blocks"]}


class StaticFile(ViewTest):
    def test_it_holds_what_the_page_asks_for(self) -> None:
        program, _, _ = self.start_program()
        path = self.folder / "heap.html"
        result = smallblock("view", str(program.pid), "--output", str(path))
        if not has_page():
            self.assert_one_line_error(result, PROBLEM, "takes no data: build the command with its page")
            self.assertFalse(path.exists())
            return
        self.assertEqual((result.returncode, result.stdout), (0, f"wrote {path}\n"), result.stderr)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        entries = bundle_of(path.read_bytes())
        heap = Heap()
        heap.apply(entries.pop("/api/frame?since=0"))
        self.assertEqual(json.loads(entries.pop("/api/target"))["pid"], program.pid)
        known = json.loads(smallblock("pinned", str(program.pid), "--json").stdout)
        saved = json.loads(entries.pop("/api/pinned"))
        self.assertGreater(len(values_in(known) - {""}), 0)
        self.assertEqual(values_in(saved), {""})  # what objects hold is not passed on
        self.assertIn("trim_returns_bytes", json.loads(entries.pop("/api/waste")))
        types = {row["name"] for row in json.loads(entries.pop("/api/types"))["types"]}
        self.assertIn("__main__.Planted", types)
        wanted = {f"/api/blocks?units={unit}&what={what}" for unit in heap.pools() for what in ("state", "type")}
        self.assertEqual(entries.keys(), wanted)
        for unit, pool in heap.pools().items():
            head, states = decode(entries[f"/api/blocks?units={unit}&what=state"], BLOCKS_MAGIC)
            self.assertEqual((head["frame"], states.count(1)), (heap.frame, pool.live))
        self.assertEqual([file.name for file in self.folder.iterdir()], ["heap.html"])

    def start_writing(self) -> tuple[subprocess.Popen[str], subprocess.Popen[str]]:
        """A process, and a command that has begun to write its page."""
        if not has_page():
            self.skipTest("the command was built without its page")
        program, _, _ = self.start_program()
        for _ in range(4):
            self.step(program)
        view = subprocess.Popen(
            [COMMAND, "view", str(program.pid), "--output", "heap.html"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=clean_environment(), cwd=self.folder,
        )
        self.addCleanup(self.end, view)
        while not self.has_file(view.pid):
            self.assertIsNone(view.poll())
        return program, view

    def has_file(self, pid: int) -> bool:
        """Whether the process has a file in our folder open."""
        with contextlib.suppress(FileNotFoundError):  # it opens and closes others
            return any(os.readlink(file).startswith(f"{self.folder}/") for file in Path(f"/proc/{pid}/fd").iterdir())
        return False

    def test_an_interrupted_command_leaves_nothing(self) -> None:
        _, view = self.start_writing()
        view.send_signal(signal.SIGINT)
        view.communicate(timeout=60)
        self.assertEqual(view.returncode, -signal.SIGINT)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_of_a_process_that_ends_meanwhile(self) -> None:
        program, view = self.start_writing()
        program.kill()
        program.wait()
        output, errors = view.communicate(timeout=60)
        self.assertEqual((view.returncode, output), (NO_PROCESS, ""))
        self.assertEqual(errors, f"smallblock: there is no process {program.pid} (any more)\n")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_where_it_cannot_be_written(self) -> None:
        program, _, _ = self.start_program()
        missing = str(self.folder / "missing" / "heap.html")
        result = smallblock("view", str(program.pid), "--output", missing)
        self.assert_one_line_error(result, PROBLEM, f"cannot write {missing}" if has_page() else "takes no data")
        self.assert_one_line_error(smallblock("view", "--output", missing, "--", "true"), USAGE, "--output")


class Commands(ViewTest):
    def start_command(self, *words: str) -> tuple[subprocess.Popen[str], int]:
        """The view, and the pid that it says."""
        view, client = self.start_view("--", *words)
        return view, client.get_json("/api/target")["pid"]

    def test_a_command_is_started_and_ended(self) -> None:
        view, pid = self.start_command(self.python(), "-c", "import time\nwhile True: time.sleep(0.1)")
        self.assertIn("libsmallblock_preload", Path(f"/proc/{pid}/maps").read_text())
        view.send_signal(signal.SIGTERM)
        self.assertEqual(view.wait(timeout=30), 128 + signal.SIGTERM)
        self.assertFalse(Path(f"/proc/{pid}").exists())

    def test_a_script_that_becomes_the_program(self) -> None:
        program = "import time; kept = [str(number) for number in range(20000)]; time.sleep(60)"
        words = ("sh", "-c", f'sleep 1; exec "$0" -c "{program}"', self.python())
        view, client = self.start_view("--rate", "10", "--", *words)
        target = client.get_json("/api/target")
        self.assertEqual((target["program"], target["command"].split()[0], target["python"]), (1, "sh", ""))
        deadline = time.monotonic() + 30
        while target["program"] == 1 and time.monotonic() < deadline:
            target = client.get_json("/api/target")
        self.assertEqual((target["program"], target["command"].split()[0]), (2, self.python()))
        strings = 0
        while strings < 20000 and time.monotonic() < deadline:
            types = client.get_json("/api/types")["types"]
            strings = sum(each["blocks"] for each in types if each["name"] == "str")
        self.assertGreaterEqual(strings, 20000)
        view.send_signal(signal.SIGTERM)
        self.assertEqual(view.wait(timeout=30), 128 + signal.SIGTERM)

    def test_its_exit_code(self) -> None:
        view, _ = self.start_command(self.python(), "-c", "import time, sys\ntime.sleep(1)\nsys.exit(7)")
        assert view.stderr is not None
        self.assertIn("has ended (7)", view.stderr.readline())
        view.send_signal(signal.SIGINT)
        self.assertEqual(view.wait(timeout=30), 7)

    def test_its_end_where_nobody_reads_of_it(self) -> None:
        script = 'exec "$0" view --no-browser -- "$1" -c "import time, sys; time.sleep(1); sys.exit(7)" 2>&-'
        view = subprocess.Popen(
            ["sh", "-c", script, COMMAND, self.python()], stdout=subprocess.PIPE, text=True, env=clean_environment()
        )
        self.addCleanup(self.end, view)
        assert view.stdout is not None
        client = Client(view.stdout.readline().strip())
        heap = client.whole()
        while heap.head["state"] == "live":
            heap.apply(client.get(f"/api/frame?since={heap.frame}"))
        time.sleep(0.2)  # it would end with what it cannot say
        self.assertEqual(client.whole().head["state"], "exited")
        view.send_signal(signal.SIGINT)
        self.assertEqual(view.wait(timeout=30), 7)

    def test_a_command_that_ends_at_once_or_is_not_there(self) -> None:
        for program, exit_code in (("false", PROBLEM), ("true", 0)):
            result = smallblock("view", "--no-browser", "--", program)
            self.assertEqual(result.returncode, exit_code)
            self.assertIn("the program ended before its heap could be seen", result.stderr)
        result = smallblock("view", "--no-browser", "--", "no-such-program")
        self.assert_one_line_error(result, NOT_FOUND, "command not found: no-such-program")

    def test_one_word_that_may_be_anything(self) -> None:
        result = smallblock("view", "--no-browser", "no-such.snap")
        self.assert_one_line_error(result, NOT_FOUND, "'no-such.snap' is no process, no file and no command")
        page = str(self.folder / "page.html")
        missing = "no-such.snap"
        for words in ((missing, "--output", page), (missing, f"--output={page}"), ("--output", page, missing)):
            result = smallblock("view", *words)
            self.assert_one_line_error(result, USAGE, f"'{missing}' is neither a process id nor a file that can be read")
            self.assertEqual(result.stderr, smallblock("types", missing).stderr)
        empty = self.folder / "empty.snap"
        empty.write_bytes(b"")
        for word in (str(empty), str(self.folder)):
            result = smallblock("view", "--no-browser", word)
            self.assert_one_line_error(result, USAGE, f"'{word}' is no core dump of a 64-bit process, no snapshot and no")

    @unittest.skipUnless(OTHER_RELEASE, "the library of another release was not built")
    def test_a_command_that_does_not_end_by_itself(self) -> None:
        result = subprocess.run(
            [COMMAND, "view", "--no-browser", "--", "sleep", "20"], capture_output=True, text=True, timeout=15,
            env=clean_environment(SMALLBLOCK_LIBRARY=OTHER_RELEASE), check=False,
        )
        self.assert_one_line_error(result, OTHER_VERSION, "of another release")

    def test_a_command_ends_with_a_view_that_cannot_be(self) -> None:
        pid_file = self.folder / "pid"
        with socket.create_server(("127.0.0.1", 0)) as taken:
            listen = f"--listen=127.0.0.1:{taken.getsockname()[1]}"
            script = f"echo $$ > {pid_file}; exec sleep 30 >/dev/null 2>&1"
            result = smallblock("view", "--no-browser", listen, "--", "sh", "-c", script)
        self.assert_one_line_error(result, USAGE, "cannot listen")
        pid = pid_file.read_text().strip() if pid_file.exists() else ""  # it may be ended before it says its own
        self.assertFalse(pid and Path("/proc", pid).exists())

    def test_another_process_with_the_same_number(self) -> None:
        program, _, _ = self.start_program()
        view, client = self.start_view(str(program.pid), "--allow-actions", "--rate", "20")
        self.assertEqual(client.whole().head["state"], "live")
        time.sleep(UNWATCHED_S)  # nothing is read any more, so that the end is not seen
        self.end(program)
        other = self.start_program_as(program.pid)
        self.assertEqual(client.request("/api/trim", "POST")[0], 410)
        heap = client.whole()
        heap.apply(client.get(f"/api/frame?since={heap.frame}"))
        self.assertEqual(heap.head["state"], "exited")
        self.assertEqual(client.request("/api/types")[0], 410)
        self.assertIsNone(other.poll())
        self.assertIsNone(view.poll())

    def start_program_as(self, pid: int) -> subprocess.Popen[str]:
        for _ in range(20):
            try:
                NEXT_PID.write_text(str(pid - 1))
            except OSError as error:
                self.skipTest(f"process ids cannot be chosen: {error}")
            process, _, _ = self.start_program()
            if process.pid == pid:
                return process
        raise AssertionError(f"process id {pid} is always taken")

    def test_options_before_and_behind_a_process_id(self) -> None:
        program, _, _ = self.start_program()
        for words in (("--rate", "5", str(program.pid)), (str(program.pid), "--rate=5")):
            _, client = self.start_view(*words)
            self.assertEqual(client.get_json("/api/target")["rate_hz"], 5)
        for rate in ("0", "1000", "x", "-1"):
            self.assert_one_line_error(smallblock("view", str(program.pid), "--rate", rate), USAGE, "frames a second")

    def test_what_cannot_be_viewed(self) -> None:
        self.assert_one_line_error(smallblock("view"), USAGE, "process id")
        self.assert_one_line_error(smallblock("view", str(1 << 22)), NO_PROCESS, str(1 << 22))
        self.assert_one_line_error(smallblock("view", str(os.getpid())), NO_SMALLBLOCK, "no smallblock")


class Terminal(ViewTest):
    def test_pinned_names_a_planted_object(self) -> None:
        program, _, _ = self.start_program()
        result = smallblock("pinned", str(program.pid), "--limit", "100")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"(?m)^arena \d+ at 0x[0-9a-f]+: \d+ live blocks \(.*\) keep [\d.]+ [KM]iB$")
        self.assertRegex(result.stdout, r"(?m)^  pool 0x[0-9a-f]+, blocks of \d+ bytes: 1 live block keeps ")
        self.assertRegex(result.stdout, r"(?m)^    0x[0-9a-f]+  __main__\.Planted$")
        answer = json.loads(smallblock("pinned", str(program.pid), "--json", "--limit", "3").stdout)
        self.assertEqual((len(answer["arenas"]), len(answer["pools"])), (3, 3))
        everything = json.loads(smallblock("pinned", str(program.pid), "--json", "--limit", "100000").stdout)
        known = {arena["arena"]: arena["sparse_pools"] for arena in everything["arenas"]}
        sparse = collections.Counter(pool["unit"] // 64 for pool in everything["pools"])
        self.assertEqual(known, {arena: sparse[arena] for arena in known})
        left_out = re.findall(r"(?m)^  and (\d+) pools? more$", result.stdout)
        self.assertEqual([int(number) for number in left_out], [count - 8 for count in known.values() if count > 8])
        self.assertTrue(left_out)

    def test_why_an_older_python_has_no_types(self) -> None:
        older = next((python for python in find_pythons((3, 7)).pythons if python.version < (3, 9)), None)
        if older is None:
            self.skipTest("no CPython of 3.7 or 3.8 was found")
        program, live, _ = self.start_program(older.executable)
        _, client = self.start_view(str(program.pid))
        why = client.get_json("/api/target")["why_no_types"]
        minor = older.version[1]
        self.assertEqual(why, f"types of objects are told of CPython 3.9 to 3.13; this is 3.{minor}")
        result = smallblock("explain", str(program.pid), live)
        self.assertIn(f"\ntype      unknown ({why})\n", result.stdout)

    def test_explain_names_a_planted_object(self) -> None:
        program, live, _ = self.start_program()
        inside = hex(int(live, 16) + 5)
        for address in (live, inside, live[2:].upper().join(("0x", ""))):
            result = smallblock("explain", str(program.pid), address)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertRegex(result.stdout, r"(?m)^type      __main__\.Planted$")
            self.assertRegex(result.stdout, r"(?m)^block     0x[0-9a-f]+, live$")
            unit = re.search(r"\(arena \d+, unit (\d+)\)", result.stdout)
            assert unit is not None
            self.assertLess(int(unit[1]), 64)  # in the arena, as the page says it
        answer = json.loads(smallblock("explain", "--json", str(program.pid), live).stdout)
        self.assertEqual((answer["type"], answer["age_s"]), ("__main__.Planted", None))
        stats = json.loads(smallblock("stats", "--json", str(program.pid)).stdout)
        rows = {row["class"]: row["block_bytes"] for row in stats["classes"]}
        self.assertEqual(rows[answer["class"]], answer["block_bytes"])  # classes count from 0 everywhere

    def test_every_key_is_in_the_documentation(self) -> None:
        def keys(value: object) -> set[str]:
            if isinstance(value, dict):
                return set(value).union(*map(keys, value.values()))
            return set().union(*map(keys, value)) if isinstance(value, list) else set()

        page = (ROOT / "docs" / "seeing-the-heap.md").read_text(encoding="utf-8")
        section = page.partition("## As JSON\n")[2].partition("\n## ")[0]
        program, live, _ = self.start_program()
        pid = str(program.pid)
        found: set[str] = set()
        for words in (("types", pid), ("pinned", pid), ("explain", pid, live), ("explain", pid, "0x10")):
            found |= keys(json.loads(smallblock(*words, "--json").stdout))
        self.assertEqual({key for key in found if f"`{key}`" not in section}, set())
        named = set(re.findall(r"`([a-z_]+)`", section)) - {"explain", "pinned", "schema"}
        self.assertEqual(named - found - set(STATES), set())

    def test_explain_refuses(self) -> None:
        program, _, _ = self.start_program()
        pid = str(program.pid)
        self.assert_one_line_error(smallblock("explain", pid, "0x1000"), PROBLEM, "0x1000 is in no block")
        self.assert_one_line_error(smallblock("explain", pid, "Planted"), USAGE, "is no address")
        self.assert_one_line_error(smallblock("explain", pid), USAGE, "ADDRESS")
        self.assert_one_line_error(smallblock("pinned", "no-such-file"), USAGE, "no-such-file")


class Browsers(ViewTest):
    """With a browser of our own, by the name that the command looks for."""

    def start_with_browser(self, script: str) -> subprocess.Popen[str]:
        program, _, _ = self.start_program()
        fake = self.folder / "xdg-open"
        fake.write_text(script)
        fake.chmod(0o755)
        path = f"{self.folder}:{os.environ.get('PATH', '')}"
        variables = {"PATH": path, "DISPLAY": ":99", "XDG_RUNTIME_DIR": str(self.folder)}
        view = subprocess.Popen(
            [COMMAND, "view", str(program.pid)], stdout=subprocess.PIPE, text=True, env=clean_environment(**variables)
        )
        self.addCleanup(self.end, view)
        return view

    def test_the_token_is_in_no_argument(self) -> None:
        opened = self.folder / "opened"
        view = self.start_with_browser(
            f'#!{sys.executable}\nimport os, sys\nblocked = open("/proc/self/status").read().partition("SigBlk:")[2]\n'
            f'open("{opened}.new", "w").write("\\n".join([*sys.argv, blocked.split()[0]]))\n'
            f'os.rename("{opened}.new", "{opened}")\n'
        )
        assert view.stdout is not None
        url = view.stdout.readline().strip()
        arguments = self.wait_for(opened)
        token = url.partition("token=")[2]
        self.assertNotIn(token, arguments)
        file = Path(arguments.splitlines()[1])
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.assertIn(url, file.read_text())
        self.assertEqual(int(arguments.splitlines()[2], 16), 0)  # signals that are blocked
        view.send_signal(signal.SIGINT)
        view.wait(timeout=30)
        self.assertFalse(file.exists())

    def test_signals_are_its_own(self) -> None:
        said = self.folder / "said"
        self.start_with_browser(
            f'#!/bin/sh\n(cat /proc/self/status; echo Session: $(cut -d" " -f6 /proc/$$/stat) $$) > {said}.new\n'
            f"mv {said}.new {said}\n"
        )
        status = dict(line.split(":", 1) for line in self.wait_for(said).splitlines())
        self.assertEqual(int(status["SigIgn"], 16) >> (signal.SIGPIPE - 1) & 1, 0)
        self.assertEqual(*status["Session"].split())

    def wait_for(self, path: Path, text: Optional[str] = None) -> str:
        deadline = time.monotonic() + 30
        while not path.exists():
            self.assertLess(time.monotonic(), deadline, text)
            time.sleep(0.02)
        return path.read_text()


if __name__ == "__main__":
    unittest.main()
