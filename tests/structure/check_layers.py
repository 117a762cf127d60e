"""Includes follow the one order of layers.txt; OS headers stay in src/os, Python in the CPython front door.

The engine and everything that is preloaded link nothing beyond libc, so their files include no header whose code
lives in libstdc++. cli/ is an ordinary program: it may use both the OS and libstdc++. src/inspect/image reads a heap
from outside and is no part of the engine: it may use libstdc++, and the engine may not include it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from source_tree import BadExample, Tree, line_of, run_check, without_comments

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
OS_HEADER = re.compile(
    r"(sys|linux|asm|asm-generic|bits|netinet|arpa)/.*"
    r"|(unistd|fcntl|pthread|dlfcn|sched|time|signal|poll|link|elf|execinfo|semaphore|spawn|ucontext|syscall|termios"
    r"|dirent|pwd|grp|glob|ftw|mntent|threads|setjmp)\.h"
    r"|ctime|csignal|csetjmp"
)
LIBSTDCXX_HEADERS = set(
    """any barrier condition_variable deque exception filesystem format forward_list fstream functional future iomanip
    ios iostream istream latch list locale map memory memory_resource mutex ostream queue random regex semaphore set
    shared_mutex sstream stack stdexcept stop_token streambuf string syncstream system_error thread typeindex
    unordered_map unordered_set valarray vector""".split()
)
PYTHON = re.compile(r"\bPython\.h\b|\b_?Py(?:Mem|Object|Interpreter|Thread|Gil|Runtime|State|Unicode|Type|Dict)_?\w*")
# The doctor looks for the hook's symbols in interpreters, by name.
PYTHON_DOOR = ("src/api/cpython_hook", "cli/doctor_python", "src/inspect/image/python_")
# Uses libstdc++ and is linked by programs only.
READERS = ("src/inspect/image/", "cli/")


def layer_ranks() -> dict[str, int]:
    lines = (Path(__file__).parent / "layers.txt").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {name: rank for rank, row in enumerate(rows) for name in row}


def layer_of(path: str) -> str:
    parts = path.split("/")
    return "cli" if parts[0] == "cli" else parts[1]


def objection(path: str, quote: str, header: str, ranks: dict[str, int]) -> str | None:
    """Why the file may not include the header, or None."""
    layer = layer_of(path)
    first, _, rest = header.partition("/")
    if quote == '"':
        if not rest:
            return f'"{header}" does not name its layer: write "{layer}/{header}"'
        if first not in ranks:
            return f'"{header}" belongs to no layer of layers.txt'
        if header.startswith("inspect/image/") and not path.startswith(READERS):
            return f'{layer} must not include "{header}": it is no part of the engine'
        if first != layer and ranks[first] >= ranks[layer]:
            return f'{layer} must not include "{header}": {first} is not below it'
        return None
    if first in ranks and rest:
        return f'<{header}> is ours: include it as "{header}"'
    if OS_HEADER.fullmatch(header) and layer not in ("os", "cli"):
        return f"<{header}> is an OS header: only src/os may include it"
    if header in LIBSTDCXX_HEADERS and not path.startswith(READERS):
        return f"<{header}> needs libstdc++ at run time: only cli and inspect/image may include it"
    return None


def check(tree: Tree) -> list[str]:
    ranks = layer_ranks()
    findings = []
    for path in tree.cpp("src", "cli"):
        text = without_comments(tree.text(path))
        if layer_of(path) not in ranks:
            findings.append(f"{path}: the folder is no layer of layers.txt")
            continue
        for match in INCLUDE.finditer(text):
            reason = objection(path, match.group(1), match.group(2), ranks)
            if reason:
                findings.append(f"{path}:{line_of(text, match.start())}: {reason}")
        if not path.startswith(PYTHON_DOOR):
            for match in PYTHON.finditer(text):
                where = f"{path}:{line_of(text, match.start())}"
                findings.append(f"{where}: {match.group()} belongs into src/api/cpython_hook*")
    return findings


GOOD = {
    "src/core/pool.cpp": '#include "core/pool.hpp"\n#include <cstdint>\n#include "base/bits.hpp"\n// PyMem_Malloc\n',
    "src/os/linux.cpp": "#include <sys/mman.h>\n",
    "src/api/cpython_hook.cpp": 'const char* kName = "PyMem_SetAllocator";\n',
    "src/inspect/image/heap_image.hpp": "#include <vector>\n",
    "cli/main.cpp": '#include <string>\n#include <unistd.h>\n#include "inspect/image/heap_image.hpp"\n',
}
BAD = [
    BadExample("heap is not below it", {"src/core/a.cpp": '#include "heap/magazine.hpp"\n'}),
    BadExample("check is not below it", {"src/trace/a.cpp": '#include "check/fill.hpp"\n'}),
    BadExample("inspect is not below it", {"src/check/a.cpp": '#include "inspect/output.hpp"\n'}),
    BadExample("api is not below it", {"src/inspect/a.cpp": '#include "base/b.hpp"\n#  include "api/door.hpp"\n'}),
    BadExample("does not name its layer", {"src/core/a.cpp": '#include "pool.hpp"\n'}),
    BadExample("belongs to no layer", {"src/core/a.cpp": '#include "util/pool.hpp"\n'}),
    BadExample("no layer of layers.txt", {"src/util/a.cpp": "\n"}),
    BadExample("include it as", {"src/heap/a.cpp": "#include <core/pool.hpp>\n"}),
    BadExample("OS header", {"src/heap/a.cpp": "#include <pthread.h>\n"}),
    BadExample("OS header", {"src/api/a.cpp": "#include <sys/mman.h>\n"}),
    BadExample("needs libstdc++", {"src/heap/a.hpp": "#include <mutex>\n"}),
    BadExample("needs libstdc++", {"src/api/a.cpp": "#include <vector>\n"}),
    BadExample("no part of the engine", {"src/inspect/a.cpp": '#include "inspect/image/heap_image.hpp"\n'}),
    BadExample("cpython_hook", {"src/api/a.cpp": "#include <Python.h>\n"}),
    BadExample("cpython_hook", {"src/heap/a.cpp": 'auto* name = "PyObject_Free";\n'}),
]

if __name__ == "__main__":
    sys.exit(run_check(check, BAD, GOOD))
