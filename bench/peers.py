"""Who is compared: the allocators that can be preloaded on this machine, and those inside the hot_path program.

Used by the comparisons. Libraries are found through ldconfig; one that is missing is named, never silently left out.
"""

from __future__ import annotations

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
        return self.name == OURS_PRELOADED or self.name in OURS_INSIDE


class UsageError(Exception):
    """One clear line that says what to do."""


def _installed_libraries() -> dict[str, Path]:
    ldconfig = shutil.which("ldconfig") or shutil.which("ldconfig", path="/sbin:/usr/sbin")
    if ldconfig is None:
        raise UsageError("ldconfig was not found; name the libraries with --library NAME=FILE")
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
        library = next((installed[soname] for soname in sonames if soname in installed), None)
        if library is None:
            missing.append(f"{name}: no {' or '.join(sonames)} is installed")
        else:
            peers.append(Peer(name, library=library))
    for name, library in extra.items():
        if not library.is_file():
            raise UsageError(f"--library {name}: there is no file {library}")
        peers.append(Peer(name, library=library.resolve()))
    if ours.is_file():
        peers.append(Peer(OURS_PRELOADED, library=ours.resolve()))
    else:
        missing.append(f"{OURS_PRELOADED}: {ours} is not built ({HOW_TO_BUILD})")
    return peers, missing


def _ours_with(name: str, ours: Path, variable: str, value: str) -> Peer:
    if not ours.is_file():
        raise UsageError(f"{ours} is not built ({HOW_TO_BUILD})")
    return Peer(name, library=ours.resolve(), environment=((variable, value),))


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
