"""Runs code in an interpreter of its own: what smallblock does to a process, another test must not see."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Optional
from unittest import TestCase

TIMEOUT_S = 120

# Allocates and drops objects of many sizes, so that a block that went to the wrong allocator would be noticed.
CHURN = """
def churn(rounds=20):
    kept = []
    for i in range(rounds):
        kept.append([(j, str(j) * (j % 40), {"key": j}) for j in range(500)])
        if i % 3 == 0:
            del kept[::2]
    return sum(len(row) for row in kept)
"""

BOTH = (("installed", "import smallblock\nsmallblock.install()\n", False), ("preloaded", "import smallblock\n", True))


def run(
    code: str,
    *,
    flags: Optional[List[str]] = None,
    environment: Optional[Dict[str, str]] = None,
    on_smallblock: bool = False,
    status: int = 0,
) -> str:
    """Stdout and stderr of the code, run from a file; fails if it does not end with `status`."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.py"
        program.write_text(CHURN + code)
        launcher = ["-m", "smallblock"] if on_smallblock else []
        done = subprocess.run(
            [sys.executable, *(flags or []), *launcher, str(program)],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    if done.returncode != status:
        raise AssertionError(f"ends with {done.returncode}, not {status}:\n{done.stdout}")
    return done.stdout


class BothWays(TestCase):
    """Tests whose code runs after install(), and in a process that was started on smallblock."""

    def each(self, code: str, **environment: str) -> None:
        for name, start, on_smallblock in BOTH:
            with self.subTest(name):
                run(start + code, on_smallblock=on_smallblock, environment=environment)
