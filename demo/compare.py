"""Runs demo/records.py under CPython's own allocator and under smallblock, in turn, and prints what each took.

`./run` without arguments starts it after a build. The runs are fresh processes that differ in nothing but the preload;
all of them must give the same checksum. The report that smallblock writes at exit tells what its memory looked like.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "records.py"
DEFAULT_LIBRARY = HERE.parent / "build" / "release" / "lib" / "libsmallblock_preload.so"
PEERS = {
    "jemalloc": ("libjemalloc.so.2",),
    "mimalloc": ("libmimalloc.so.3", "libmimalloc.so.2"),
    "tcmalloc": ("libtcmalloc_minimal.so.4",),
}
MB = 1_000_000
DASH = "-"


class DemoError(Exception):
    """One clear line."""


@dataclass
class Allocator:
    name: str
    settings: dict[str, str] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)

    def best(self, figure: str) -> float:
        return min(run[figure] for run in self.runs)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="runs under each allocator (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one run each")
    parser.add_argument("--records", type=int, default=200_000, help="size of the work (default: %(default)s)")
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help="the interpreter (default: this one)")
    parser.add_argument(
        "--preload", type=Path, default=DEFAULT_LIBRARY, metavar="LIB", help="smallblock (default: the release build)"
    )
    parser.add_argument("--peers", action="store_true", help="also jemalloc, mimalloc and tcmalloc, where installed")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.records < 1:
        parser.error("--rounds and --records must be at least 1")
    if not arguments.preload.is_file():
        raise DemoError(f"there is no {os.path.relpath(arguments.preload)}: build it with ./run true")
    if set(" :") & set(str(arguments.preload.resolve())):
        raise DemoError(f"LD_PRELOAD cannot carry a path with a space or a colon: {arguments.preload.resolve()}")
    if shutil.which(arguments.python) is None:
        raise DemoError(f"there is no interpreter {arguments.python}")
    return arguments


def find_peers() -> list[Allocator]:
    """Peers that the dynamic linker finds by name; the others are named as left out."""
    peers = []
    for name, libraries in PEERS.items():
        library = next((library for library in libraries if can_be_preloaded(library)), None)
        if library is not None:
            peers.append(Allocator(name, {"LD_PRELOAD": library, "PYTHONMALLOC": "malloc"}))
        else:
            print(f"left out: {name}, no {' or '.join(libraries)} is installed")
    return peers


def can_be_preloaded(library: str) -> bool:
    trial = subprocess.run(["true"], env={**os.environ, "LD_PRELOAD": library}, stderr=subprocess.PIPE, check=False)
    return trial.returncode == 0 and not trial.stderr


def run_once(allocator: Allocator, python: str, records: int, report: Path) -> None:
    dropped = ("PYTHON", "LD_PRELOAD", "SMALLBLOCK_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    environment["PYTHONHASHSEED"] = "0"
    environment.update(allocator.settings)
    if "SMALLBLOCK_STATS" in allocator.settings:
        environment["SMALLBLOCK_STATS_FILE"] = str(report)
    command = [python, "-S", "-s", "-B", str(PROGRAM), "--records", str(records)]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    errors = done.stderr.decode(errors="replace").strip()
    if done.returncode != 0 or "LD_PRELOAD" in errors:
        reason = errors.splitlines()[-1] if errors else f"exit status {done.returncode}"
        raise DemoError(f"the run under {allocator.name} failed: {reason}")
    allocator.runs.append(json.loads(done.stdout))
    if report.is_file():
        allocator.report = json.loads(report.read_text())
        report.unlink()


def run_all(allocators: list[Allocator], arguments: argparse.Namespace) -> None:
    """Interleaved; every second round runs backwards."""
    rounds = 1 if arguments.quick else arguments.rounds
    step = 0
    with tempfile.TemporaryDirectory(prefix="smallblock-demo-") as folder:
        for round_number in range(rounds):
            for allocator in allocators if round_number % 2 == 0 else reversed(allocators):
                step += 1
                show_progress(f"run {step} of {rounds * len(allocators)}: {allocator.name}")
                run_once(allocator, arguments.python, arguments.records, Path(folder) / "report.json")
    show_progress("")


def show_progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def bold(text: str) -> str:
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else text


def count(value: Optional[float]) -> str:
    return DASH if value is None else f"{value:,.0f}"


def table_lines(allocators: list[Allocator]) -> list[str]:
    lines = [f"{'':12} {'wall s':>9} {'CPU s':>9} {'speed':>8}   {'peak MB':>9} {'final MB':>9} {'final':>8}"]
    plain = allocators[0]
    for allocator in allocators:
        wall, cpu = allocator.best("wall_s"), allocator.best("cpu_s")
        peak, final = allocator.best("peak_rss_bytes"), allocator.best("final_rss_bytes")
        speed, memory = plain.best("cpu_s") / cpu, final / plain.best("final_rss_bytes")
        figures = f"{wall:9.3f} {cpu:9.3f} {speed:7.2f}x   {peak / MB:9.1f} {final / MB:9.1f} {memory:8.0%}"
        lines.append(f"{allocator.name:12} {figures}")
    return lines


def class_sum(report: dict[str, Any], figure: str) -> Optional[int]:
    classes = [one[figure] for one in report.get("classes", []) if figure in one]
    return sum(classes) if classes else None


def report_lines(report: dict[str, Any]) -> list[str]:
    def whole(figure: str) -> str:
        return count(report.get(figure))

    def of_classes(figure: str) -> str:
        return count(class_sum(report, figure))

    def megabytes(figure: str) -> str:
        return f"{report[figure] / MB:,.1f} MB" if figure in report else DASH

    rows = [
        ("arenas", "at the peak", whole("arenas_used_peak"), "at exit", whole("arenas_used")),
        ("", "taken in all", whole("arenas_opened_total"), "given back", whole("arenas_released_total")),
        ("pools", "used at exit", of_classes("pools_used"), "empty", whole("pools_empty")),
        ("blocks", "in use at exit", of_classes("blocks_in_use"), "in magazines", of_classes("blocks_cached")),
        ("", "free in pools", of_classes("blocks_free"), "size classes", whole("class_count")),
        ("bytes", "committed", megabytes("committed_bytes"), "metadata", megabytes("metadata_bytes")),
    ]
    return [f"{what:8} {one:>14} {first:>12}   {other:>14} {second:>12}" for what, one, first, other, second in rows]


def print_results(allocators: list[Allocator], arguments: argparse.Namespace) -> None:
    version = subprocess.run(
        [arguments.python, "-S", "-c", "import platform as p; print(p.python_implementation(), p.python_version())"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    rounds = len(allocators[0].runs)
    print(bold(f"{arguments.records:,} records read, indexed, served; 95% dropped; the rest served"))
    print(f"{version}, {platform.machine()}, best of {rounds} interleaved run{'s' if rounds > 1 else ''} each")
    print()
    for line in table_lines(allocators):
        print(bold(line) if line.startswith("smallblock") else line)
    print()
    print(bold("inside smallblock"))
    print(*report_lines(allocators[1].report), "", sep="\n")
    print("speed is by CPU time, above 1: faster than pymalloc; final is RSS against pymalloc")
    print(f"every run gave the same answers (checksum {allocators[0].runs[0]['checksum']})")


def check_answers(allocators: list[Allocator]) -> None:
    expected = allocators[0].runs[0]["checksum"]
    for allocator in allocators:
        for run in allocator.runs:
            if run["checksum"] != expected:
                found = run["checksum"]
                raise DemoError(f"the answers differ: {found} under {allocator.name}, {expected} under pymalloc")


def main() -> int:
    try:
        arguments = parse_arguments()
        settings = {"LD_PRELOAD": str(arguments.preload.resolve()), "SMALLBLOCK_STATS": "json"}
        allocators = [Allocator("pymalloc"), Allocator("smallblock", settings)]
        if arguments.peers:
            allocators += find_peers()
        run_all(allocators, arguments)
        check_answers(allocators)
        print_results(allocators, arguments)
    except DemoError as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
