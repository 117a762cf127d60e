"""Which allocators are compared: pymalloc, smallblock, the mallocs that are installed, and CPython's own mimalloc.

Used by `compare`. What is missing is named, never silently left out.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Optional

from child import TRIM_VARIABLE
from measure import MeasureError, Variant, plain, preloaded
from peers import HOW_TO_BUILD, preloaded_peers
from pythons import Python

DEFAULT_LIBRARY = Path(__file__).resolve().parents[2] / "build" / "release" / "lib" / "libsmallblock_preload.so"
INSTALLED_PEERS = ("glibc", "jemalloc", "mimalloc")
OWN_MIMALLOC = Variant("own mimalloc", {"PYTHONMALLOC": "mimalloc"})
OWN_MIMALLOC_SINCE = (3, 13)


def library_name(library: Path) -> str:
    """libsmallblock_preload.so -> smallblock"""
    return library.name.partition(".")[0].replace("lib", "", 1).replace("_preload", "")


def settings_of(text: str) -> dict[str, str]:
    """The value of --also: NAME=VALUE, several with commas."""
    settings = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not (equals and name.startswith("SMALLBLOCK_")):
            raise MeasureError(f"--also takes SMALLBLOCK_NAME=VALUE, or trim, not '{part}'")
        settings[name] = value
    return settings


def tested_variants(library: Optional[Path], also: list[str]) -> list[Variant]:
    """smallblock, and once more with each of the settings, or trimmed when the load of a service ends."""
    tested = (library or DEFAULT_LIBRARY).resolve()
    if not tested.is_file():
        advice = ": build it with ./run true, or give --preload LIB" if library is None else f" ({HOW_TO_BUILD})"
        raise MeasureError(f"there is no {os.path.relpath(tested)}{advice}")
    variants = [preloaded(library_name(tested), tested)]
    for text in also:
        settings = {TRIM_VARIABLE: "1"} if text == "trim" else settings_of(text)
        variants.append(preloaded(text.replace("SMALLBLOCK_", "").lower(), tested, **settings))
    return variants


def peer_variants(more: list[Path], skipped: list[str]) -> list[Variant]:
    """PYTHONMALLOC=malloc over glibc, and over each library."""
    installed, missing = preloaded_peers(DEFAULT_LIBRARY, {})
    skipped += [line for line in missing if line.startswith(INSTALLED_PEERS)]
    libraries = {peer.name: peer.library for peer in installed if peer.name in INSTALLED_PEERS}
    for peer in more:
        if not peer.is_file():
            raise MeasureError(f"there is no {peer}: give --peer the path of a shared library")
        libraries[library_name(peer)] = peer.resolve()
    return [
        preloaded(name, library, PYTHONMALLOC="malloc") if library else Variant(name, {"PYTHONMALLOC": "malloc"})
        for name, library in libraries.items()
    ]


def has_own_mimalloc(python: Python) -> bool:
    if python.version < OWN_MIMALLOC_SINCE:
        return False
    environment = {**os.environ, **OWN_MIMALLOC.settings}
    command = [python.executable, "-S", "-c", ""]
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0


def variants_of(python: Python, tested: list[Variant], peers: list[Variant], skipped: list[str]) -> list[Variant]:
    """pymalloc first, then the tested, then the peers that this interpreter can use."""
    variants = [plain(), *tested, *peers]
    if peers and has_own_mimalloc(python):
        variants.append(OWN_MIMALLOC)
    elif peers:
        skipped.append(f"PYTHONMALLOC=mimalloc: {python.version_text} does not know it")
    return variants
