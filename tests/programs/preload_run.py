"""Runs commands with and without the preload library and proves that it was there.

cpython_suite.py and native_programs.py use it. Every process under the preload writes a report at its end
(SMALLBLOCK_STATS_FILE); a run without the reports that its caller expects is a failure, or it could never fail.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SKIP = 77


class Failure(Exception):
    """What went wrong, in words for the person who reads the test's output."""


@dataclass(frozen=True)
class Outcome:
    """What a command left behind, apart from its files. A negative status is the signal that ended it."""

    status: int
    stdout: bytes
    stderr: bytes


def plain_environment() -> dict[str, str]:
    """The caller's environment without what would change how the programs behave."""
    unwanted = ("PYTHON", "LD_PRELOAD", "SMALLBLOCK_", "GIT_", "MALLOC_", "MIMALLOC_", "CMAKE_", "NINJA_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def preloaded(environment: Mapping[str, str], libraries: Sequence[Path], report: Path) -> dict[str, str]:
    """The environment under which `libraries` are loaded first, in this order, and processes report to `report`."""
    return {
        **environment,
        "LD_PRELOAD": ":".join(str(library) for library in libraries),
        "SMALLBLOCK_STATS": "json",
        "SMALLBLOCK_STATS_FILE": str(report),
    }


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], timeout_s: float) -> Outcome:
    """Runs the command in a session of its own, so that a timeout ends its children too."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            tail = (stdout + stderr).decode(errors="replace")[-2000:]
            raise Failure(f"still running after {timeout_s:.0f} s: {' '.join(command)[:200]}\n{tail}") from None
    return Outcome(process.returncode, stdout, stderr)


def read_reports(report: Path) -> list[dict[str, object]]:
    """The reports of all processes of one run: `report` itself and `report`.PID."""
    reports: list[dict[str, object]] = []
    for path in sorted(report.parent.glob(f"{report.name}*")):
        text = path.read_text()
        try:
            reports.append(json.loads(text))
        except ValueError:
            # A process that is killed while it writes leaves half a report behind.
            print(f"note: {path.name} is no complete report ({len(text)} characters)", file=sys.stderr)
    return reports


def served(report: Mapping[str, object]) -> bool:
    """Whether the process of this report got memory from smallblock's own arenas."""
    return int(str(report["arenas_opened_total"])) > 0


def program_of(report: Mapping[str, object]) -> str:
    process = report["process"]
    assert isinstance(process, dict)
    return Path(str(process["command"])).name


def existing_library(path: str) -> Path:
    """For argparse: the preload library's absolute path."""
    library = Path(path).resolve()
    if not library.is_file():
        raise SystemExit(f"smallblock: no preload library at {path}; build it or pass another --preload")
    return library
