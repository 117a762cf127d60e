"""What the preloaded library asks of a process: libc alone, 9 bytes of TLS, nothing that lets it be unloaded.

    check_library.py LIBRARY [--asserting]

It goes under programs in C that load no C++ library, and under every thread's static TLS. A build that asserts keeps 4
bytes more there: the ranks of the locks that a thread holds.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from source_tree import require_tool

NEEDED_ALLOWED = re.compile(r"libc\.so\.\d+|ld-linux.*\.so\.\d+|ld-musl.*|libc\.musl.*")
EXPORT_ALLOWED = re.compile(
    r"sb_\w+|smallblock_\w+|malloc|calloc|realloc|reallocarray|free|cfree|free_sized|free_aligned_sized|memalign"
    r"|aligned_alloc|posix_memalign|valloc|pvalloc|malloc_usable_size|malloc_trim|mallinfo2?|mallopt|malloc_stats"
    r"|_Zn[wa]m\w*|_Zd[la]Pv\w*|__libc_\w+|strdup|strndup|dlm?open|prctl|(?:set|p)rlimit(?:64)?"
)
TLS_BYTES_MAX = 9  # the thread's heap, and what it has in hand
TLS_BYTES_MAX_ASSERTING = TLS_BYTES_MAX + 4


def readelf(*arguments: str) -> str:
    return subprocess.run(["readelf", "-W", *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


def objections(dynamic: str, segments: str, symbols: str, tls_bytes_max: int = TLS_BYTES_MAX) -> list[str]:
    """Judges the output of readelf -d, -l and --dyn-syms."""
    findings = []
    for name in re.findall(r"\(NEEDED\).*\[(.+?)\]", dynamic):
        if not NEEDED_ALLOWED.fullmatch(name):
            findings.append(f"needs {name}: only libc is allowed")
    if "NODELETE" not in dynamic:
        findings.append("is not linked with -z nodelete: dlclose could unload it under live blocks")
    tls = re.search(r"^ +TLS +\S+ +\S+ +\S+ +\S+ +(0x[0-9a-f]+)", segments, re.MULTILINE)
    if tls and int(tls.group(1), 16) > tls_bytes_max:
        findings.append(f"takes {int(tls.group(1), 16)} bytes of static TLS, at most {tls_bytes_max}")
    for size, binding, section, name in re.findall(
        r"^ +\d+: [0-9a-f]+ +(\d+) \w+ +(\w+) +\w+ +(\w+) +(\S+)", symbols, re.MULTILINE
    ):
        plain = name.split("@")[0]
        if section == "UND":
            if binding == "GLOBAL" and re.match(r"_ZN?K?S|__cxa_(?!finalize|atexit|thread_atexit)|__gxx_", plain):
                findings.append(f"refers to {plain} of the C++ library")
            if plain == "__tls_get_addr":
                findings.append("calls __tls_get_addr: TLS must be initial-exec")
        elif not EXPORT_ALLOWED.fullmatch(plain):
            findings.append(f"exports {plain} ({size} bytes), which is no part of an interface")
    return findings


GOOD = (
    " 0x1 (NEEDED)  Shared library: [libc.so.6]\n 0x6ffffffb (FLAGS_1) Flags: NODELETE\n",
    "  TLS  0x003d48 0x0000000000004d48 0x0000000000004d48 0x000008 0x000009 R 0x8\n",
    "     1: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND write@GLIBC_2.2.5 (2)\n"
    "     2: 0000000000001000    60 FUNC    GLOBAL DEFAULT   12 malloc\n",
)
BAD = {
    "needs libstdc++.so.6": (GOOD[0] + " 0x1 (NEEDED) Shared library: [libstdc++.so.6]\n", GOOD[1], GOOD[2]),
    "nodelete": (GOOD[0].replace("NODELETE", "NOW"), GOOD[1], GOOD[2]),
    "10 bytes of static TLS": (GOOD[0], GOOD[1].replace("0x000009 R", "0x00000a R"), GOOD[2]),
    "refers to _ZNSt": (GOOD[0], GOOD[1], GOOD[2].replace("write@", "_ZNSt6thread4joinEv@")),
    "__tls_get_addr": (GOOD[0], GOOD[1], GOOD[2].replace("write@", "__tls_get_addr@")),
    "exports _ZN10smallblock": (GOOD[0], GOOD[1], GOOD[2].replace("malloc", "_ZN10smallblock4trimEv")),
}


def main() -> int:
    asserting = sys.argv[2:] == ["--asserting"]
    if len(sys.argv) != 2 + asserting or not Path(sys.argv[1]).exists():
        sys.exit("usage: check_library.py LIBRARY [--asserting], the preload library that was built")
    require_tool("readelf")
    findings = [
        f"self-test: nothing says '{expected}'"
        for expected, example in BAD.items()
        if not any(expected in finding for finding in objections(*example))
    ]
    findings += [f"self-test: the good example {finding}" for finding in objections(*GOOD)]
    library = sys.argv[1]
    library_texts = (readelf("-d", library), readelf("-l", library), readelf("--dyn-syms", library))
    tls_bytes_max = TLS_BYTES_MAX_ASSERTING if asserting else TLS_BYTES_MAX
    findings += [f"{library} {finding}" for finding in objections(*library_texts, tls_bytes_max)]
    print("\n".join(findings) if findings else f"check_library.py: clean; {len(BAD)} bad examples were found bad")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
