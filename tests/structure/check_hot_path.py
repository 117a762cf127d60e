"""The instructions that a malloc(24) hit and a free hit execute, against the golden file and the budget.

    check_hot_path.py --probe PROBE --library LIBRARY --compiler gcc-12 [--update | --show]

hot_path_probe single-steps the calls; objdump says what was executed. hot_path.gcc.golden and hot_path.clang.golden
hold one line per entry point. Exact counts belong to one major version of a compiler; any other is held to the budget
alone. --update writes the golden file, --show prints the executed instructions.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Dict

from source_tree import require_tool

HERE = Path(__file__).resolve().parent
# Python's own functions differ before 3.12, where one GIL serves the process.
# Entry point: (name in the golden file, instructions at most). None of them may call, push or use an atomic.
BUDGET = {
    "malloc": ("malloc", 14),
    "free": ("free", 16),
    "_Znwm": ("operator_new", 14),
    "_ZdlPv": ("operator_delete", 16),
    "_ZdlPvm": ("operator_delete_sized", 16),
    "python_malloc": ("python_malloc", 14),
    "python_free": ("python_free", 16),
    "python_malloc_one_gil": ("python_malloc_one_gil", 14),
    "python_free_one_gil": ("python_free_one_gil", 16),
}
NEVER = ("call", "push", "lock")
CACHE_LINE_BYTES = 64  # which each begins
Counts = Dict[str, int]
BAD_EXAMPLES = {
    "instructions": ["nop"] * 15 + ["ret"],
    "call": ["call   1040 <malloc@plt>", "ret"],
    "push": ["push   %rbx", "ret"],
    "lock": ["lock cmpxchg %rdx,(%rdi)", "ret"],
}


def count(instructions: list[str]) -> Counts:
    """Kinds of instructions in objdump's AT&T text: operands run from source to destination."""
    counts = dict.fromkeys(("instructions", "call", "push", "lock", "jcc", "load", "store"), 0)
    for text in instructions:
        counts["instructions"] += 1
        name, _, rest = text.partition(" ")
        operands = re.split(r",(?![^(]*\))", re.sub(r"[#<].*", "", rest).strip())
        in_memory = ["(" in operand or re.match(r"%[fg]s:", operand) is not None for operand in operands]
        if name.startswith(("lea", "nop")):
            in_memory = [False]
        branches = name.startswith(("j", "call"))
        compares = name.startswith(("cmp", "test"))
        stores = in_memory[-1] and not (branches or compares or name.startswith("push"))
        counts["call"] += name.startswith("call")
        counts["push"] += name.startswith("push")
        counts["lock"] += name == "lock" or (name.startswith("xchg") and any(in_memory))
        counts["jcc"] += name.startswith("j") and name != "jmp"
        counts["store"] += stores
        counts["load"] += any(in_memory) and not (stores and name.startswith("mov"))
    return counts


def over_budget(entry: str, counts: Counts) -> list[str]:
    name, instructions_max = BUDGET[entry]
    findings = [f"{name}: {counts[kind]} x {kind}, none allowed" for kind in NEVER if counts[kind]]
    if counts["instructions"] > instructions_max:
        findings.append(f"{name}: {counts['instructions']} instructions, at most {instructions_max}")
    return findings


def begun_late(entry: str, offset: int) -> list[str]:
    late = offset % CACHE_LINE_BYTES
    return [f"{BUDGET[entry][0]}: begins {late} bytes into a cache line"] if late else []


def prove_it_can_fail() -> list[str]:
    problems = []
    if begun_late("malloc", 0x1c0) or not begun_late("malloc", 0x1e0):
        problems.append("self-test: where a function begins makes no difference")
    for expected, instructions in BAD_EXAMPLES.items():
        findings = over_budget("malloc", count(instructions))
        if len(findings) != 1 or expected not in findings[0]:
            problems.append(f"self-test: {instructions} gives {findings}, expected one about '{expected}'")
    sample = ["mov    %fs:0x0(%rax),%rdx", "cmp    %rdx,(%rdi)", "jae    1000 <malloc+0x10>", "mov    %rax,(%rdx)", "ret"]
    counts = count(sample)
    if (counts["load"], counts["store"], counts["jcc"]) != (2, 1, 1):
        problems.append(f"self-test: the sample counts as {counts}")
    golden = golden_line("malloc", counts)
    if compare(f"compiler gcc-12\n{golden}\n", "gcc-12", [golden]):
        problems.append("self-test: a golden file differs from itself")
    if len(compare(f"compiler gcc-12\n{golden}\n", "gcc-12", [golden.replace("load=2", "load=3")])) != 2:
        problems.append("self-test: one load more makes no difference")
    return problems


def disassembly(library: Path) -> dict[int, str]:
    command = ["objdump", "-d", "--no-show-raw-insn", str(library)]
    listing = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    found = re.findall(r"^ +([0-9a-f]+):\t(.+?)\s*$", listing, re.MULTILINE)
    return {int(offset, 16): text for offset, text in found}


def executed(probe: Path, library: Path) -> dict[str, list[tuple[int, str]]]:
    """Entry point -> the instructions of its usual call in their order, each with its offset in the library."""
    command = [str(probe), str(library)]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout
    paths: dict[str, Counter[tuple[str, ...]]] = {}
    for line in output.splitlines():
        name, *offsets = line.split()
        paths.setdefault(name, Counter())[tuple(offsets)] += 1
    texts = disassembly(library)
    usual = {name: seen.most_common(1)[0][0] for name, seen in paths.items()}
    return {name: [(int(offset, 16), texts[int(offset, 16)]) for offset in offsets] for name, offsets in usual.items()}


def golden_line(entry: str, counts: Counts) -> str:
    rest = " ".join(f"{kind}={number}" for kind, number in counts.items() if kind != "instructions")
    return f"{BUDGET[entry][0]} {counts['instructions']} {rest}"


def compare(golden: str, compiler: str, lines: list[str]) -> list[str]:
    """How the measured lines differ from the golden text; another version's text says nothing."""
    first, *expected = golden.splitlines() or [f"compiler {compiler}"]
    if first != f"compiler {compiler}":
        print(f"the golden file is of another version ({first}), this is {compiler}: only the budget counts")
        return []
    gone = [f"golden   {line}" for line in expected if line not in lines]
    new = [f"measured {line}" for line in lines if line not in expected]
    return gone + new


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--probe", type=Path, required=True)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--compiler", required=True, help="gcc-MAJOR or clang-MAJOR, what the library was built with")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()

    for path in (options.probe, options.library):
        if not path.exists():
            parser.error(f"{path} does not exist: build the target first")
    require_tool("objdump")
    findings = prove_it_can_fail()
    paths = executed(options.probe.resolve(), options.library.resolve())
    calls = {entry: [text for _, text in path] for entry, path in paths.items()}
    findings += [f"{name} was not measured" for name in BUDGET if name not in calls]
    lines = [golden_line(entry, count(calls[entry])) for entry in BUDGET if entry in calls]
    golden = HERE / f"hot_path.{options.compiler.split('-')[0]}.golden"
    if options.update:
        golden.write_text("\n".join([f"compiler {options.compiler}", *lines]) + "\n")
    findings += [finding for entry in calls for finding in over_budget(entry, count(calls[entry]))]
    findings += [finding for entry, path in paths.items() for finding in begun_late(entry, path[0][0])]
    differences = compare(golden.read_text() if golden.exists() else "", options.compiler, lines)
    if differences:
        findings += [*differences, f"if the change is meant: {' '.join(['python3', *sys.argv, '--update'])}"]
    print("\n".join(lines))
    if options.show or findings:
        for entry, instructions in calls.items():
            print(f"\n{BUDGET[entry][0]}:\n  " + "\n  ".join(instructions))
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
