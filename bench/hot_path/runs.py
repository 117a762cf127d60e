"""Runs hot_path: one case in one fresh process, timed by Google Benchmark or counted by callgrind.

Used by `compare`. A run that fails, or whose library could not be preloaded, is an error, never a figure.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Optional

from peers import HOW_TO_BUILD, Peer, UsageError, clean_environment

# Pairs to count, whole steps of the pattern. A second run makes twice as many: start-up and warm-up cancel.
COUNTED_PAIRS = {"ping_pong": 128_000, "batch": 128_000, "churn": 128_000, "build": 1_000_000}


def list_cases(binary: Path) -> dict[str, str]:
    """pattern/policy -> why it cannot run, or an empty string."""
    if not (binary.is_file() and os.access(binary, os.X_OK)):
        raise UsageError(f"{binary} is not built ({HOW_TO_BUILD})")
    done = subprocess.run([binary, "--list"], capture_output=True, text=True, check=False, env=clean_environment())
    if done.returncode != 0 or "/" not in done.stdout:
        raise UsageError(f"{binary} --list names no patterns: is it hot_path?")
    return {line.partition("\t")[0]: line.partition("\t")[2] for line in done.stdout.splitlines()}


def _run(command: list[str], peer: Peer, what: str) -> subprocess.CompletedProcess[str]:
    environment = clean_environment()
    if peer.library is not None:
        environment["LD_PRELOAD"] = str(peer.library)
    environment.update(peer.environment)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last_line = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UsageError(f"{what} under {peer.name} ended with status {done.returncode}: {last_line}")
    if "cannot be preloaded" in done.stderr:
        raise UsageError(f"{peer.library} cannot be preloaded; leave it out with --peer")
    return done


def pin_prefix(cpu: Optional[int]) -> list[str]:
    """Keeps a pattern of one thread on one processor, if this process may use that one."""
    if cpu is None or cpu not in os.sched_getaffinity(0) or shutil.which("taskset") is None:
        return []
    return ["taskset", "-c", str(cpu)]


def time_pair(binary: Path, pattern: str, peer: Peer, min_time_s: float, cpu: Optional[int]) -> float:
    """ns of one pair: processor time, or wall time where two threads work."""
    case = f"{pattern}/{peer.policy}"
    options = [
        f"--benchmark_filter=^{case}(/|$)",
        f"--benchmark_min_time={min_time_s}",
        "--benchmark_format=json",
    ]
    prefix = [] if is_two_threads(pattern) else pin_prefix(cpu)
    done = _run([*prefix, str(binary), *options], peer, case)
    (result,) = json.loads(done.stdout)["benchmarks"]
    return float(result["pair"]) * 1e9


def is_two_threads(pattern: str) -> bool:
    return pattern.startswith("handover")


def count_instructions(binary: Path, pattern: str, peer: Peer) -> float:
    """Instructions of one pair, the pattern's own included."""
    if shutil.which("valgrind") is None:
        raise UsageError("--callgrind needs valgrind (Debian: valgrind)")
    case = f"{pattern}/{peer.policy}"
    counted_pairs = COUNTED_PAIRS[pattern]
    collected = []
    for pairs in (counted_pairs, 2 * counted_pairs):
        tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        done = _run([*tool, str(binary), "--count", case, str(pairs)], peer, case)
        match = re.search(r"Collected : (\d+)", done.stderr)
        if match is None:
            raise UsageError(f"callgrind gave no count for {case} under {peer.name}")
        collected.append(int(match.group(1)))
    return (collected[1] - collected[0]) / counted_pairs
