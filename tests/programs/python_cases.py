"""Python programs that are hard on an allocator, for two interpreters. See cases.py for what a case promises."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

from cases import WORKLOADS, Case

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
from pythons import find_pythons  # noqa: E402


def chosen_pythons() -> dict[str, str]:
    """The newest interpreter in libpython.so and the newest static one: they differ in how pymalloc is reached."""
    pythons = find_pythons().pythons
    chosen = {}
    for role, shared in (("python_shared", True), ("python_static", False)):
        fitting = [python for python in pythons if python.shared == shared and not python.free_threaded]
        if fitting:
            chosen[role] = fitting[-1].executable
    return chosen


def python_cases(role: str, executable: str) -> list[Case]:
    case = functools.partial(
        Case,
        programs=(executable,),
        environment={"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"},
    )
    start = f"$WRAPPER '{executable}' -s '{WORKLOADS}'"
    return [
        case(f"{role}.hook", script=f"{start}/live_objects.py", least_live_bytes=500_000 * 32),
        case(f"{role}.objects", script=f"{start}/objects.py 10"),
        case(f"{role}.threads", script=f"{start}/threads.py"),
        case(f"{role}.processes", script=f"{start}/processes.py"),
        case(f"{role}.few_objects", script=f"{start}/objects.py 1", only_under_conditions=True),
        case(f"{role}.refusals", script=f"{start}/refusals.py", only_under_conditions=True),
        case(f"{role}.out_of_memory", script=f"{start}/out_of_memory.py", only_under_conditions=True),
    ]
