"""The type of one case: real work for real programs, with inputs that are the same on every run.

native_cases.py and python_cases.py list them, conditions.py says under which circumstances some run once more, and
native_programs.py runs them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

WORKLOADS = Path(__file__).resolve().parent / "workloads"


def nothing(folder: Path) -> None:
    """For cases that need no input."""


@dataclass(frozen=True)
class Case:
    """`script` runs in an empty folder into which `inputs` has written.

    Every one of `programs` must exist, otherwise the case is skipped; and after the preloaded run every one of
    `reporters` (the programs, unless it says otherwise) must have reported that smallblock served it. `outputs` are
    the files that must be the same after both runs, besides stdout, stderr and the exit status. Blocks of at least
    `least_live_bytes` must be alive when a reporter ends. An `only_under_conditions` case runs in no other way.
    """

    name: str
    programs: tuple[str, ...]
    script: str
    inputs: Callable[[Path], None] = nothing
    outputs: tuple[str, ...] = ()
    reporters: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    least_live_bytes: int = 0
    only_under_conditions: bool = False
    timeout_s: int = 120

    @property
    def expected_reporters(self) -> tuple[str, ...]:
        return self.reporters or tuple(Path(program).name for program in self.programs)
