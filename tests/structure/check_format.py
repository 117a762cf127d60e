"""Every C and C++ file looks as clang-format with the root's .clang-format would write it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from source_tree import CPP_SUFFIXES, BadExample, Tree, repository_root, require_tool, run_check


def check(tree: Tree) -> list[str]:
    files = [path for path in tree.paths if Path(path).suffix in CPP_SUFFIXES]
    if not files:
        return []
    style = f"file:{repository_root() / '.clang-format'}"
    result = subprocess.run(
        ["clang-format", "--dry-run", "--Werror", f"--style={style}", *files],
        cwd=tree.root,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if result.returncode == 0:
        return []
    lines = [line for line in result.stderr.splitlines() if "error:" in line]
    if not lines:
        return result.stderr.splitlines()
    first_places = {line.split(":", 1)[0]: line for line in reversed(lines)}
    return [*sorted(first_places.values()), f"mend with: clang-format -i {' '.join(sorted(first_places))}"]


GOOD = {"src/a.hpp": "#pragma once\n\nint* first(int* values);\n"}
BAD = [
    BadExample("src/b.cpp", {"src/b.cpp": "int  main( ) {return 0 ;}\n"}),
    BadExample("new/b.c", {"new/b.c": "int *wrong_side;\n"}),
]

if __name__ == "__main__":
    require_tool("clang-format")
    sys.exit(run_check(check, BAD, GOOD))
