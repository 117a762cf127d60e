"""Runs one program under one allocator, samples its resident memory from outside while it runs, and keeps its phases.

Used by `compare`. The sampler reads /proc/PID/statm from this process, so that it allocates nothing in the other one;
the phases, which the figures come from, are read by the program itself from smaps_rollup.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from peers import OURS_PRELOADED, Peer, UsageError, clean_environment  # noqa: E402

SAMPLE_S = 0.015
TIMEOUT_S = 1200
DECAY_OFF = f"{OURS_PRELOADED}, decay off"
PYMALLOC = "pymalloc"
GLIBC, GLIBC_TRIM = "glibc", "glibc+trim"


@dataclass(frozen=True)
class Variant:
    """An allocator and whether it is asked to give back."""

    name: str
    library: Optional[Path] = None
    trim: bool = True
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def ours(self) -> bool:
        return self.name.startswith(OURS_PRELOADED)


@dataclass(frozen=True)
class Phase:
    phase: str
    index: int
    time_s: float
    live_bytes: int
    rss_bytes: int
    private_dirty_bytes: int
    anon_huge_bytes: int
    vmas: int
    took_ms: float
    cpu_ms: float


@dataclass(frozen=True)
class Run:
    """One process. `samples` are (seconds since the baseline, resident bytes above it)."""

    scenario: str
    cell: str
    peer: str
    phases: list[Phase]
    samples: list[tuple[float, int]]

    def find(self, phase: str, index: int = 0) -> Optional[Phase]:
        return next((one for one in self.phases if (one.phase, one.index) == (phase, index)), None)

    def at(self, phase: str, index: int = 0) -> Phase:
        found = self.find(phase, index)
        if found is None:
            raise UsageError(f"{self.cell} under {self.peer} gave no phase {phase!r}")
        return found

    @property
    def baseline_bytes(self) -> int:
        return self.at("baseline").rss_bytes

    def until(self, scenario: str, phase: str) -> Run:
        """The same run up to the end of a phase, as part of another scenario."""
        end_s = self.at(phase).time_s - self.at("baseline").time_s
        kept = [sample for sample in self.samples if sample[0] <= end_s]
        return Run(scenario, self.cell, self.peer, self.phases, kept)


def native_variants(peers: list[Peer]) -> list[Variant]:
    """The peers as bench/peers.py finds them, with two of glibc: one that is asked to trim, one that is not."""
    variants = []
    for peer in peers:
        if peer.name == GLIBC:
            variants += [Variant(GLIBC, trim=False), Variant(GLIBC_TRIM)]
        else:
            variants.append(Variant(peer.name, peer.library))
    return variants


def python_variants(native: list[Variant]) -> list[Variant]:
    """pymalloc alone; smallblock hooks itself in; the others take CPython's place by PYTHONMALLOC=malloc."""
    variants = [Variant(PYMALLOC, trim=False)]
    for one in native:
        settings = {} if one.ours else {"PYTHONMALLOC": "malloc"}
        variants.append(Variant(one.name, one.library, one.trim, settings))
    return variants


def environment_of(variant: Variant) -> dict[str, str]:
    environment = clean_environment()
    environment.update({"PYTHONHASHSEED": "0", **variant.settings})
    if variant.library is not None:
        environment["LD_PRELOAD"] = str(variant.library)
    return environment


def resident_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def sample_until_end(process: subprocess.Popen[bytes], what: str) -> list[tuple[float, int]]:
    samples = []
    begin = time.monotonic()
    while process.poll() is None:
        now, resident = time.monotonic(), resident_bytes(process.pid)
        if resident > 0:
            samples.append((now, resident))
        if now - begin > TIMEOUT_S:
            raise UsageError(f"{what}: did not end within {TIMEOUT_S} s; choose a smaller --scale")
        time.sleep(SAMPLE_S)
    return samples


def parse_phases(text: str) -> list[Phase]:
    phases = []
    for line in text.splitlines():
        fields: dict[str, Any] = json.loads(line)
        phases.append(Phase(**fields))
    return phases


def run(scenario: str, cell: str, variant: Variant, command: list[str]) -> Run:
    what = f"{scenario}, {cell} under {variant.name}"
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, env=environment_of(variant), stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
        try:
            samples = sample_until_end(process, what)
        finally:
            if process.poll() is None:  # too slow, or we are interrupted
                process.kill()
                process.wait()
        output.seek(0)
        errors.seek(0)
        text, error_text = output.read(), errors.read().strip()
    if process.returncode != 0 or "LD_PRELOAD" in error_text:
        raise UsageError(f"{what}: ended with status {process.returncode}: {error_text.rpartition(chr(10))[2]}")
    phases = parse_phases(text)
    if not phases or phases[0].phase != "baseline":
        raise UsageError(f"{what}: printed no baseline")
    return Run(scenario, cell, variant.name, phases, curve_of(phases, samples))


def curve_of(phases: list[Phase], samples: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """From the first phase to the last, the phases of the process itself (not its children's) among the samples."""
    start, end_s = phases[0], phases[-1].time_s
    own = [(phase.time_s, phase.rss_bytes) for phase in phases if not phase.phase.startswith("child")]
    points = sorted(own + [sample for sample in samples if start.time_s < sample[0] < end_s])
    return [(at - start.time_s, max(rss - start.rss_bytes, 0)) for at, rss in points]
