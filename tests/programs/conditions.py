"""Circumstances under which some of the cases run once more: another allocator below, little memory, valgrind.

The name of such a run is the case's name, a dot and the condition's name.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from cases import Case


@dataclass(frozen=True)
class Condition:
    """`prefix` (shell) and `environment` hold for both runs, `wrapper` and `next_library` for the preloaded one.

    `next_library` is loaded behind smallblock. `evidence` is a regular expression that the preloaded run's stderr
    must match; stderr is compared with the plain run's only if there is no evidence in it.
    """

    name: str
    cases: tuple[str, ...]
    prefix: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    programs: tuple[str, ...] = ()
    wrapper: str = ""
    next_library: str = ""
    evidence: bytes = b""
    timeout_s: int = 0
    slow: bool = False

    def applies_to(self, case: Case) -> bool:
        return any(fnmatch(case.name, pattern) for pattern in self.cases)


@functools.lru_cache(maxsize=None)
def find_library(name: str) -> Path | None:
    """Where the dynamic linker finds lib`name`.so.N for 64-bit programs; to load a malloc could fail."""
    search = os.environ.get("PATH", "") + ":/sbin:/usr/sbin"
    ldconfig = shutil.which("ldconfig", path=search)
    if ldconfig is None:
        return None
    table = subprocess.run([ldconfig, "-p"], stdout=subprocess.PIPE, check=True, text=True, timeout=60).stdout
    paths = re.findall(rf"^\s*lib{name}\.so\.\S+ \(.*64.*\) => (\S+)$", table, re.MULTILINE)
    return Path(paths[0]) if paths else None


def limited(mebibytes: int) -> str:
    return f"ulimit -v {mebibytes * 1024}"


VALGRIND = "valgrind --quiet --tool="

CONDITIONS = (
    Condition(
        "over_jemalloc",
        cases=(
            *("sqlite3", "zstd", "python_*.objects", "python_*.refusals"),
            *("python_shared.threads", "python_static.processes"),
        ),
        next_library="jemalloc",
        environment={"MALLOC_CONF": "stats_print:true,stats_print_opts:mdablxeh"},
        evidence=rb"Allocated: [1-9]\d{4}",
    ),
    Condition(
        "over_mimalloc",
        cases=(
            *("sqlite3", "zstd", "python_*.objects", "python_*.refusals"),
            *("python_static.threads", "python_shared.processes"),
        ),
        next_library="mimalloc",
        environment={"MIMALLOC_SHOW_STATS": "1"},
        evidence=rb"(?m)^ *committed: +[1-9]",
    ),
    Condition(
        "limit_1GiB",
        cases=("sqlite3", "gawk", "python_*.objects", "python_shared.out_of_memory"),
        prefix=limited(1024),
    ),
    Condition(
        "limit_200MiB",
        cases=("sqlite3", "gawk", "python_*.few_objects", "python_*.out_of_memory"),
        prefix=limited(200),
    ),
    Condition("hook_off", cases=("python_*.few_objects",), environment={"SMALLBLOCK_PYTHON": "0"}),
    # CPython's debug hooks lie over smallblock: the objects still show in its report.
    Condition(
        "pythonmalloc_debug",
        cases=("python_*.few_objects", "python_*.hook"),
        environment={"PYTHONMALLOC": "debug"},
    ),
    Condition("dev_mode", cases=("python_*.hook",), environment={"PYTHONDEVMODE": "1"}),
    Condition("pythonmalloc_malloc", cases=("python_*.objects",), environment={"PYTHONMALLOC": "malloc"}),
    Condition("tracemalloc", cases=("python_*.few_objects",), environment={"PYTHONTRACEMALLOC": "3"}),
    # Programs without misuse run as ever in check mode; tests/misuse shows that the variable switches it on.
    Condition(
        "check_mode",
        cases=(
            *("sqlite3", "git", "sort", "gawk", "jq", "perl"),
            *("python_*.few_objects", "python_*.threads", "python_*.processes"),
        ),
        environment={"SMALLBLOCK_CHECK": "1"},
    ),
    Condition(
        "sampling",
        cases=("sqlite3", "git", "python_*.few_objects", "python_*.threads", "python_*.processes"),
        environment={"SMALLBLOCK_CHECK": "sample:50"},
    ),
    Condition(
        "under_valgrind",
        cases=("python_*.few_objects",),
        programs=("valgrind",),
        wrapper=f"{VALGRIND}none",
        timeout_s=300,
        slow=True,
    ),
    Condition(
        "under_callgrind",
        cases=("python_shared.few_objects",),
        programs=("valgrind",),
        wrapper=f"{VALGRIND}callgrind --callgrind-out-file=callgrind.out",
        timeout_s=400,
        slow=True,
    ),
    # Memcheck puts its own malloc in the place of ours; smallblock still serves CPython's own objects.
    Condition(
        "under_memcheck",
        cases=("python_*.few_objects",),
        programs=("valgrind",),
        wrapper=f"{VALGRIND}memcheck",
        timeout_s=400,
        slow=True,
    ),
    # Told to intercept libc alone, it leaves malloc to smallblock too.
    Condition(
        "under_memcheck_libc_only",
        cases=("python_*.few_objects",),
        programs=("valgrind",),
        wrapper=f"{VALGRIND}memcheck --soname-synonyms=somalloc=nouserintercepts",
        timeout_s=400,
        slow=True,
    ),
)
