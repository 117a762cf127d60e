"""The files of the repository, and the frame in which the structure checks run.

Every check_*.py here is a function from a Tree to findings plus examples of trees that must be found bad. run_check()
first proves that the check can fail on each example, then applies it to the real tree.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

CPP_SUFFIXES = {".cpp", ".hpp", ".h", ".c"}


@dataclass
class Tree:
    """A source tree: paths are relative to the root, with forward slashes."""

    root: Path
    paths: list[str]

    @classmethod
    def of_repository(cls, root: Path) -> Tree:
        """Everything that is tracked or would be: files that .gitignore names do not count."""
        listing = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
        )
        if listing.returncode == 0:
            paths = [path for path in listing.stdout.decode().split("\0") if path]
        else:
            paths = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
            paths = [path for path in paths if not path.startswith(("build/", ".git/"))]
        return cls(root, sorted({path for path in paths if (root / path).is_file()}))

    @classmethod
    def of_texts(cls, root: Path, texts: dict[str, str]) -> Tree:
        """Writes the texts below root."""
        for path, text in texts.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return cls(root, sorted(texts))

    def text(self, path: str) -> str:
        return (self.root / path).read_text(errors="replace")

    def below(self, *folders: str) -> list[str]:
        return [path for path in self.paths if path.split("/", 1)[0] in folders and "/" in path]

    def cpp(self, *folders: str) -> list[str]:
        return [path for path in self.below(*folders) if Path(path).suffix in CPP_SUFFIXES]


Check = Callable[[Tree], "list[str]"]


@dataclass
class BadExample:
    """Files that the check must object to, with words that its finding must hold."""

    expected: str
    texts: dict[str, str] = field(default_factory=dict)


def prove_it_can_fail(check: Check, examples: list[BadExample], good: dict[str, str]) -> list[str]:
    problems = []
    for example in examples:
        with tempfile.TemporaryDirectory() as folder:
            findings = check(Tree.of_texts(Path(folder), {**good, **example.texts}))
        if not any(example.expected in finding for finding in findings):
            problems.append(f"self-test: no finding says '{example.expected}' for {example.texts}: {findings}")
    with tempfile.TemporaryDirectory() as folder:
        findings = check(Tree.of_texts(Path(folder), good))
    if findings:
        problems.append(f"self-test: the good example is not clean: {findings}")
    return problems


def run_check(check: Check, examples: list[BadExample], good: dict[str, str]) -> int:
    """The exit code of a check script."""
    findings = prove_it_can_fail(check, examples, good)
    if not findings:
        findings = check(Tree.of_repository(repository_root()))
    for finding in findings:
        print(finding)
    if not findings:
        print(f"{Path(sys.argv[0]).name}: clean; {len(examples)} bad examples were found bad")
    return 1 if findings else 0


def require_tool(name: str) -> None:
    """Ends the check with one line if the program is not there."""
    if shutil.which(name) is None:
        sys.exit(f"{Path(sys.argv[0]).name}: {name} is missing: scripts/install-dependencies.sh test installs it")


def repository_root() -> Path:
    return Path(__file__).resolve().parents[2]


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


_COMMENT_OR_STRING = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"\((?:.*?)\)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'""", re.DOTALL
)


def without_comments(text: str, strings_too: bool = False) -> str:
    """C++ text with comments (and string contents, if asked) blanked; line numbers stay."""

    def blank(match: re.Match[str]) -> str:
        found = match.group()
        if found.startswith("/"):
            return re.sub(r"[^\n]", " ", found)
        if strings_too:
            return '""' + "\n" * found.count("\n")
        return found

    return _COMMENT_OR_STRING.sub(blank, text)
