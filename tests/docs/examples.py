"""The examples of a page: fenced blocks, and the marks that say what a test does with them.

A mark is an HTML comment in the line above a fence, so that a reader does not see it:

    <!-- tested -->                               the block must compile and run, or run, with exit code 0
    <!-- tested; prints: TEXT -->                 and its output must contain TEXT; may be repeated
    <!-- tested; needs: LIBRARY -->               only where the dynamic loader finds that library
    <!-- tested; needs: ptrace -->                only where a process may look into others of its user
    <!-- not tested: REASON -->                   the block is left out, and listed by name

A block in one of the LANGUAGES without a mark is a finding, and so is one in another language: no example escapes by
being forgotten. Text in no language, such as what a command prints, is not looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LANGUAGES = ("c", "cpp", "sh", "cmake", "python")
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- (tested|not tested)(.*?) -->\n\Z")
INCLUDE = re.compile(r"^#include .*\n", re.MULTILINE)


class BadPage(Exception):
    """One clear line on what is wrong with a page."""


@dataclass
class Example:
    name: str  # PAGE:LINE
    language: str
    text: str
    prints: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    left_out: str = ""  # the reason

    def program(self) -> str:
        """The source to compile: includes at the top, and a main around what has none."""
        if re.search(r"\bint main\(", self.text):
            return self.text
        includes = "".join(INCLUDE.findall(self.text))
        return f"{includes}int main() {{\n{INCLUDE.sub('', self.text)}}}\n"


def read_mark(example: Example, kind: str, rest: str) -> None:
    if kind == "not tested":
        example.left_out = rest.lstrip(": ").strip()
        if not example.left_out:
            raise BadPage(f"{example.name}: 'not tested' needs a reason: <!-- not tested: REASON -->")
        return
    for word in filter(None, (part.strip() for part in rest.split(";"))):
        key, colon, value = word.partition(":")
        if key not in ("prints", "needs") or not colon or not value.strip():
            known = "'prints: TEXT' and 'needs: LIBRARY' or 'needs: ptrace'"
            raise BadPage(f"{example.name}: the mark knows {known}, not '{word}'")
        getattr(example, key).append(value.strip())


def examples_of(page: str, text: str) -> list[Example]:
    """All blocks of the page in one of the LANGUAGES."""
    found = []
    for fence in FENCE.finditer(text):
        language = fence.group(1).strip()
        if not language:
            continue
        line = text.count("\n", 0, fence.start()) + 1
        example = Example(f"{page}:{line}", language, fence.group(2))
        if language not in LANGUAGES:
            raise BadPage(f"{example.name}: nobody runs '{language}'; there are: {', '.join(LANGUAGES)}")
        mark = MARK.search(text, 0, fence.start())
        if mark is None:
            raise BadPage(f"{example.name}: write <!-- tested --> or <!-- not tested: REASON --> above this block")
        read_mark(example, mark.group(1), mark.group(2))
        found.append(example)
    return found
