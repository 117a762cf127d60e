"""One run of CPython's own tests (`python -m test`), read back test by test.

cpython_suite.py makes two of them, plain and preloaded, and compares. An outcome comes from three places that cover
each other's gaps: the JUnit file (every test, but no failed subtests), the FAIL and ERROR headlines, and the state
that regrtest prints for every module (crashes and timeouts).
"""

from __future__ import annotations

import re
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from preload_run import Failure, plain_environment, run

MODULES = (
    "test_gc",
    "test_dict",
    "test_list",
    "test_json",
    "test_threading",
    "test_fork1",
    "test_capi",
    "test_asyncio",
)
MODULE_TIMEOUT_S = 400
RUN_TIMEOUT_S = 900
MODULE_LINE = re.compile(
    r"^\d+:\d\d:\d\d .*?\[ *\d+/\d+(?:/\d+)?\] (test[_.]\S+) ([a-z][a-z -]*?)(?: \(| --|$)", re.MULTILINE
)
HEADLINE = re.compile(r"^((?:FAIL|ERROR): .*)$", re.MULTILINE)
SMALLBLOCK_LINE = re.compile(r"^.*\bsmallblock: .*$", re.MULTILINE)
PROBE = """
import importlib.util, sys
for module in sys.argv[1:]:
    if importlib.util.find_spec("test") and importlib.util.find_spec("test." + module):
        print(module)
"""


@dataclass(frozen=True)
class Results:
    """`tests`: outcomes by test id (several where an id repeats). `modules`: state by module."""

    tests: Mapping[str, tuple[str, ...]]
    modules: Mapping[str, str]
    output: str

    @property
    def crashed(self) -> set[str]:
        """Modules whose process ended by a signal; the second wording is that of 3.12 and later."""
        return {module for module, state in self.modules.items() if "crash" in state or "non-zero" in state}

    @property
    def complaints(self) -> list[str]:
        """Lines in which smallblock speaks: there should be none."""
        return SMALLBLOCK_LINE.findall(self.output)


def shipped_modules(executable: str) -> list[str]:
    """Those of MODULES that the interpreter has; distributions leave many out."""
    outcome = run([executable, "-c", PROBE, *MODULES], Path.cwd(), plain_environment(), timeout_s=60)
    return outcome.stdout.decode().split()


def without_addresses(text: str) -> str:
    return re.sub(r"0x[0-9a-fA-F]+", "0x...", text)


def read_junit(path: Path) -> dict[str, list[str]]:
    outcomes: dict[str, list[str]] = {}
    for test in ElementTree.parse(path).getroot().iter("testcase"):
        words = sorted({child.tag for child in test} & {"failure", "error", "skipped"})
        outcomes.setdefault(without_addresses(test.get("name", "")), []).append("+".join(words) or "passed")
    return outcomes


def run_modules(
    executable: str,
    modules: Sequence[str],
    jobs: int,
    folder: Path,
    environment: Mapping[str, str],
    left_out: Sequence[str] = (),
) -> Results:
    """Runs the modules in `jobs` processes at once; `folder` must be new. `left_out`: patterns of tests' names."""
    folder.mkdir(parents=True)
    junit = folder / "junit.xml"
    command = [executable, "-m", "test", f"-j{jobs}", "--verbose", "--timeout", str(MODULE_TIMEOUT_S)]
    for pattern in left_out:
        command += ["--ignore", pattern]
    # Some tests use fixed names in the system's folder, and another run may be going on. Others make sockets in it,
    # whose whole path may have 107 letters.
    with tempfile.TemporaryDirectory(prefix="sb") as temporary:
        command += ["--tempdir", temporary, "--junit-xml", str(junit), *modules]
        outcome = run(command, folder, {**environment, "TMPDIR": temporary}, RUN_TIMEOUT_S)
    output = (outcome.stdout + outcome.stderr).decode(errors="replace")
    states = dict(MODULE_LINE.findall(output))
    if not junit.exists() and set(states.values()) != {"skipped"}:
        raise Failure(f"regrtest ended with status {outcome.status} and without results:\n{output[-3000:]}")
    tests = read_junit(junit) if junit.exists() else {}
    for headline in HEADLINE.findall(output):
        tests.setdefault(without_addresses(headline), []).append("reported")
    return Results({name: tuple(sorted(words)) for name, words in tests.items()}, states, output)
