"""clang-tidy with the root's .clang-tidy finds nothing in src and cli.

    check_tidy.py BUILD_DIR [--jobs N] [FILE ...]

Takes the flags from BUILD_DIR/compile_commands.json, each file once however many targets compile it. FILE: only these.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from source_tree import repository_root

# The flags are g++'s.
CLANG_TIDY = ["clang-tidy", "--quiet", "--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-error"]
BAD_EXAMPLES = {
    "readability-identifier-naming": "int WrongCase(int x) { return x; }\n",
    "bugprone-sizeof-expression": "unsigned long size() { return sizeof(sizeof(int)); }\n",
    "performance-for-range-copy": "struct Big {\n  ~Big();\n  int many[9];\n};\nvoid use(const Big& big);\n"
    "void all(const Big (&bigs)[9]) {\n  for (const Big big : bigs) use(big);\n}\n",
    "readability-function-size": "void step();\nvoid long_one() {\n" + "  step();\n" * 75 + "}\n",
}


def tidy(arguments: list[str]) -> str:
    """What clang-tidy says, '' if it is content."""
    result = subprocess.run([*CLANG_TIDY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return result.stdout if result.returncode != 0 else ""


def prove_it_can_fail() -> list[str]:
    config = f"--config-file={repository_root() / '.clang-tidy'}"
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "example.cpp"
        for expected, text in BAD_EXAMPLES.items():
            source.write_text(text)
            said = tidy([config, str(source), "--", "-std=c++20"])
            if f"[{expected}" not in said:
                problems.append(f"self-test: clang-tidy does not say '{expected}' but: {said or 'nothing'}")
        source.write_text("int right_case(int x) { return x; }\n")
        said = tidy([config, str(source), "--", "-std=c++20"])
        if said:
            problems.append(f"self-test: clang-tidy objects to the good example: {said}")
    return problems


def commands_of(build_dir: Path) -> list[dict[str, str]]:
    root = repository_root()
    commands = json.loads((build_dir / "compile_commands.json").read_text())
    ours = (str(root / "src") + os.sep, str(root / "cli") + os.sep)
    first = {command["file"]: command for command in reversed(commands) if command["file"].startswith(ours)}
    return [first[file] for file in sorted(first)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build_dir", type=Path)
    parser.add_argument("files", nargs="*", help="only files whose path ends like this")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()

    findings = prove_it_can_fail()
    commands = commands_of(options.build_dir)
    if options.files:
        commands = [command for command in commands if command["file"].endswith(tuple(options.files))]
    if not commands:
        findings.append(f"no file of src or cli in {options.build_dir / 'compile_commands.json'}")
    # Large files first, so that both cores end together.
    files = sorted((command["file"] for command in commands), key=lambda file: -Path(file).stat().st_size)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        (Path(folder) / "compile_commands.json").write_text(json.dumps(commands))
        findings += [said for said in pool.map(lambda file: tidy(["-p", folder, file]), files) if said]
    for finding in findings:
        print(finding)
    if not findings:
        print(f"check_tidy.py: clean: {len(files)} files; {len(BAD_EXAMPLES)} bad examples were found bad")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
