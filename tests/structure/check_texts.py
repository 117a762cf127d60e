"""No tracked file names one machine's paths, a package registry or unfinished work. Links between pages lead somewhere,
to the very heading, and what is not a table or an example has lines of at most 120 columns.

The patterns are written so that they do not match themselves.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from source_tree import BadExample, Tree, line_of, run_check

FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.])/(?:roo[t]|wor[k]|far[m]|hom[e]|User[s]|tm[p]/[a-z]+[-_/])"),
    "a registry host": re.compile(
        r"pypi[.]org|pythonhosted[.]org|registry[.]npmjs|deb[.]debian[.]org|crates[.]io|proxy[.]golang|ghcr[.]io|docker[.]io"
    ),
    "unfinished work": re.compile(
        r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K]|(?i:not implemente[d]|(?<![.])placeholde[r]|stu[b](?:bed)?))\b"
    ),
    "an issue number": re.compile(r"\b(?:issue|bug|pull request|PR) ?#\d+", re.IGNORECASE),
}
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
COLUMNS_MAX = 120
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
CODE_SPAN = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def is_text(tree: Tree, path: str) -> bool:
    with (tree.root / path).open("rb") as file:
        return b"\0" not in file.read(4096)


def blanked(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def anchors_of(page: Path) -> set[str]:
    """What can stand behind a #, as GitHub makes it of the headings."""
    headings = HEADING.findall(blanked(FENCED, page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(tree: Tree, path: str, text: str) -> list[str]:
    prose = blanked(CODE_SPAN, text)
    findings = []
    for match in LINK.finditer(prose):
        target, anchor = match.groups()
        if re.match(r"[a-z]+:", target):
            continue
        base = tree.root if target.startswith("/") else (tree.root / path).parent
        page = base / target.lstrip("/") if target else tree.root / path
        where = f"{path}:{line_of(prose, match.start())}"
        if not page.exists():
            findings.append(f"{where}: the link to {target} leads nowhere")
        elif anchor is not None and page.suffix == ".md" and anchor not in anchors_of(page):
            findings.append(f"{where}: the link to {target}#{anchor} leads to no heading")
    return findings


def wide_lines(path: str, text: str) -> list[str]:
    lines = enumerate(blanked(FENCED, text).split("\n"), 1)
    wide = [(number, len(line)) for number, line in lines if len(line.rstrip()) > COLUMNS_MAX and not line.startswith("|")]
    return [f"{path}:{number}: {columns} columns, at most {COLUMNS_MAX}" for number, columns in wide]


def check(tree: Tree) -> list[str]:
    findings = []
    for path in tree.paths:
        if not is_text(tree, path):
            continue
        text = tree.text(path)
        for what, pattern in FORBIDDEN.items():
            for match in pattern.finditer(text):
                findings.append(f"{path}:{line_of(text, match.start())}: {what}: {match.group()}")
        if Path(path).suffix == ".md":
            findings += broken_links(tree, path, text) + wide_lines(path, text)
    return findings


GOOD = {
    "README.md": "[design](docs/design.md#words-of-an-a_b) and `[a](b)`, mktemp -d, src/work/x, [w](https://e.org)\n",
    "docs/design.md": f"[back](../README.md) [on](#words-of-an-a_b)\n# Words of an `A_b`:\n| {'x' * 120} |\n",
    "docs/a.md": "/proc/self/maps\n```\n" + "x" * 121 + "\n```\n",
}
BAD = [
    BadExample("a path of one machine", {"src/a.cpp": 'open("/roo' + 't/x")\n'}),
    BadExample("a path of one machine", {"demo/a.py": "cd /wor" + "k/main\n"}),
    BadExample("a path of one machine", {"demo/a.py": "'/tm" + "p/smallblock-1'\n"}),
    BadExample("a registry host", {"scripts/a.sh": "curl https://pypi" + ".org\n"}),
    BadExample("unfinished work", {"src/a.cpp": "// TO" + "DO: later\n"}),
    BadExample("unfinished work", {"docs/a.md": "This is a place" + "holder.\n"}),
    BadExample("unfinished work", {"web/src/a.ts": "const place" + "holder = 1;\n"}),
    BadExample("an issue number", {"docs/a.md": "Fixes issue #" + "12.\n"}),
    BadExample("leads nowhere", {"docs/a.md": "See [there](missing.md).\n"}),
    BadExample("leads to no heading", {"docs/a.md": "See [there](design.md#wrods).\n"}),
    BadExample("leads to no heading", {"docs/a.md": "# Here\n[above](#there)\n```\n# There\n```\n"}),
    BadExample("121 columns", {"docs/a.md": "x" * 121 + "\n"}),
]

if __name__ == "__main__":
    sys.exit(run_check(check, BAD, GOOD))
