"""clang-tidy with the root's .clang-tidy finds nothing in src and cli.

    check_tidy.py BUILD_DIR [--jobs N] [FILE ...]

Takes the flags from BUILD_DIR/compile_commands.json, each file once however many targets compile it. FILE: only these.
Most of the time goes into the headers that files share, so the files of a folder are looked at together, as one that
includes them. What is found there may come of that: halves are looked at, and what is found in one file counts.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from source_tree import repository_root, require_tool

# The flags are g++'s.
CLANG_TIDY = ["clang-tidy", "--quiet", "--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-error"]
BATCH_FILES = 12
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


@dataclass(frozen=True)
class Batch:
    """Files that are compiled alike, in one folder."""

    directory: str
    flags: tuple[str, ...]
    files: tuple[str, ...]

    def look(self) -> list[str]:
        """What clang-tidy says of them."""
        with tempfile.TemporaryDirectory() as folder:
            together = Path(folder) / "together.cpp"
            together.write_text("".join(f'#include "{file}"  // NOLINT\n' for file in self.files))
            alone = len(self.files) == 1
            source = self.files[0] if alone else str(together)
            command = {"directory": self.directory, "file": source, "arguments": [*self.flags, "-c", source]}
            (Path(folder) / "compile_commands.json").write_text(json.dumps([command]))
            config = f"--config-file={repository_root() / '.clang-tidy'}"
            said = tidy([config, "-p", folder, source])
        if alone or not said:
            return [said] if said else []
        half = len(self.files) // 2
        halves = (self.files[:half], self.files[half:])
        return [finding for files in halves for finding in Batch(self.directory, self.flags, files).look()]


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
        # In a batch, also in one whose files have a name in common.
        ours = Path(folder) / "src"
        ours.mkdir()
        texts = {"a": "static int same = 1;\nint a() { return same; }\n", "b": BAD_EXAMPLES["readability-identifier-naming"]}
        for name, text in (*texts.items(), ("c", texts["a"].replace("a()", "c()"))):
            (ours / f"{name}.cpp").write_text(text)
        files = tuple(str(ours / f"{name}.cpp") for name in "abc")
        found = Batch(folder, ("c++", "-std=c++20"), files).look()
        if len(found) != 1 or "[readability-identifier-naming" not in found[0]:
            problems.append(f"self-test: of a batch, clang-tidy says {found}")
    return problems


def batch_of(command: dict[str, str]) -> Batch:
    """The file alone, with the flags that do not name it."""
    words = shlex.split(command["command"])
    flags = []
    while words:
        word = words.pop(0)
        if word in ("-o", "-c", "-MF", "-MT"):
            words.pop(0)
        elif word not in ("-MD", "ccache"):
            flags.append(word)
    return Batch(command["directory"], tuple(flags), (command["file"],))


def batches_of(build_dir: Path, ends: list[str]) -> list[Batch]:
    """All files of src and cli, or those whose path ends like one of these."""
    root = repository_root()
    commands = json.loads((build_dir / "compile_commands.json").read_text())
    ours = (str(root / "src") + os.sep, str(root / "cli") + os.sep)
    first = {command["file"]: command for command in reversed(commands) if command["file"].startswith(ours)}
    files: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for file in sorted(first):
        if ends and not file.endswith(tuple(ends)):
            continue
        one = batch_of(first[file])
        files.setdefault((str(Path(file).parent), one.directory, one.flags), []).append(file)
    return [
        Batch(directory, flags, tuple(group[at : at + BATCH_FILES]))
        for (_, directory, flags), group in files.items()
        for at in range(0, len(group), BATCH_FILES)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build_dir", type=Path)
    parser.add_argument("files", nargs="*", help="only files whose path ends like this")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()

    require_tool("clang-tidy")
    findings = prove_it_can_fail()
    batches = batches_of(options.build_dir, options.files)
    if not batches:
        findings.append(f"no file of src or cli in {options.build_dir / 'compile_commands.json'}")
    with ThreadPoolExecutor(options.jobs) as pool:
        for said in pool.map(Batch.look, batches):
            findings += said
    for finding in findings:
        print(finding)
    if not findings:
        count = sum(len(batch.files) for batch in batches)
        print(f"check_tidy.py: clean: {count} files; {len(BAD_EXAMPLES)} bad examples were found bad")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
