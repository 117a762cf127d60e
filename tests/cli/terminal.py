"""A terminal for tests: tmux runs a program in one, presses keys, resizes it and tells what is on the screen."""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable

from support import clean_environment, tool

WAIT_S = 30
SGR = re.compile(r"\x1b\[[\d;]*m")


class Terminal:
    """One window of a tmux server of its own, which ends with `close`. The program runs under a shell that notes its
    exit code and how the terminal was before and after it."""

    def __init__(self, folder: Path, words: list[str], columns: int = 80, rows: int = 24, **variables: str) -> None:
        self.folder = folder
        self.socket = Path(tempfile.mkdtemp(dir=folder)) / "tmux"  # a server that ends keeps its socket for a moment
        script = folder / "session.sh"
        script.write_text(
            f"trap : INT\ncd {shlex.quote(str(folder))}\n"
            f"stty -a >before\n{shlex.join(words)}\necho $? >code\nstty -a >after\n"
            "touch ended\nexec sleep 600\n",
            encoding="utf-8",
        )
        self.environment = clean_environment(LANG="C.UTF-8", LC_ALL="C.UTF-8", **variables)
        self.environment.pop("TMUX", None)
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), f"sh {script}")

    def tmux(self, *words: str) -> str:
        return subprocess.run(
            [tool("tmux"), "-u", "-S", str(self.socket), *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=True,
        ).stdout

    def close(self) -> None:
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], capture_output=True, check=False)

    def is_on_own_screen(self) -> bool:
        """Whether the program has switched to the alternate screen."""
        return self.tmux("display-message", "-p", "#{alternate_on}") == "1\n"

    def coloured(self) -> str:
        return self.tmux("capture-pane", "-p", "-e")

    def lines(self) -> list[str]:
        return self.tmux("capture-pane", "-p").split("\n")[:-1]

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def resize(self, columns: int, rows: int) -> None:
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def wait(self, what: str, holds: Callable[[list[str]], bool]) -> list[str]:
        """The first screen of which that is true."""
        deadline = time.monotonic() + WAIT_S
        while True:
            lines = self.lines()
            if holds(lines):
                return lines
            if time.monotonic() > deadline:
                raise AssertionError(f"the screen never had {what}:\n" + "\n".join(lines))
            time.sleep(0.02)

    def wait_for(self, text: str) -> list[str]:
        """The first screen with the text that is whole: the same in two looks, but for the clock in its first line."""
        looks: list[list[str]] = []

        def holds(lines: list[str]) -> bool:
            looks.append(lines)
            is_whole = len(looks) > 1 and looks[-2][1:] == lines[1:]
            return is_whole and any(text in line for line in lines)

        return self.wait(repr(text), holds)

    def wait_end(self) -> int:
        """The program's exit code; the terminal must be as it was before."""
        self.wait("the end", lambda _: (self.folder / "ended").exists())
        before, after = ((self.folder / name).read_text(encoding="utf-8") for name in ("before", "after"))
        if before != after:
            raise AssertionError(f"the terminal was left changed:\n{before}\n{after}")
        state = self.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag} #{keypad_flag}").strip()
        if state != "0 1 0":
            raise AssertionError(f"alternate screen, cursor, keypad: {state}")
        return int((self.folder / "code").read_text(encoding="utf-8"))
