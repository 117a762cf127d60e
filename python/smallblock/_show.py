"""How answers about the heap are shown: sizes in words, tables in text and HTML. Called by the answers' own methods."""

from __future__ import annotations

import html
from typing import Iterable, Optional, Sequence

UNITS = (("GiB", 30), ("MiB", 20), ("KiB", 10))


def size(count: int) -> str:
    """A number of bytes for a reader: 48 bytes, 1.5 KiB, 20.0 MiB, 3.1 GiB."""
    if count < 1024:
        return f"{count} byte" + ("" if count == 1 else "s")
    unit, shift = next(row for row in UNITS if row[1] == 10 or count >> row[1])
    return f"{count / (1 << shift):,.1f} {unit}"


def a(noun: str) -> str:
    return ("an " if noun[:1].lower() in set("aeiou") else "a ") + noun


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def type_and_text(type_name: str, text: str) -> str:
    """As in: list of 3 items, int 42, int of about 90 bits, str 'words', 5 characters."""
    if text.endswith((" item", " items")):
        return f"{type_name} of {text}"
    if text.startswith("integer of "):
        return f"{type_name} {text[len('integer '):]}"
    return f"{type_name} {text}" if text else type_name


def cell(value: object) -> str:
    if value is None:
        return "not known"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return html.escape(str(value))


def html_table(rows: Iterable[Sequence[object]], head: Optional[Sequence[str]] = None) -> str:
    """Everything is escaped: names and values of objects are the program's, not ours."""
    first = "<tr>" + "".join(f"<th>{html.escape(name)}</th>" for name in head) + "</tr>" if head else ""
    body = "".join("<tr>" + "".join(f"<td>{cell(value)}</td>" for value in row) + "</tr>" for row in rows)
    return f"<table>{first}{body}</table>"


def text_table(rows: Sequence[Sequence[object]], head: Sequence[str]) -> str:
    """Columns as wide as they must be; the last one is text, the others are numbers."""
    cells = [list(head), *([f"{value:,}" if isinstance(value, int) else str(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["  ".join(word.rjust(width) for word, width in zip(row[:-1], widths)) + "  " + row[-1] for row in cells]
    return "\n".join(lines)
