"""What the tests that look into running processes share: a C program and a CPython under the preload library, idle.

SMALLBLOCK_OUTSIDE_PROGRAM names the C program (CTest sets it). Processes are ended by their ids, at the end of a test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path
from typing import Any

from support import COMMAND, CommandTest, clean_environment, find_python

PROGRAM = os.environ.get("SMALLBLOCK_OUTSIDE_PROGRAM", "")
NOBODY = 65534
NO_SUCH_PID = 1 << 22  # the kernel's highest is one less
IS_ROOT = os.geteuid() == 0
YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
PTRACE_SCOPE = YAMA.read_text().strip() if YAMA.exists() else "0"

ROUNDING_ERROR_BYTES = 4  # a process, and whoever looks into it, cut to whole bytes at different steps

NO_PROCESS, NO_PERMISSION, NO_SMALLBLOCK = 3, 4, 5

# Objects that stay, and some that went; then it waits for the end of its standard input.
PYTHON_BODY = """
import sys
kept = [str(number) for number in range(50000)]
gone = [float(number) for number in range(50000)]
del gone
print("ready", flush=True)
sys.stdin.read()
"""


class OutsideTest(CommandTest):
    def setUp(self) -> None:
        super().setUp()
        if not IS_ROOT and PTRACE_SCOPE != "0":
            self.skipTest(f"kernel.yama.ptrace_scope is {PTRACE_SCOPE}: only root may look into a process")

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """A process under the preload library that has said that it is ready."""
        return self.start_plain(COMMAND, "run", *words, **options)

    def start_plain(
        self, *words: str, variables: dict[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(SMALLBLOCK_DECAY_MS="-1", **(variables or {})),
            **options,
        )
        self.addCleanup(self.end, process)
        assert process.stdout is not None
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def start_program(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        if not PROGRAM:
            raise unittest.SkipTest("the C program was not built")
        return self.start(*options.pop("run_words", ()), PROGRAM, *words, **options)

    def start_python(self, **options: Any) -> subprocess.Popen[str]:
        return self.start(find_python(), "-c", PYTHON_BODY, **options)

    def serve(
        self, *words: str, listen: str = "127.0.0.1:0", **options: Any
    ) -> tuple[subprocess.Popen[str], str]:
        """A server, and its host:port."""
        server = subprocess.Popen(
            [COMMAND, "serve", "--listen", listen, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
            **options,
        )
        self.addCleanup(self.end, server)
        assert server.stdout is not None
        found = re.fullmatch(r"http://([\w.]+:\d+)/metrics\n", server.stdout.readline())
        assert found is not None
        return server, found.group(1)

    def smallblock_as_nobody(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The command as a user who may look into nothing."""
        if not IS_ROOT:
            self.skipTest("only root can start a process of another user")
        self.folder.chmod(0o755)
        copy = self.folder / Path(COMMAND).name
        shutil.copy(COMMAND, copy)
        copy.chmod(0o755)
        return subprocess.run(
            [copy, *words],
            capture_output=True,
            text=True,
            env=clean_environment(),
            check=False,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
        )

    @staticmethod
    def end(process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
