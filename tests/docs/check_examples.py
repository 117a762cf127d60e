"""Compiles and runs the examples of README.md and of the pages in docs/.

    check_examples.py --root DIR --cxx PROGRAM --cc PROGRAM --library FILE [--flags FLAGS] [--build DIR]
      [--wheels DIR] [--cmake PROGRAM]

C and C++ blocks are linked with the static library. Shell blocks run in a folder of their own that has what a reader
has: ./run, build/release and an app.py; they need --build, the folder of a build with the command. First it is proved
that a wrong example is found. --wheels is where ./build-wheel put its wheels, for Python blocks and shell blocks that
install one. With --cmake the cmake blocks are built instead, around the whole source tree.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Optional

from examples import BadPage, Example, examples_of

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
TIMEOUT_S = 240
APP = 'print(sum(len(str(i)) for i in range(10000)))\n'
RUN = """#!/usr/bin/env bash
[[ $# -gt 0 ]] || { echo "the demonstration is not run here" >&2; exit 2; }
[[ $1 == -* ]] || set -- -- "$@"
exec build/release/bin/smallblock run --stats "$@"
"""
# What the dynamic loader and the command say when a preload did not work; the exit code stays that of the program.
FAILED_QUIETLY = ("ERROR: ld.so:", "smallblock: warning:")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--cxx", required=True)
    parser.add_argument("--cc", required=True)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--flags", default="", help="more compiler flags, separated by spaces")
    parser.add_argument("--build", type=Path)
    parser.add_argument("--wheels", type=Path)
    parser.add_argument("--cmake")
    return parser.parse_args()


def run(command: list[str], folder: Path, environment: Optional[dict[str, str]] = None) -> str:
    """Output and errors of a command; raises BadPage if it fails."""
    result = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
        check=False,
    )
    if result.returncode != 0:
        raise BadPage(f"'{Path(command[0]).name}' ends with {result.returncode}:\n{result.stdout}")
    return result.stdout


def may_ptrace_siblings() -> bool:
    yama = Path("/proc/sys/kernel/yama/ptrace_scope")
    scope = yama.read_text().strip() if yama.exists() else "0"
    return scope == "0" or (os.geteuid() == 0 and scope != "3")


def missing_need(example: Example) -> str:
    """A right that is not given, or what the dynamic loader cannot preload; dlopen would refuse some that can be."""
    for name in example.needs:
        if name == "ptrace":
            if not may_ptrace_siblings():
                return "the right to look into other processes is missing"
            continue
        result = subprocess.run(
            ["env", f"LD_PRELOAD={name}", "env", "true"], stderr=subprocess.PIPE, text=True, check=False
        )
        if "ERROR: ld.so:" in result.stderr:
            return f"{name} is not installed"
    return ""


def run_compiled(example: Example, arguments: argparse.Namespace, folder: Path) -> str:
    source = folder / f"example.{example.language}"
    source.write_text(example.program())
    if example.language == "cpp":
        compiler = [arguments.cxx, "-std=c++20"]
    else:
        compiler = [arguments.cc, "-std=c11", "-c"]
    flags = [*WARNINGS, *arguments.flags.split(), f"-I{arguments.root / 'include'}"]
    if example.language == "c":
        run([*compiler, *flags, str(source), "-o", "example.o"], folder)
        source = folder / "example.o"
        compiler = [arguments.cxx]
    run([*compiler, *flags, str(source), str(arguments.library), "-pthread", "-o", "example"], folder)
    return run([str(folder / "example")], folder)


def run_shell(example: Example, arguments: argparse.Namespace, folder: Path) -> str:
    (folder / "app.py").write_text(APP)
    (folder / "run").write_text(RUN)
    (folder / "run").chmod(0o755)
    (folder / "build").mkdir()
    (folder / "build" / "release").symlink_to(arguments.build, target_is_directory=True)
    if arguments.wheels:
        (folder / "build" / "wheels").symlink_to(arguments.wheels, target_is_directory=True)
    output = run(["bash", "-euo", "pipefail", "-c", example.text], folder, clean_environment())
    for sign in FAILED_QUIETLY:
        if sign in output:
            raise BadPage(f"ran without smallblock:\n{output}")
    return output


def run_python(example: Example, arguments: argparse.Namespace, folder: Path) -> str:
    """With the package out of the wheel of the Python that runs this."""
    wheel = find_wheel(arguments)
    if wheel is None:
        raise BadPage(f"there is no wheel of this Python in {arguments.wheels}")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    (folder / "example.py").write_text(example.text)
    return run([sys.executable, "-B", "example.py"], folder, clean_environment())


def find_wheel(arguments: argparse.Namespace) -> Optional[Path]:
    tag = f"cp3{sys.version_info[1]}"
    return next(arguments.wheels.glob(f"smallblock-*-{tag}-{tag}-*.whl"), None)


def clean_environment() -> dict[str, str]:
    mine = ("SMALLBLOCK", "PYTHON", "LD_PRELOAD")
    return {name: value for name, value in os.environ.items() if not name.startswith(mine)}


def run_cmake(example: Example, arguments: argparse.Namespace, folder: Path) -> str:
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.22)\nproject(example LANGUAGES C CXX)\nadd_executable(program main.cpp)\n"
        + example.text
    )
    (folder / "main.cpp").write_text(
        "#include <smallblock/allocator.hpp>\n#include <vector>\n"
        "int main() { return std::vector<int, smallblock::allocator<int>>(3).at(2); }\n"
    )
    (folder / "smallblock").symlink_to(arguments.root, target_is_directory=True)
    run([arguments.cmake, "-S", ".", "-B", "build", f"-DCMAKE_CXX_COMPILER={arguments.cxx}"], folder)
    run([arguments.cmake, "--build", "build", "--target", "program"], folder)
    return run([str(folder / "build" / "program")], folder)


def reason_to_skip(example: Example, arguments: argparse.Namespace) -> str:
    if example.left_out:
        return example.left_out
    if (example.language == "cmake") != bool(arguments.cmake):
        return "the other test runs it"
    if example.language == "sh" and arguments.build is None:
        return "this build has no command"
    uses_wheel = example.language == "python" or "build/wheels" in example.text
    if uses_wheel and arguments.wheels is None:
        return "this build makes no wheels"
    return missing_need(example)


def check(example: Example, arguments: argparse.Namespace) -> None:
    runners = {"sh": run_shell, "cmake": run_cmake, "python": run_python, "c": run_compiled, "cpp": run_compiled}
    with tempfile.TemporaryDirectory() as name:
        output = runners[example.language](example, arguments, Path(name))
    for wanted in example.prints:
        if wanted not in output:
            raise BadPage(f"does not print '{wanted}', but:\n{output}")


WRONG = [
    ("unmarked", "```sh\ntrue\n```\n"),
    ("in a language that nobody runs", "<!-- tested -->\n```c++\nint x;\n```\n"),
    ("without a reason", "<!-- not tested: -->\n```sh\ntrue\n```\n"),
    ("with a mark that nobody knows", "<!-- tested; prnts: 1 -->\n```sh\ntrue\n```\n"),
    ("that does not compile", "<!-- tested -->\n```cpp\nint x = \"text\";\n```\n"),
    ("that ends with 3", "<!-- tested -->\n```c\nint main(void) { return 3; }\n```\n"),
    ("that prints something else", "<!-- tested; prints: 2 -->\n```cpp\n#include <cstdio>\nstd::puts(\"1\");\n```\n"),
]
WRONG_SHELL = [
    ("whose first command fails", "<!-- tested -->\n```sh\nfalse\ntrue\n```\n"),
    ("without its library", "<!-- tested -->\n```sh\nLD_PRELOAD=./no-such.so env true\n```\n"),
]


WRONG_PYTHON = [("that raises", "<!-- tested -->\n```python\nimport smallblock\nsmallblock.uninstall()\n```\n")]


def prove_that_wrong_ones_are_found(arguments: argparse.Namespace) -> None:
    wrong = WRONG + (WRONG_SHELL if arguments.build else []) + (WRONG_PYTHON if arguments.wheels else [])
    for what, page in wrong:
        try:
            for example in examples_of("wrong", page):
                check(example, arguments)
        except BadPage:
            continue
        raise SystemExit(f"check_examples.py: an example {what} is not found")


def main() -> int:
    arguments = parse_arguments()
    for name in ("root", "library", "build", "wheels"):
        path = getattr(arguments, name)
        setattr(arguments, name, path.resolve() if path else None)
    if not arguments.cmake:
        prove_that_wrong_ones_are_found(arguments)
    failures = checked = 0
    for file in (arguments.root / "README.md", *sorted((arguments.root / "docs").glob("*.md"))):
        page = str(file.relative_to(arguments.root))
        try:
            examples = examples_of(page, file.read_text())
        except BadPage as error:
            print(f"FAILED {error}")
            failures += 1
            continue
        for example in examples:
            reason = reason_to_skip(example, arguments)
            if reason:
                print(f"skipped {example.name} ({example.language}): {reason}")
                continue
            try:
                check(example, arguments)
                checked += 1
                print(f"ok      {example.name} ({example.language})", flush=True)
            except BadPage as error:
                failures += 1
                print(f"FAILED  {example.name} ({example.language}): {error}", flush=True)
    if checked == 0:
        print("FAILED  no example was run")
    return 1 if failures or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
