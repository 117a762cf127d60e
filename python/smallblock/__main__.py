"""python3 -m smallblock [options] app.py ..., -m module ... or -c code: a program on smallblock from the start.

The interpreter is started anew with the preload library of this package in LD_PRELOAD; children of the program
inherit that. Options and environment are those of the command `smallblock run`. With --view it is the command
`smallblock view` that starts the interpreter.
"""

from __future__ import annotations

import _imp
import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, NoReturn, Optional

from smallblock import _limits, _smallblock

USAGE = """usage: python3 -m smallblock [options] app.py [argument ...]
       python3 -m smallblock [options] -m module [argument ...]
       python3 -m smallblock [options] -c code [argument ...]
Runs a Python program on smallblock from its first allocation.
  --stats[=FORMAT]   a report when the program ends, text or json
  --stats-file FILE  the report goes there, that of a child process to FILE.PID
  --check            every block is guarded: the first misuse ends the program with a message that says which
  --check=sample:N   one allocation in N is guarded by a page of its own; cheap enough to leave on at 5000
  --view             the heap in a browser while the program runs; needs the command smallblock in PATH
  --version          which release of smallblock this is
"""
LIBRARY = Path(__file__).resolve().with_name("libsmallblock_preload.so")
COMMAND = "smallblock"
# Limits above leave any interpreter room to start; below, one is started to see what it holds.
CERTAIN_BYTES = 64 << 20
REPORT_HEAD = re.compile(
    rb'smallblock [^,\n]+, process \d+ \(|\{\s*"schema": \d+,\s*"version": "[^"]*",\s*"process": \{\s*"pid": \d+'
)


class Request(NamedTuple):
    stats: Optional[str]
    stats_file: Optional[str]
    check: Optional[str]
    view: bool
    program: List[str]  # what the interpreter gets


def refuse(sentence: str) -> NoReturn:
    if sys.stderr is not None:  # closed before the program began
        sys.stderr.write(f"smallblock: {sentence}\n")
    sys.exit(2)


def parse(arguments: List[str]) -> Request:
    options: Dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest[0]
        name, has_value, value = word.partition("=")
        if word in ("-h", "--help"):
            print(USAGE, end="")
            sys.exit(0)
        if word == "--version":
            print(f"smallblock {_smallblock.VERSION}")
            sys.exit(0)
        if word.startswith(("-m", "-c")) or not word.startswith("-") or word == "-":
            break
        rest.pop(0)
        if word == "--":
            if rest and rest[0].startswith("-") and not rest[0].startswith(("-m", "-c")):
                rest.insert(0, word)  # a file of that name
            break
        if name == "--stats-file" and not has_value:
            value = rest.pop(0) if rest else ""
        elif name in ("--stats", "--check", "--view") and not has_value:
            value = {"--stats": "text", "--check": "1", "--view": "yes"}[name]
        options[name] = checked(name, value, word)
    if not rest:
        refuse("name a program: python3 -m smallblock app.py")
    if rest[0] in ("-m", "-c") and len(rest) == 1:
        refuse(f"{rest[0]} needs an argument")
    wanted = (options.get(name) for name in ("--stats", "--stats-file", "--check"))
    return Request(*wanted, "--view" in options, rest)


def checked(name: str, value: str, word: str) -> str:
    """The value of an option, if it is a good one."""
    if name == "--stats" and value not in ("text", "json"):
        refuse(f"--stats is text or json, not '{value}'")
    if name == "--stats-file" and not value:
        refuse("--stats-file needs a path")
    if name == "--check" and value != "1" and not re.fullmatch("sample:0*[1-9][0-9]{0,8}", value):
        refuse(f"--check is sample:N, as in sample:5000, not '{value}'")
    if name == "--view" and value != "yes":
        refuse(f"--view takes no value, not '{value}'")
    if not word.startswith("--"):
        refuse(f"flags of the interpreter go before: python3 {word} -m smallblock app.py")
    if name not in ("--stats", "--stats-file", "--check", "--view"):
        refuse(f"unknown option '{word}'; try python3 -m smallblock --help")
    return value


def preload_value(environment: Dict[str, str]) -> str:
    """Our library first; what was preloaded stays, and is the malloc below."""
    if any(sign in str(LIBRARY) for sign in " :"):
        refuse(f"LD_PRELOAD cannot carry a path with a space or a colon; install the package elsewhere: {LIBRARY}")
    others = environment.get("LD_PRELOAD", "").replace(":", " ").split()
    return ":".join([str(LIBRARY), *(other for other in others if Path(other).name != LIBRARY.name)])


def remove_old_report(path: Path) -> None:
    """So that it does not pass for this run's, which may leave none. Only what begins as a report does."""
    if path.is_symlink() or not path.is_file():
        return
    with contextlib.suppress(OSError):
        with path.open("rb") as file:
            head = file.read(256)
        if REPORT_HEAD.match(head):
            path.unlink()


def program_environment(request: Request) -> Dict[str, str]:
    environment = dict(os.environ)
    if request.check:
        environment["SMALLBLOCK_CHECK"] = request.check
    if request.stats or request.stats_file:
        environment["SMALLBLOCK_STATS"] = request.stats or "text"
        environment["SMALLBLOCK_STATS_PID"] = str(os.getpid())
        environment.pop("SMALLBLOCK_STATS_FILE", None)
    if request.stats_file:
        try:
            path = Path(request.stats_file).absolute()
        except FileNotFoundError:
            refuse("--stats-file: the current directory is gone; give a path from /")
        if not path.parent.is_dir():
            refuse(f"--stats-file: create the directory {path.parent} first")
        remove_old_report(path)
        environment["SMALLBLOCK_STATS_FILE"] = str(path)
    return environment


def refuse_low_limit(environment: Dict[str, str], preload: str) -> None:
    """A limit below what an interpreter takes by itself would end it before it can say so."""
    text = environment.get(_limits.HARD, "")
    hard = _limits.bytes_in(text)
    if hard is None or hard >= CERTAIN_BYTES:
        return
    left_out = (_limits.HARD, _limits.SOFT, "SMALLBLOCK_STATS", "SMALLBLOCK_STATS_FILE", "SMALLBLOCK_STATS_PID")
    without = {name: value for name, value in environment.items() if name not in left_out}
    command = [sys.executable, *interpreter_flags(), "-c", "from smallblock import _limits; print(_limits.held_bytes())"]
    answer = subprocess.run(
        command,
        env={**without, "LD_PRELOAD": preload},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if not answer.stdout.strip().isdigit():  # the program's own start says why
        return
    needed = int(answer.stdout) * 5 // 4
    if hard < needed:
        refuse(f"{_limits.HARD}={text} is below the {needed} bytes that an interpreter needs to start; {_limits.ADVICE}")


def view_command() -> List[str]:
    command = shutil.which(COMMAND)
    if command is None:
        refuse(f"--view needs the command {COMMAND}, which is not in PATH; build it from the source and add its folder")
    return [command, "view", "--"]


def interpreter_flags() -> List[str]:
    """The flags that this interpreter got; what the environment says reaches the next one by itself."""
    # -W, -O, -E and their like, as multiprocessing hands them to its children; of -X they leave out most.
    flags: List[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    kept = [flag for flag, before in zip(flags, ["", *flags]) if "-X" not in (flag, before)]
    options = [name if value is True else f"{name}={value}" for name, value in sys._xoptions.items()]
    unbuffered = ["-u"] if sys.stdout is not None and sys.stdout.write_through else []
    inspect = ["-i"] if sys.flags.inspect else []
    pycs = _imp.check_hash_based_pycs
    checks = [] if pycs == "default" else ["--check-hash-based-pycs", pycs]
    return [*kept, *unbuffered, *inspect, *checks, *(word for option in options for word in ("-X", option))]


def main(arguments: List[str]) -> NoReturn:
    request = parse(arguments)
    if not LIBRARY.is_file():
        refuse(f"{LIBRARY.name} is not in the package; build it with ./build-wheel and install the wheel")
    environment = program_environment(request)
    preload = preload_value(environment)
    refuse_low_limit(environment, preload)
    program = [sys.executable, *interpreter_flags(), *request.program]
    if request.view:
        # The command itself runs as it is, and preloads the library that it is told. The program is a child of it.
        environment["SMALLBLOCK_LIBRARY"] = str(LIBRARY)
        environment.pop("SMALLBLOCK_STATS_PID", None)
        program = [*view_command(), *program]
    else:
        environment["LD_PRELOAD"] = preload
    if sys.stdout is not None:
        sys.stdout.flush()
    os.execve(program[0], program, environment)


if __name__ == "__main__":
    main(sys.argv[1:])
