"""Splits program text into token tuples with one regular expression of named groups, and counts them."""

from __future__ import annotations

import re

TOKEN = re.compile(
    r"""(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<string>"[^"\n]*")
      |(?P<operator>[-+*/=<>!]=?|[(){}\[\],.:;])|(?P<newline>\n)|(?P<space>[ \t]+)|(?P<other>.)""",
    re.VERBOSE,
)
TEXT = """
function area(width, height) {
    message = "the area is: " + width * height;
    if (width >= 12.75) { return log(message, "too wide"); }
    for (index = 0; index < height; index += 1) { total[index] = width / 2.5 - index; }
    return total;
}
"""


def tokens_of(text: str) -> list[tuple[str, str, int]]:
    return [(match.lastgroup or "", match.group(), match.start()) for match in TOKEN.finditer(text)]


def run(scale: int) -> object:
    """How often each kind of token was seen, and the length of all names."""
    text = TEXT * 10
    counts: dict[str, int] = {}
    name_length = 0
    for _ in range(scale * 9):
        for kind, value, _start in tokens_of(text):
            counts[kind] = counts.get(kind, 0) + 1
            if kind == "name":
                name_length += len(value)
    return sorted(counts.items()), name_length


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
