"""Finds the CPythons of this machine; bench/python/compare, the tests and people import or run it.

Candidates are `python3` and `python3.N` along PATH, in pyenv's versions and in /usr/bin. Each is asked by running it,
so shims, wrappers and virtual environments resolve to the real binary; one binary is listed once.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

PROBE_TIMEOUT_S = 30
OLDEST = (3, 9)
NAME = re.compile(r"python3(\.\d+t?)?")
DEBUG_NAME = re.compile(r"python3\.\d+t?d")  # the distribution's debug build
PROBE = """
import json, os, platform, sys, sysconfig
with open("/proc/self/maps") as maps:
    shared = any("/libpython" in line for line in maps)
print(json.dumps({
    "executable": os.path.realpath(sys.executable),
    "implementation": platform.python_implementation(),
    "version": list(sys.version_info[:3]),
    "shared": shared,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "debug": hasattr(sys, "gettotalrefcount"),
}))
"""


@dataclass(frozen=True)
class Python:
    """One CPython binary. `shared`: it runs from libpython.so; otherwise the interpreter is linked in."""

    executable: str
    version: tuple[int, int, int]
    shared: bool
    free_threaded: bool
    debug: bool

    @property
    def version_text(self) -> str:
        return ".".join(map(str, self.version))

    @property
    def label(self) -> str:
        words = [f"CPython {self.version_text}", "shared libpython" if self.shared else "static libpython"]
        words.append("free-threaded" if self.free_threaded else "GIL")
        if self.debug:
            words.append("debug build")
        return ", ".join(words)

    def matches(self, wish: str) -> bool:
        """Whether `wish` ("3.11", "3.11.2" or a path) means this one."""
        if "/" in wish:
            return os.path.realpath(wish) == self.executable
        return f"{self.version_text}.".startswith(f"{wish}.")


@dataclass(frozen=True)
class Skipped:
    """A candidate that is not listed, and why."""

    executable: str
    reason: str


@dataclass(frozen=True)
class Found:
    """Sorted by version, then path."""

    pythons: list[Python]
    skipped: list[Skipped]


def candidate_folders() -> list[Path]:
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    pyenv_roots = [Path.home() / ".pyenv"]
    if os.environ.get("PYENV_ROOT"):
        pyenv_roots.append(Path(os.environ["PYENV_ROOT"]))
    for root in pyenv_roots:
        folders += sorted(root.glob("versions/*/bin"))
    folders.append(Path("/usr/bin"))
    return folders


def candidates(names: re.Pattern[str]) -> list[Path]:
    """Executable files named like a Python 3, every real file once, scripts (shims) last."""
    by_real_path: dict[str, Path] = {}
    for folder in candidate_folders():
        try:
            entries = sorted(folder.iterdir())
        except OSError:
            continue
        for entry in entries:
            if names.fullmatch(entry.name) and entry.is_file() and os.access(entry, os.X_OK):
                by_real_path.setdefault(os.path.realpath(entry), entry)
    return sorted(by_real_path.values(), key=is_script)


def is_script(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return False


def probe(path: Path) -> dict[str, object] | str:
    """What the interpreter says about itself, or why it could not be asked."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_PRELOAD"))}
    try:
        done = subprocess.run(
            [str(path), "-S", "-c", PROBE],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"does not run: {error}"
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        last_line = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        return f"does not run: {last_line or f'exit status {done.returncode}'}"
    return answer if isinstance(answer, dict) else "does not run: unexpected answer"


def describe(path: Path, oldest: tuple[int, int] = OLDEST) -> Python | Skipped:
    """The CPython that `path` starts: the binary itself, a shim or wrapper, the python of a virtual environment."""
    answer = probe(path)
    if isinstance(answer, str):
        return Skipped(str(path), answer)
    executable = str(answer["executable"])
    if answer["implementation"] != "CPython":
        return Skipped(executable, f"is {answer['implementation']}, not CPython")
    major, minor, micro = answer["version"]  # type: ignore[misc]
    if (major, minor) < oldest:
        return Skipped(executable, f"is {major}.{minor}.{micro}, older than {oldest[0]}.{oldest[1]}")
    return Python(
        executable=executable,
        version=(major, minor, micro),
        shared=bool(answer["shared"]),
        free_threaded=bool(answer["free_threaded"]),
        debug=bool(answer["debug"]),
    )


def find_pythons(oldest: tuple[int, int] = OLDEST, names: re.Pattern[str] = NAME) -> Found:
    """Every CPython from `oldest` up. A pyenv shim that leads nowhere is passed over: its version was seen directly."""
    pythons: dict[str, Python] = {}
    skipped: dict[str, str] = {}
    for path in candidates(names):
        found = describe(path, oldest)
        if isinstance(found, Python):
            pythons[found.executable] = found
        elif found.executable != str(path) or not is_script(path):
            skipped[found.executable] = found.reason
    return Found(
        pythons=sorted(pythons.values(), key=lambda python: (python.version, python.executable)),
        skipped=[Skipped(executable, reason) for executable, reason in sorted(skipped.items())],
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Lists the CPythons of this machine.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    found = find_pythons()
    if arguments.json:
        print(json.dumps(asdict(found), indent=2))
        return 0
    for python in found.pythons:
        print(f"{python.label:52} {python.executable}")
    for skipped in found.skipped:
        print(f"skipped: {skipped.executable} {skipped.reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
