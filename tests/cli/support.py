"""What the tests of the command share: where it is, how to run it, how to read a report.

SMALLBLOCK_COMMAND names the command (CTest sets it); without it the release build of this tree is used.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("SMALLBLOCK_COMMAND", str(ROOT / "build" / "release" / "bin" / "smallblock"))
TEXT_TITLE = "Small block threshold = "


def clean_environment(**variables: str) -> dict[str, str]:
    """This process's environment without what steers smallblock."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name != "LD_PRELOAD" and not name.startswith("SMALLBLOCK_")
    }
    kept.update(variables)
    return kept


def smallblock(
    *words: str, input_text: str = "", cwd: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    return subprocess.run(
        [COMMAND, *words],
        input=input_text,
        capture_output=True,
        text=True,
        errors="replace",
        env=clean_environment(**variables),
        cwd=cwd,
        timeout=120,
        check=False,
    )


def find_python() -> str:
    """A real python3 program: under pyenv, `python3` is a shell script that runs many other programs first."""
    for folder in os.environ.get("PATH", "/usr/bin").split(":"):
        found = shutil.which("python3", path=folder)
        if found and Path(found).read_bytes()[:4] == b"\x7fELF":
            return found
    raise unittest.SkipTest("no python3 that is a program along PATH")


def tool(name: str) -> str:
    """A program that the tests cannot do without."""
    found = shutil.which(name)
    if found is None:
        raise AssertionError(f"{name} is not installed; scripts/install-dependencies.sh test installs it")
    return found


def header_fields(struct: str) -> list[str]:
    """The numbers of a struct of the C header, in their order."""
    header = (ROOT / "include" / "smallblock" / "smallblock.h").read_text(encoding="utf-8")
    body = header[header.index(f"typedef struct {struct} {{") : header.index(f"}} {struct};")]
    return [line.split(";")[0].split()[-1] for line in body.splitlines() if line.strip().startswith("uint")]


class CommandTest(unittest.TestCase):
    """A temporary directory for reports, and assertions about them."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="smallblock-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.report_file = self.folder / "report"

    def read_report(self, path: Path | None = None) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((path or self.report_file).read_text(encoding="utf-8"))
        self.assertEqual(report["schema"], 2)
        return report

    def child_reports(self) -> dict[int, Path]:
        """FILE.PID of every child process, by process id."""
        prefix = self.report_file.name + "."
        return {int(path.name[len(prefix) :]): path for path in self.folder.glob(prefix + "*")}

    def assert_one_line_error(self, result: subprocess.CompletedProcess[str], code: int, *parts: str) -> None:
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("smallblock: "), result.stderr)
        self.assertEqual(result.stdout, "")
        for part in parts:
            self.assertIn(part, result.stderr)
