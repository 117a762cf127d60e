"""`smallblock stats PID`: the report at exit, from outside, of processes that still run."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import unittest
from pathlib import Path
from typing import Any

from outside import (
    NO_PERMISSION,
    NO_PROCESS,
    NO_SMALLBLOCK,
    NO_SUCH_PID,
    ROUNDING_ERROR_BYTES,
    OutsideTest,
)
from support import COMMAND, clean_environment, find_python, header_fields, smallblock

BOASTER = os.environ.get("SMALLBLOCK_BOASTER_PROGRAM", "")

# What the process says itself counts magazines as of their last visit to the depot.
ESTIMATED = ("live_bytes", "cached_bytes")

# Asks from the inside, by ctypes, and prints sb_stats and sb_memory; the library's own symbols are there already.
PYTHON_ASKS = """
import ctypes, sys
kept = [str(number) for number in range(50000)]
library = ctypes.CDLL(None)
stats = ctypes.create_string_buffer(65536)
memory = ctypes.create_string_buffer(4096)
for attempt in range(3):
    library.sb_stats_get(stats, ctypes.c_size_t(65536))
    library.sb_memory_get(memory, ctypes.c_size_t(4096))
sys.stdout.write("ready\\n" + stats.raw.hex() + "\\n" + memory.raw.hex() + "\\n")
sys.stdout.flush()
sys.stdin.read()
"""
PYTHON_MAY_CHANGE_BYTES = 1 << 20


def values_of(struct: str, raw: bytes) -> dict[str, int]:
    """The leading fields of a struct of the C header: two numbers of 32 bits, then numbers of 64."""
    names = [name for name in header_fields(struct) if name not in ("class_count", "reserved")]
    values: dict[str, int] = {}
    offset = 0
    for index, name in enumerate(names):
        kind: Any = ctypes.c_uint32 if index < 2 else ctypes.c_uint64
        values[name] = kind.from_buffer_copy(raw, offset).value
        offset += ctypes.sizeof(kind)
    return values


class EqualsTheReportAtExit(OutsideTest):
    def end_by_itself(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        process.stdin.close()
        self.assertEqual(process.wait(60), 0)

    def assert_same(self, outside: dict[str, Any], inside: dict[str, Any]) -> None:
        for report in (outside, inside):
            memory = report["memory"]
            memory["held"] = sum(memory.pop(name) for name in ESTIMATED)
        rounding = [report["memory"].pop("rounding_bytes") for report in (outside, inside)]
        self.assertAlmostEqual(*rounding, delta=ROUNDING_ERROR_BYTES)
        self.assertEqual(outside, inside)

    def test_json_of_a_program(self) -> None:
        process = self.start_program(run_words=("--stats=json", "--stats-file", str(self.report_file)))
        outside = json.loads(smallblock("stats", str(process.pid), "--json").stdout)
        self.end_by_itself(process)
        self.assertGreater(outside["live_bytes"], 10_000_000)
        self.assertGreater(outside["cached_bytes"], 0)
        self.assertGreater(outside["memory"]["rounding_bytes"], 0)
        self.assertGreater(outside["memory"]["next_bytes"], 2_900_000)
        self.assert_same(outside, self.read_report())

    def test_json_in_check_mode(self) -> None:
        process = self.start_program(run_words=("--check", "--stats=json", "--stats-file", str(self.report_file)))
        outside = json.loads(smallblock("stats", str(process.pid), "--json").stdout)
        self.end_by_itself(process)
        inside = self.read_report()
        # What is in quarantine goes home at the end, so that it is looked at.
        self.assertEqual(outside["live_bytes"], inside["live_bytes"])
        self.assertGreater(outside["cached_bytes"], inside["cached_bytes"])

    def test_text_of_a_program(self) -> None:
        process = self.start_program(run_words=("--stats", "--stats-file", str(self.report_file)))
        result = smallblock("stats", str(process.pid))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.end_by_itself(process)
        inside = self.report_file.read_text(encoding="utf-8")
        both = [text.splitlines() for text in (result.stdout, inside)]
        self.assertEqual(len(both[0]), len(both[1]))
        different = {one.partition("=")[0].strip() for one, other in zip(*both) if one != other}
        estimated = {"# held by the program", "#   of that, rounding (estimate)", "# in magazines"}
        self.assertLessEqual(different, estimated)

    def test_a_python_as_it_sees_itself(self) -> None:
        process = self.start(find_python(), "-c", PYTHON_ASKS)
        assert process.stdout is not None
        inside = [bytes.fromhex(process.stdout.readline()) for _ in range(2)]
        outside = json.loads(smallblock("stats", str(process.pid), "--json").stdout)
        for struct, raw, seen in (("sb_stats", inside[0], outside), ("sb_memory", inside[1], outside["memory"])):
            for name, value in values_of(struct, raw).items():
                if name in ("version", "struct_bytes"):
                    continue
                with self.subTest(struct=struct, field=name):
                    may_change = PYTHON_MAY_CHANGE_BYTES if name.endswith("bytes") or name == "pools_empty" else 0
                    self.assertLessEqual(abs(seen[name] - value), may_change)
        self.assertGreater(outside["live_bytes"], 3_000_000)

    def test_schema_of_a_python(self) -> None:
        def keys(value: object) -> object:
            if isinstance(value, dict):
                return {key: keys(each) for key, each in value.items() if key != "classes"}
            return None

        process = self.start_python(
            variables={"SMALLBLOCK_STATS": "json", "SMALLBLOCK_STATS_FILE": str(self.report_file)}
        )
        outside = json.loads(smallblock("stats", str(process.pid), "--json").stdout)
        self.end_by_itself(process)
        inside = self.read_report()
        self.assertEqual(keys(outside), keys(inside))
        self.assertEqual(set(outside["classes"][0]), set(inside["classes"][0]))
        self.assertEqual(outside["process"], inside["process"])


class WhileItWorks(OutsideTest):
    def test_the_sums_hold(self) -> None:
        process = self.start_program("slow")
        for _ in range(10):
            report = json.loads(smallblock("stats", str(process.pid), "--json").stdout)
            for row in report["classes"]:
                self.assertEqual(
                    row["blocks_capacity"], row["blocks_in_use"] + row["blocks_cached"] + row["blocks_free"], row
                )
        self.assertIsNone(process.poll())

    def watch(self, process: subprocess.Popen[str], seconds: str = "0.1") -> subprocess.Popen[str]:
        watcher = subprocess.Popen(
            [COMMAND, "stats", str(process.pid), "--json", f"--watch={seconds}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        self.addCleanup(self.end, watcher)
        return watcher

    def next_report(self, watcher: subprocess.Popen[str]) -> dict[str, Any]:
        assert watcher.stdout is not None and watcher.stderr is not None
        text = ""
        while not text.endswith("\n}\n"):
            line = watcher.stdout.readline()
            if not line:
                self.fail(f"no report follows: {watcher.stderr.read()}")
            text += line
        report: dict[str, Any] = json.loads(text)
        return report

    def test_watch_goes_on_with_what_it_executes(self) -> None:
        process = self.start("bash", "-c", "echo ready; read line; exec sleep 600")
        watcher = self.watch(process)
        self.assertEqual(self.next_report(watcher)["process"], {"pid": process.pid, "command": "bash"})
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        while self.next_report(watcher)["process"] != {"pid": process.pid, "command": "sleep"}:
            pass
        process.kill()
        process.wait()
        _, errors = watcher.communicate(timeout=30)
        self.assertEqual((watcher.returncode, errors), (0, ""))

    def test_a_slow_watch_ends_with_the_process_too(self) -> None:
        process = self.start_program()
        watcher = self.watch(process, "3600")
        self.next_report(watcher)
        process.kill()
        process.wait()
        self.assertEqual(watcher.communicate(timeout=30), ("", ""))
        self.assertEqual(watcher.returncode, 0)

    def test_watch_until_it_ends(self) -> None:
        process = self.start_program()
        watcher = self.watch(process)
        for _ in range(3):
            self.next_report(watcher)
        process.kill()
        process.wait()
        rest, errors = watcher.communicate(timeout=30)
        self.assertEqual((watcher.returncode, errors), (0, ""))
        decoder = json.JSONDecoder()
        while rest.strip():
            report, end = decoder.raw_decode(rest)
            self.assertEqual(report["process"]["pid"], process.pid)
            rest = rest[end:].lstrip()


@unittest.skipUnless(BOASTER, "the program was not built")
class Boaster(OutsideTest):
    def test_what_it_says_takes_no_memory(self) -> None:
        process = self.start_plain(BOASTER)
        for words in (("stats",), ("types",), ("snapshot", "-o", "x"), ("view", "--no-browser")):
            result = subprocess.run(
                [COMMAND, words[0], str(process.pid), *words[1:]], capture_output=True, text=True,
                env=clean_environment(), cwd=self.folder, timeout=60, check=False,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)),
            )
            self.assert_one_line_error(result, NO_SMALLBLOCK, "tells of more than the process has memory for")


class FullDisk(OutsideTest):
    def test_what_cannot_be_printed_is_a_failure(self) -> None:
        pid = str(self.start_program().pid)
        address = next(hex(block) for block in self.live_blocks(pid))
        commands = [("stats", pid), ("types", pid), ("pinned", pid), ("explain", pid, address), ("trim", pid, "--wait=0"),
                    ("snapshot", pid, "-o", "x"), ("view", pid, "--output", "x.html"), ("top", "--once", pid),
                    ("doctor", "--json"), ("--help",), ("types", "--help"), ("--version",)]
        for words in commands:
            with self.subTest(words=words), open("/dev/full", "w") as full:
                result = subprocess.run(
                    [COMMAND, *words], stdout=full, stderr=subprocess.PIPE, text=True, env=clean_environment(),
                    cwd=self.folder, timeout=60, check=False,
                )
                self.assertEqual((result.returncode, result.stderr.count("\n")), (1, 1), result.stderr)
                self.assertIn("cannot write", result.stderr)

    def live_blocks(self, pid: str) -> list[int]:
        pools = json.loads(smallblock("pinned", pid, "--json").stdout)["pools"]
        return [int(block["address"], 16) for pool in pools for block in pool["blocks"]]

    def test_a_file_stays_what_it_was(self) -> None:
        pid = str(self.start_program().pid)

        def small_disk() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

        for words in (("snapshot", pid, "-o", "file"), ("view", pid, "--output", "file")):
            file = self.folder / "file"
            file.write_text("before")
            result = subprocess.run(
                [COMMAND, *words], capture_output=True, text=True, env=clean_environment(), cwd=self.folder,
                preexec_fn=small_disk, timeout=60, check=False,
            )
            self.assert_one_line_error(result, 1, "cannot write file: File too large")
            self.assertEqual([(each.name, each.read_text()) for each in self.folder.iterdir()], [("file", "before")])
            file.chmod(0o640)
            self.assertEqual(smallblock(*words, cwd=str(self.folder)).returncode, 0)
            self.assertGreater(file.stat().st_size, 4096)
            self.assertEqual(file.stat().st_mode & 0o777, 0o600)
            file.unlink()

    def test_what_is_no_file_is_written_to(self) -> None:
        pid = str(self.start_program().pid)
        link = self.folder / "link"
        link.symlink_to("file")
        (self.folder / "file").touch()
        for target in ("/dev/null", str(link)):
            for words in (("snapshot", pid, "-o", target), ("view", pid, "--output", target)):
                result = smallblock(*words)
                self.assertEqual((result.returncode, result.stderr), (0, ""), words)
        self.assertTrue(Path("/dev/null").is_char_device())
        self.assertTrue(link.is_symlink())
        self.assertGreater((self.folder / "file").stat().st_size, 4096)


class Refusals(OutsideTest):
    def test_no_such_process(self) -> None:
        self.assert_one_line_error(smallblock("stats", str(NO_SUCH_PID)), NO_PROCESS, "there is no process")

    def test_one_that_has_ended(self) -> None:
        process = self.start_program()
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        self.assert_one_line_error(smallblock("stats", str(process.pid)), NO_PROCESS)

    def test_one_without_smallblock(self) -> None:
        process = self.start_plain("sh", "-c", "echo ready; read line")
        self.assert_one_line_error(smallblock("stats", str(process.pid)), NO_SMALLBLOCK, "smallblock run")

    def test_another_users(self) -> None:
        process = self.start_program()
        result = self.smallblock_as_nobody("stats", str(process.pid))
        self.assert_one_line_error(result, NO_PERMISSION, "another user")

    def test_a_file_that_may_not_be_read(self) -> None:
        file = self.folder / "heap"
        file.write_bytes(b"smblsnap\n")
        file.chmod(0o600)
        for words in (("view", "--no-browser", str(file)), ("types", str(file)), ("view", str(file), "--output=x")):
            with self.subTest(words=words):
                self.assert_one_line_error(self.smallblock_as_nobody(*words), 2, str(file), "Permission denied")

    def test_exit_codes_are_the_same_where_nobody_reads_why(self) -> None:
        for words, code in ((f"stats {NO_SUCH_PID}", NO_PROCESS), ("stats", 2), ("run no-such-program", 127)):
            for redirection in ("2>&-", "2>/dev/full"):
                with self.subTest(words=words, redirection=redirection):
                    script = f'exec "$0" {words} {redirection}'
                    result = subprocess.run(["sh", "-c", script, COMMAND], env=clean_environment(), check=False)
                    self.assertEqual(result.returncode, code)

    def test_wrong_options(self) -> None:
        for words in (
            ["stats"],
            ["stats", "0"],
            ["stats", "1", "--json", "--openmetrics"],
            ["stats", "1", "--openmetrics", "--watch"],
            ["stats", "1", "--watch=0"],
            ["stats", "1", "--watch=soon"],
            ["snapshot", "1", "--output", ""],
            ["run", "--stats-file", "", "true"],
            ["view", "1", "--output", ""],
            ["view", "1", "--output", "page.html", "--rate", "3"],
            ["view", "1", "--output", "page.html", "--no-browser"],
        ):
            with self.subTest(words=words):
                self.assert_one_line_error(smallblock(*words), 2, "--help")

    def test_help(self) -> None:
        result = smallblock("stats", "--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for option in ("--json", "--openmetrics", "--watch[=SECONDS]"):
            self.assertIn(option, result.stdout)
        self.assertRegex(smallblock("--help").stdout, r"\n  stats (PID|TARGET) ")
        self.assertLessEqual(max(map(len, result.stdout.splitlines())), 120)


if __name__ == "__main__":
    unittest.main()
