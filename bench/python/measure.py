"""Runs one program in fresh processes under each variant, interleaved, and keeps every sample.

A variant is an environment: plain, or with a library preloaded. Environments differ in nothing else, not even in
length, because the length moves the stack. Used by `compare` and callgrind.py.
"""

from __future__ import annotations

import json
import resource
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from peers import clean_environment

HERE = Path(__file__).resolve().parent
CHILD = HERE / "child.py"
TIMEOUT_S = 900


class MeasureError(Exception):
    """One clear line."""


@dataclass(frozen=True)
class Variant:
    """`settings` come on top of the common environment."""

    name: str
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """wall_s and cpu_s are run() alone, measured inside the process; user_s and sys_s are the whole process."""

    wall_s: float
    cpu_s: float
    user_s: float
    sys_s: float
    peak_rss_bytes: int
    after_bytes: list[int]  # at each full second after the peak; programs that live long
    pymalloc_blocks: int
    result: str


def plain() -> Variant:
    return Variant("pymalloc")


def preloaded(name: str, library: Path, **settings: str) -> Variant:
    return Variant(name, {"LD_PRELOAD": str(library), **settings})


def environment_of(variant: Variant, all_variants: list[Variant]) -> dict[str, str]:
    environment = clean_environment()
    environment.update({"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"})

    def length(settings: dict[str, str]) -> int:
        return sum(len(key) + len(value) + 2 for key, value in settings.items())

    longest = max(length(other.settings) for other in all_variants)
    environment["BENCH_PADDING"] = "x" * (longest - length(variant.settings))
    environment.update(variant.settings)
    return environment


def command_of(executable: str, program: Path, scale: int, seconds: int = 0) -> list[str]:
    """Without site packages, so that what is installed beside the interpreter does not matter; -B writes nothing."""
    return [executable, "-S", "-s", "-B", str(CHILD), str(program), str(scale), str(seconds)]


def run_child(command: list[str], environment: dict[str, str], what: str) -> dict[str, object]:
    """The child's JSON line, plus user_s and sys_s of the whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise MeasureError(f"{what}: did not end within {TIMEOUT_S} s; choose a smaller --scale") from None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    error_text = done.stderr.decode(errors="replace").strip()
    if done.returncode != 0:
        raise MeasureError(f"{what}: ended with status {done.returncode}: {error_text.rpartition(chr(10))[2]}")
    answer: dict[str, object] = json.loads(done.stdout)
    if not answer["preload_is_mapped"]:
        raise MeasureError(f"{what}: the library was not loaded: {error_text.rpartition(chr(10))[2]}")
    answer["user_s"] = after.ru_utime - before.ru_utime
    answer["sys_s"] = after.ru_stime - before.ru_stime
    return answer


def measure(
    executable: str, program: Path, scale: int, rounds: int, variants: list[Variant], seconds: int
) -> dict[str, list[Sample]]:
    """Samples per variant, in the order ABBA: every second round runs the variants backwards."""
    environments = {variant.name: environment_of(variant, variants) for variant in variants}
    samples: dict[str, list[Sample]] = {variant.name: [] for variant in variants}
    command = command_of(executable, program, scale, seconds)
    expected = ""
    for round_number in range(rounds):
        for variant in variants if round_number % 2 == 0 else reversed(variants):
            answer = run_child(command, environments[variant.name], f"{program.stem} under {variant.name}")
            sample = Sample(**{key: answer[key] for key in Sample.__dataclass_fields__})  # type: ignore[arg-type]
            expected = expected or sample.result
            if sample.result != expected:
                results = f"{sample.result} is not {expected}"
                raise MeasureError(f"{program.stem}: the result under {variant.name} differs: {results}")
            samples[variant.name].append(sample)
    return samples


def all_programs() -> list[Path]:
    """Those that live long at the end."""
    return [path for folder in ("programs", "services") for path in sorted((HERE / folder).glob("*.py"))]
