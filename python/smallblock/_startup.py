"""Run by smallblock.pth at the start of every interpreter whose environment has SMALLBLOCK=1.

A service must not fail because of it: what goes wrong is one line on stderr.
"""

from __future__ import annotations

import sys


def start() -> None:
    try:
        from smallblock import _smallblock, leaks

        if not _smallblock.installed():
            _smallblock.install()
        leaks.answer_getallocatedblocks()
    except (ImportError, RuntimeError) as error:
        print(f"smallblock: SMALLBLOCK=1 has no effect: {error}", file=sys.stderr)


start()
