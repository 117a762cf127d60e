"""Run by smallblock.pth at the start of every interpreter whose environment has SMALLBLOCK=1.

A service must not fail because of it: what goes wrong is one line on stderr.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List


def command_line() -> List[str]:
    words = getattr(sys, "orig_argv", None)
    if words is None:  # before CPython 3.10
        with open("/proc/self/cmdline", "rb") as file:
            words = file.read().decode(errors="replace").split("\0")[:-1]
    return list(words)


def is_launcher() -> bool:
    """Whether the interpreter runs `-m smallblock`, which starts another one on it."""
    if getattr(sys, "argv", [])[:1] != ["-m"]:
        return False
    words = command_line()
    module = words[len(words) - len(sys.argv)]  # what stands before the module's own words
    return module == "smallblock" or (module.startswith("-") and module.endswith("msmallblock"))


def complain(what: object) -> None:
    if sys.stderr is not None:  # closed before the program began; print() would take stdout
        print(f"smallblock: SMALLBLOCK=1 {what}", file=sys.stderr)


def start() -> None:
    try:
        if is_launcher():
            return
        from smallblock import _limits, _smallblock, leaks

        # Sub-interpreters find what the main one chose.
        if _smallblock.is_main() and not _smallblock.installed():
            too_low = _limits.complaint()
            if too_low:
                complain(f"goes without a hard limit: {too_low}")
                _limits.leave_out_hard()
            _smallblock.install()
        leaks.answer_getallocatedblocks()
    except (ImportError, OSError, RuntimeError) as error:
        complain(f"has no effect: {error}")


start()
