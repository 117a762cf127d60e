"""No tracked file names one machine's paths, a package registry or unfinished work; links between pages lead somewhere.

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
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)")
CODE_SPAN = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def is_text(tree: Tree, path: str) -> bool:
    with (tree.root / path).open("rb") as file:
        return b"\0" not in file.read(4096)


def broken_links(tree: Tree, path: str, text: str) -> list[str]:
    prose = CODE_SPAN.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    findings = []
    for match in LINK.finditer(prose):
        target = match.group(1)
        if re.match(r"[a-z]+:", target):
            continue
        base = tree.root if target.startswith("/") else (tree.root / path).parent
        if not (base / target.lstrip("/")).exists():
            findings.append(f"{path}:{line_of(prose, match.start())}: the link to {target} leads nowhere")
    return findings


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
            findings += broken_links(tree, path, text)
    return findings


GOOD = {
    "README.md": "[design](docs/design.md#words) and `[a](b)`, /proc/self/maps, mktemp -d, src/work/x, [w](https://e.org)\n",
    "docs/design.md": "[back](../README.md)\n",
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
]

if __name__ == "__main__":
    sys.exit(run_check(check, BAD, GOOD))
