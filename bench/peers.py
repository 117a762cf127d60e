"""Who is compared: the allocators that can be preloaded on this machine, and those inside the hot_path program.

Used by the comparisons. Libraries are found through ldconfig; one that is missing is named, never silently left out.
Each run has the same environment, whatever the caller's tells allocators to do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

HOW_TO_BUILD = "cmake --preset release && cmake --build --preset release"
# Shown under these names; the first soname that the system knows is taken.
PRELOADABLE = {
    "jemalloc": ("libjemalloc.so.2",),
    "mimalloc": ("libmimalloc.so.3", "libmimalloc.so.2"),
    "tcmalloc": ("libtcmalloc_minimal.so.4",),
    "tbbmalloc": ("libtbbmalloc_proxy.so.2",),
}
OURS_PRELOADED = "smallblock"
# The same library with memory return by itself switched off.
WITHOUT_DECAY = "smallblock_no_decay"
# And with one allocation in 5000 sampled (docs/reliability.md).
SAMPLED = "smallblock_sampled"
OURS_INSIDE = ("sb_api", "inlined")
OTHERS_INSIDE = ("pmr_unsynchronized", "pmr_synchronized", "boost_pool")
# The program's reference that no real allocator can reach; shown, but never the fastest peer.
REFERENCE = "floor"
OURS = (OURS_PRELOADED, WITHOUT_DECAY, SAMPLED, *OURS_INSIDE)
# Names that --library may not give: figures of two allocators would stand under one.
TAKEN = ("glibc", *OURS, *OTHERS_INSIDE, REFERENCE)
# Variables that change what an allocator or CPython does.
ALLOCATOR_PREFIXES = ("LD_PRELOAD", "LD_AUDIT", "SMALLBLOCK", "MALLOC", "MIMALLOC_", "TCMALLOC_", "TBB_", "GLIBC_TUNABLES")
DROPPED_PREFIXES = (*ALLOCATOR_PREFIXES, "PYTHON")


@dataclass(frozen=True)
class Peer:
    """An allocator: its library under LD_PRELOAD (none: libc's), or its policy inside the program."""

    name: str
    policy: str = "malloc"
    library: Optional[Path] = None
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def preloaded(self) -> bool:
        return self.policy == "malloc"

    @property
    def ours(self) -> bool:
        return self.name in OURS


class UsageError(Exception):
    """One clear line that says what to do."""


def clean_environment() -> dict[str, str]:
    """The caller's environment without what is told to allocators and to CPython."""
    return {name: value for name, value in os.environ.items() if not name.startswith(DROPPED_PREFIXES)}


def dropped_settings() -> list[str]:
    """One line, if clean_environment() leaves out what somebody may have meant for the allocators."""
    names = sorted(name for name in os.environ if name.startswith(ALLOCATOR_PREFIXES))
    return [f"the runs do not see {', '.join(names)}"] if names else []


def chosen(wanted: list[str], known: list[str], what: str) -> list[str]:
    """Those of `known` that are wanted, all if none is named; UsageError for one that is not there."""
    for name in wanted:
        if name not in known:
            raise UsageError(f"no {what} {name!r} here; there are: {', '.join(known)}")
    return [name for name in known if name in wanted] if wanted else known


def _preloadable(library: Path) -> Path:
    path = library.resolve()
    if " " in str(path) or ":" in str(path):
        raise UsageError(f"LD_PRELOAD cannot carry a path with a space or a colon: {path}")
    return path


def _installed_libraries() -> Optional[dict[str, Path]]:
    ldconfig = shutil.which("ldconfig") or shutil.which("ldconfig", path="/sbin:/usr/sbin")
    if ldconfig is None:
        return None
    listing = subprocess.run([ldconfig, "-p"], check=True, capture_output=True, text=True).stdout
    found: dict[str, Path] = {}
    for soname, path in re.findall(r"^\s+(\S+) \(.*\) => (\S+)$", listing, re.MULTILINE):
        found.setdefault(soname, Path(path))
    return found


def parse_libraries(definitions: list[str]) -> dict[str, Path]:
    """The values of --library NAME=FILE."""
    libraries = {}
    for definition in definitions:
        name, equals, path = definition.partition("=")
        if not (name and equals and path):
            raise UsageError(f"--library takes NAME=FILE, not {definition!r}")
        if name in TAKEN or name in libraries:
            raise UsageError(f"--library: there is another {name!r} already; choose another name")
        libraries[name] = Path(path)
    return libraries


def preloaded_peers(ours: Path, extra: dict[str, Path]) -> tuple[list[Peer], list[str]]:
    """The peers that can run, ours last, and one line for each that cannot."""
    installed = _installed_libraries()
    peers = [Peer("glibc")]
    missing: list[str] = []
    for name, sonames in PRELOADABLE.items():
        if name in extra:
            continue
        if installed is None:
            missing.append(f"{name}: there is no ldconfig to find it; --library {name}=FILE names it")
            continue
        library = next((installed[soname] for soname in sonames if soname in installed), None)
        if library is None:
            missing.append(f"{name}: no {' or '.join(sonames)} is installed")
        else:
            peers.append(Peer(name, library=library))
    for name, library in extra.items():
        if not library.is_file():
            raise UsageError(f"--library {name}: there is no file {library}")
        peers.append(Peer(name, library=_preloadable(library)))
    if ours.is_file():
        peers.append(Peer(OURS_PRELOADED, library=_preloadable(ours)))
    else:
        missing.append(f"{OURS_PRELOADED}: {ours} is not built ({HOW_TO_BUILD})")
    return peers, missing


def _ours_with(name: str, ours: Path, variable: str, value: str) -> Peer:
    if not ours.is_file():
        raise UsageError(f"{ours} is not built ({HOW_TO_BUILD})")
    return Peer(name, library=_preloadable(ours), environment=((variable, value),))


def without_decay(ours: Path) -> Peer:
    return _ours_with(WITHOUT_DECAY, ours, "SMALLBLOCK_DECAY_MS", "-1")


def sampled(ours: Path) -> Peer:
    return _ours_with(SAMPLED, ours, "SMALLBLOCK_CHECK", "sample:5000")


def inside_peers(cases: dict[str, str]) -> tuple[list[Peer], list[str]]:
    """One peer for each policy of the program but malloc, ours last; cases as runs.list_cases gives them."""
    policies = list(dict.fromkeys(case.split("/")[1] for case in cases))
    others = [policy for policy in policies if policy != "malloc" and policy not in OURS_INSIDE]
    ours = [policy for policy in OURS_INSIDE if policy in policies]
    missing = [f"{name}: not in this program" for name in (*OTHERS_INSIDE, *OURS_INSIDE) if name not in policies]
    return [Peer(policy, policy) for policy in others + ours], missing
