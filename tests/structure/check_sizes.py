"""Limits by number: files of at most 400 lines, functions of at most 70, tracked files of at most 1 MiB.

C++ functions are found by counting braces (clang-tidy's readability-function-size covers src and cli once more);
Python files must also parse as Python 3.9. Of scripts for the shell and of the page only files are measured.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

from source_tree import CPP_SUFFIXES, BadExample, Tree, run_check, without_comments

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
FILE_BYTES_MAX = 1 << 20
CODE_SUFFIXES = CPP_SUFFIXES | {".py", ".pyi", ".sh", ".cmake", ".ts", ".css", ".html"}

SCOPE_WORD = re.compile(r"\b(?:namespace|class|struct|union|enum)\b|\bextern\s*\"\"")
ATTRIBUTE = re.compile(r"\balignas\([^)]*\)|\b__attribute__\(\(.*?\)\)|\[\[.*?\]\]", re.DOTALL)
INIT_LIST = re.compile(r"\)\s*(?:noexcept\s*)?:\s[^;]*[\w>]\s*$", re.DOTALL)


def kind_of_block(head: str) -> str:
    """What a `{` in a scope opens, told from the text before it."""
    tail = ATTRIBUTE.sub("", head).rpartition(")")[2]
    if SCOPE_WORD.search(tail):
        return "scope"
    if ")" not in head or INIT_LIST.search(head):
        return "other"
    return "function"


def cpp_functions(text: str) -> list[tuple[int, int]]:
    """(first line, lines) of every function that lies in no other function."""
    code = without_comments(text, strings_too=True)
    code = re.sub(
        r"^[ \t]*#(?:\\\n|[^\n])*", lambda directive: "\n" * directive.group().count("\n"), code, flags=re.MULTILINE
    )
    head, head_line, line = "", 1, 1
    blocks: list[tuple[str, int]] = []  # (kind, first line), outermost first
    found = []
    for char in code:
        line += char == "\n"
        in_scope = all(kind == "scope" for kind, _ in blocks)
        if char == "{":
            kind = kind_of_block(head) if in_scope else "inner"
            blocks.append((kind, head_line))
            if kind == "scope":
                head = ""
        elif char == "}" and blocks:
            kind, first = blocks.pop()
            if kind == "function":
                found.append((first, line - first + 1))
            if kind in ("function", "scope"):
                head = ""
            elif kind == "other":
                head += "}"
        elif in_scope and char == ";":
            head = ""
        elif in_scope and (head or not char.isspace()):
            head_line = head_line if head else line
            head += char
    return found


def python_functions(text: str) -> list[tuple[int, int]]:
    nodes = ast.walk(ast.parse(text, feature_version=(3, 9)))
    functions = [node for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return [(node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1) for node in functions]


def suffix_of(path: str, text: str) -> str:
    """The file's kind, as a suffix; a script without one says it in its first line."""
    if Path(path).suffix or not text.startswith("#!"):
        return Path(path).suffix
    return ".py" if "python" in text.split("\n", 1)[0] else ".sh"


def check_file(path: str, text: str) -> list[str]:
    suffix = suffix_of(path, text)
    if suffix not in CODE_SUFFIXES and Path(path).name != "CMakeLists.txt":
        return []
    findings = []
    lines = text.count("\n")
    if lines > FILE_LINES_MAX:
        findings.append(f"{path}: {lines} lines, at most {FILE_LINES_MAX}")
    functions: list[tuple[int, int]] = []
    if suffix == ".py":
        try:
            functions = python_functions(text)
        except SyntaxError as error:
            findings.append(f"{path}:{error.lineno}: not Python 3.9: {error.msg}")
    elif suffix in CPP_SUFFIXES:
        functions = cpp_functions(text)
    for first, length in functions:
        if length > FUNCTION_LINES_MAX:
            findings.append(f"{path}:{first}: a function of {length} lines, at most {FUNCTION_LINES_MAX}")
    return findings


def check(tree: Tree) -> list[str]:
    findings = []
    for path in tree.paths:
        if (tree.root / path).stat().st_size > FILE_BYTES_MAX:
            findings.append(f"{path}: over {FILE_BYTES_MAX} bytes")
        else:
            findings += check_file(path, tree.text(path))
    return findings


BODY = "  f();\n" * 69
GOOD = {
    "src/a.cpp": "namespace a {\nint f(int x) {\n" + "  f(1);\n" * 68 + "}\n}\nint table[] = {\n" + "1,\n" * 99 + "};\n",
    "src/many.cpp": "struct A {\n" + "int f() const { return 1; }\n" * 99 + "};\n",
    "tests/a.py": "def f():\n" + "    f()\n" * 69,
}
BAD = [
    BadExample("401 lines", {"src/b.cpp": "\n" * 401}),
    BadExample("401 lines", {"scripts/b.sh": "\n" * 401}),
    BadExample("401 lines", {"web/src/b.ts": "\n" * 401}),
    BadExample("71 lines", {"src/b.cpp": "namespace {\nvoid f() {\n" + BODY + "}\n}\n"}),
    BadExample("71 lines", {"src/b.cpp": "class A {\n A(int b) : a_{b} {\n" + BODY + "}\n int a_;\n};\n"}),
    BadExample("71 lines", {"tests/b.cpp": "TEST(Pool, Full) {\n" + BODY + "}\n"}),
    BadExample("71 lines", {"src/b.h": 'extern "C" {\nstatic struct a f(struct b x) {\n' + BODY + "}\n}\n"}),
    BadExample("71 lines", {"src/b.cpp": "template <class T>\nauto f(T x) -> T {\n" + BODY[7:] + "}\n"}),
    BadExample("71 lines", {"bench/b.py": "def f():\n" + "    f()\n" * 70}),
    BadExample("71 lines", {"bench/compare": "#!/usr/bin/env python3\ndef f():\n" + "    f()\n" * 70}),
    BadExample("not Python 3.9", {"bench/b.py": "match x:\n    case 1: pass\n"}),
    BadExample("over 1048576 bytes", {"docs/picture.png": "x" * (FILE_BYTES_MAX + 1)}),
]

if __name__ == "__main__":
    sys.exit(run_check(check, BAD, GOOD))
