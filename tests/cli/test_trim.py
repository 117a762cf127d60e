"""`smallblock trim PID` on real processes: their resident memory falls, and every refusal is one line and its own code.

SMALLBLOCK_TRIM_PROGRAMS names the programs of this folder that CMake built: KIND=PATH|KIND=PATH...
Decay is off in all of them, so that only a trim gives memory back.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path
from typing import Any

from support import COMMAND, CommandTest, clean_environment, find_python, smallblock

PROGRAMS = dict(entry.split("=", 1) for entry in os.environ.get("SMALLBLOCK_TRIM_PROGRAMS", "").split("|") if entry)
NOBODY = 65534
NO_SUCH_PID = 1 << 22  # the kernel's highest is one less
IS_ROOT = os.geteuid() == 0
YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
PTRACE_SCOPE = YAMA.read_text().strip() if YAMA.exists() else "0"

NO_PROCESS, NO_PERMISSION, NO_SMALLBLOCK, OTHER_VERSION, PENDING = 3, 4, 5, 6, 7

# A big list comes and goes; then it allocates until its standard input ends, or waits for a line first. Steady: what
# it frees is what it allocates next.
PYTHON_BODY = """
import sys, time
big = [str(number) * 3 for number in range(800000)]
big = None
print("ready", flush=True)
if sys.argv[1] == "idle":
    sys.stdin.readline()
while sys.argv[1] == "steady":
    [(one,) for one in range(20)]
    time.sleep(0.0001)
while True:
    small = [str(number) for number in range(5000)]
    time.sleep(0.005)
"""


def other_user() -> dict[str, Any]:
    """Popen's arguments for a user who is not root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if IS_ROOT else {}


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / (1 << 20)


class TrimTest(CommandTest):
    def program(self, kind: str) -> str:
        if kind not in PROGRAMS:
            self.skipTest(f"the {kind} program was not built")
        return PROGRAMS[kind]

    def start(self, *words: str, who: dict[str, Any] | None = None, **variables: str) -> subprocess.Popen[str]:
        """A process that has said that it is ready."""
        if not IS_ROOT and PTRACE_SCOPE != "0":
            self.skipTest(f"kernel.yama.ptrace_scope is {PTRACE_SCOPE}: only root may look into a process")
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(SMALLBLOCK_DECAY_MS="-1", **variables),
            **(who or {}),
        )
        self.addCleanup(self.end, process)
        assert process.stdout is not None
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    @staticmethod
    def end(process: subprocess.Popen[str]) -> None:
        process.kill()
        process.communicate()

    def start_python(self, mode: str, **variables: str) -> subprocess.Popen[str]:
        return self.start(COMMAND, "run", find_python(), "-c", PYTHON_BODY, mode, **variables)

    def trim(self, pid: int, *words: str) -> subprocess.CompletedProcess[str]:
        return smallblock("trim", str(pid), *words)

    def trim_as(self, who: dict[str, Any], pid: int) -> subprocess.CompletedProcess[str]:
        """By a copy of the command that any user can reach."""
        command = self.readable_copy(COMMAND)
        return subprocess.run(
            [command, "trim", str(pid)], capture_output=True, text=True, env=clean_environment(), check=False, **who
        )

    def readable_copy(self, path: str) -> Path:
        folder = self.folder / "a folder"
        folder.mkdir(exist_ok=True)
        for each in (self.folder, folder):
            each.chmod(0o755)
        copy = folder / Path(path).name
        shutil.copy(path, copy)
        copy.chmod(0o755)
        return copy

    def assert_trimmed(self, result: subprocess.CompletedProcess[str], pid: int, least_mib: float = 40.0) -> None:
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        found = re.fullmatch(r"trimmed: ([\d.]+) MiB -> ([\d.]+) MiB resident\n", result.stdout)
        assert found, result.stdout
        before, after = float(found.group(1)), float(found.group(2))
        self.assertGreater(before - after, least_mib)
        self.assertLess(abs(resident_mib(pid) - after), 8.0)


class Trimmed(TrimTest):
    def test_a_preloaded_python_that_allocates(self) -> None:
        process = self.start_python("busy")
        self.assert_trimmed(self.trim(process.pid), process.pid)

    def test_one_whose_magazines_serve_all_that_it_does(self) -> None:
        process = self.start_python("steady")
        self.assert_trimmed(self.trim(process.pid), process.pid)

    def test_one_that_sleeps_answers_when_it_allocates_again(self) -> None:
        process = self.start_python("idle")
        before = resident_mib(process.pid)
        self.assert_one_line_error(
            self.trim(process.pid, "--wait", "300"), PENDING, "asked", str(process.pid), "or no thread", "SMALLBLOCK_BACKGROUND=1"
        )
        self.assertGreater(resident_mib(process.pid), before - 8.0)
        asked_again = subprocess.Popen(
            [COMMAND, "trim", str(process.pid), "--wait=60000"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        answer = asked_again.communicate()[0]
        self.assertEqual(asked_again.returncode, 0)
        self.assertTrue(answer.startswith("trimmed: "), answer)
        self.assertLess(resident_mib(process.pid), before - 40.0)

    def test_one_that_sleeps_with_the_background_thread(self) -> None:
        process = self.start_python("idle", SMALLBLOCK_BACKGROUND="1")
        self.assert_trimmed(self.trim(process.pid), process.pid)

    def test_a_program_linked_with_the_shared_library(self) -> None:
        process = self.start(self.program("shared"), "busy")
        self.assert_trimmed(self.trim(process.pid), process.pid)

    def test_a_program_linked_with_the_archive(self) -> None:
        process = self.start(self.program("archive"), "busy")
        self.assert_trimmed(self.trim(process.pid), process.pid)

    def test_a_static_program(self) -> None:
        process = self.start(self.program("static"), "busy")
        self.assert_trimmed(self.trim(process.pid), process.pid)

    def test_a_linked_program_that_also_has_it_preloaded(self) -> None:
        process = self.start(COMMAND, "run", self.program("shared"), "busy")
        self.assert_trimmed(self.trim(process.pid), process.pid)

    def test_without_waiting(self) -> None:
        process = self.start(self.program("shared"), "busy")
        before = resident_mib(process.pid)
        result = self.trim(process.pid, "--wait", "0")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(result.stdout, f"asked: process {process.pid} trims when it next frees or allocates\n")
        deadline = time.monotonic() + 60
        while resident_mib(process.pid) > before - 40.0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_several_commands_at_once(self) -> None:
        process = self.start(self.program("shared"), "busy")
        commands = [
            subprocess.Popen([COMMAND, "trim", str(process.pid)], stdout=subprocess.PIPE, text=True) for _ in range(8)
        ]
        for command in commands:
            self.assertTrue(command.communicate()[0].startswith("trimmed: "))
            self.assertEqual(command.returncode, 0)

    def test_a_request_that_another_command_overwrote(self) -> None:
        process = self.start(self.program("other_end"), "forgetful")
        self.assertEqual(self.trim(process.pid).returncode, 0)

    def test_counters_that_wrap_around(self) -> None:
        for mode, code in (("wrap", 0), ("silent_wrap", PENDING)):
            with self.subTest(mode):
                process = self.start(self.program("other_end"), mode)
                self.assertEqual(self.trim(process.pid, "--wait", "500").returncode, code)


class OtherUsers(TrimTest):
    def start_copy(self) -> subprocess.Popen[str]:
        """As a user who is not root, with files whose names have a blank."""
        program = self.readable_copy(self.program("shared"))
        library = self.readable_copy(self.program("library"))
        soname = re.sub(r"(\.so\.\d+).*", r"\1", library.name)
        if soname != library.name:
            library.rename(library.parent / soname)
        return self.start(str(program), "busy", who=other_user(), LD_LIBRARY_PATH=str(program.parent))

    def test_a_process_of_ones_own(self) -> None:
        process = self.start_copy()
        self.assert_trimmed(self.trim_as(other_user(), process.pid), process.pid)

    def test_the_library_was_removed_since(self) -> None:
        process = self.start_copy()
        for library in (self.folder / "a folder").glob("libsmallblock*"):
            library.unlink()
        self.assert_one_line_error(
            self.trim_as(other_user(), process.pid), NO_SMALLBLOCK, "a folder/libsmallblock", "(deleted)", "as root"
        )
        if not IS_ROOT:
            self.skipTest("not root: that root still finds it")
        self.assert_trimmed(self.trim(process.pid), process.pid)

    def test_a_process_of_root(self) -> None:
        pid = self.start(self.program("shared"), "busy").pid if IS_ROOT else 1
        self.assert_one_line_error(
            self.trim_as(other_user(), pid), NO_PERMISSION, f"process {pid}", "another user", "as root"
        )

    def test_a_process_of_ones_own_that_yama_protects(self) -> None:
        if PTRACE_SCOPE == "0":
            self.skipTest("kernel.yama.ptrace_scope is 0")
        program = self.readable_copy(self.program("archive"))
        process = subprocess.Popen([program, "idle"], stdout=subprocess.PIPE, text=True, **other_user())
        self.addCleanup(self.end, process)
        assert process.stdout is not None
        process.stdout.readline()
        self.assert_one_line_error(
            self.trim_as(other_user(), process.pid), NO_PERMISSION, "kernel.yama.ptrace_scope"
        )


class Refused(TrimTest):
    def test_no_such_process(self) -> None:
        self.assert_one_line_error(self.trim(NO_SUCH_PID), NO_PROCESS, f"no process {NO_SUCH_PID}")

    def test_a_process_that_nobody_waited_for(self) -> None:
        process = subprocess.Popen(["true"])
        self.addCleanup(process.wait)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        self.assert_one_line_error(self.trim(process.pid), NO_PROCESS, f"no process {process.pid}")

    def test_a_process_without_smallblock(self) -> None:
        script = 'print("ready", flush=True); input()'
        process = self.start(find_python(), "-c", script)
        self.assert_one_line_error(
            self.trim(process.pid), NO_SMALLBLOCK, f"process {process.pid} has no smallblock", "'smallblock run'"
        )

    def test_a_static_program_that_was_stripped(self) -> None:
        if shutil.which("strip") is None:
            self.skipTest("strip is not installed")
        program = self.folder / "program"
        subprocess.run(["strip", "-o", str(program), self.program("static")], check=True)
        process = self.start(str(program), "busy")
        self.assert_one_line_error(self.trim(process.pid), NO_SMALLBLOCK, "stripped")

    def test_what_is_there_is_not_ours(self) -> None:
        process = self.start(self.program("other_end"), "magic")
        self.assert_one_line_error(self.trim(process.pid), NO_SMALLBLOCK, "has no smallblock")

    def test_another_version(self) -> None:
        for mode, version in (("version", "version 9"), ("short", "version 1")):
            with self.subTest(mode):
                process = self.start(self.program("other_end"), mode)
                self.assert_one_line_error(self.trim(process.pid), OTHER_VERSION, version, "command")

    def test_it_ends_meanwhile(self) -> None:
        process = self.start(self.program("shared"), "end")
        self.assert_one_line_error(self.trim(process.pid), NO_PROCESS, f"no process {process.pid}")

    def test_it_becomes_another_program_meanwhile(self) -> None:
        process = self.start(self.program("shared"), "exec")
        self.assert_one_line_error(self.trim(process.pid), NO_PROCESS, "another program", "again")
        self.assertIsNone(process.poll())

    def test_it_is_stopped(self) -> None:
        process = self.start(self.program("shared"), "busy")
        process.send_signal(signal.SIGSTOP)
        self.assert_one_line_error(self.trim(process.pid, "--wait", "100"), PENDING, "not finished within 100 ms")


class Words(TrimTest):
    def test_wrong_words(self) -> None:
        for words, part in (
            ([], "PID is required"),
            (["python3"], "'python3' is not a process id"),
            (["0"], "'0' is not a process id"),
            (["-5"], "'-5' is not a process id"),
            (["12x"], "'12x' is not a process id"),
            (["99999999999"], "'99999999999' is not a process id"),
            (["1", "2"], "not expected: 2"),
            (["1", "--fast"], "--fast"),
            (["--fast"], "not expected: --fast"),
            (["1", "--wait"], "--wait"),
            (["1", "--wait", "-1"], "'-1' is not a number of milliseconds"),
            (["1", "--wait", "5s"], "'5s' is not a number of milliseconds"),
        ):
            with self.subTest(words):
                self.assert_one_line_error(smallblock("trim", *words), 2, part, "'smallblock trim --help'")

    def test_help(self) -> None:
        result = smallblock("trim", "--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for part in ("PID [--wait MS]", "SMALLBLOCK_BACKGROUND=1", "1 any", "3 no such", "4 no per", "5 no small", "7 asked"):
            self.assertIn(part, result.stdout)
        self.assertLessEqual(max(map(len, result.stdout.splitlines())), 116)
        self.assertRegex(smallblock("--help").stdout, r"\n  trim (PID|TARGET) ")


if __name__ == "__main__":
    unittest.main()
