"""python3 -m smallblock [options] app.py ..., -m module ... or -c code: a program on smallblock from the start.

The interpreter is started anew with the preload library of this package in LD_PRELOAD; children of the program
inherit that. Options and environment are those of the command `smallblock run`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, NoReturn, Optional, Tuple

USAGE = """usage: python3 -m smallblock [--stats[=text|json]] [--stats-file FILE] app.py [argument ...]
       python3 -m smallblock [options] -m module [argument ...]
       python3 -m smallblock [options] -c code [argument ...]
Runs a Python program on smallblock from its first allocation.
  --stats[=FORMAT]   a report when the program ends, text or json
  --stats-file FILE  the report goes there, that of a child process to FILE.PID
"""
LIBRARY = Path(__file__).resolve().with_name("libsmallblock_preload.so")


def refuse(sentence: str) -> NoReturn:
    sys.stderr.write(f"smallblock: {sentence}\n")
    sys.exit(2)


def parse(arguments: List[str]) -> Tuple[Optional[str], Optional[str], List[str]]:
    """The format of the report, its file, and what the interpreter gets."""
    stats: Optional[str] = None
    stats_file: Optional[str] = None
    rest = list(arguments)
    while rest:
        word = rest[0]
        if word in ("-h", "--help"):
            print(USAGE, end="")
            sys.exit(0)
        if word == "--stats":
            stats = "text"
        elif word.startswith("--stats="):
            stats = word.partition("=")[2]
            if stats not in ("text", "json"):
                refuse(f"--stats is text or json, not '{stats}'")
        elif word == "--stats-file" or word.startswith("--stats-file="):
            if word == "--stats-file":
                rest.pop(0)
            stats_file = rest[0].partition("=")[2] if "=" in word else rest[0] if rest else ""
            if not stats_file:
                refuse("--stats-file needs a path")
        elif word == "--":
            rest.pop(0)
            break
        elif word in ("-m", "-c") or not word.startswith("-") or word == "-":
            break
        else:
            refuse(f"unknown option '{word}'; try python3 -m smallblock --help")
        rest.pop(0)
    if not rest:
        refuse("name a program: python3 -m smallblock app.py")
    if rest[0] in ("-m", "-c") and len(rest) == 1:
        refuse(f"{rest[0]} needs an argument")
    return stats, stats_file, rest


def preload_value(environment: Dict[str, str]) -> str:
    """Our library first; what was preloaded stays, and is the malloc below."""
    if any(sign in str(LIBRARY) for sign in " :"):
        refuse(f"LD_PRELOAD cannot carry a path with a space or a colon; install the package elsewhere: {LIBRARY}")
    others = environment.get("LD_PRELOAD", "").replace(":", " ").split()
    return ":".join([str(LIBRARY), *(other for other in others if Path(other).name != LIBRARY.name)])


def program_environment(stats: Optional[str], stats_file: Optional[str]) -> Dict[str, str]:
    environment = dict(os.environ)
    environment["LD_PRELOAD"] = preload_value(environment)
    if stats or stats_file:
        environment["SMALLBLOCK_STATS"] = stats or "text"
        environment["SMALLBLOCK_STATS_PID"] = str(os.getpid())
        environment.pop("SMALLBLOCK_STATS_FILE", None)
    if stats_file:
        path = Path(stats_file).absolute()
        if not path.parent.is_dir():
            refuse(f"--stats-file: create the directory {path.parent} first")
        environment["SMALLBLOCK_STATS_FILE"] = str(path)
    return environment


def main(arguments: List[str]) -> NoReturn:
    stats, stats_file, program = parse(arguments)
    if not LIBRARY.is_file():
        refuse(f"{LIBRARY.name} is not in the package; build it with ./build-wheel and install the wheel")
    environment = program_environment(stats, stats_file)
    # -X, -W, -O, -E and their like, as multiprocessing hands them to its children.
    flags: List[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *flags, *program], environment)


if __name__ == "__main__":
    main(sys.argv[1:])
