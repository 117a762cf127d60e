"""block_of(): which block serves an object. Imported by smallblock when it is first asked."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import Any, Dict, Optional, Tuple

from smallblock import _introspection, _smallblock
from smallblock._show import a, html_table, size, type_and_text

PYTHON_LIMIT_BYTES = 512  # what CPython asks its object allocator for; the rest goes to malloc


class NotServedError(LookupError):
    """The object lies in no block of smallblock; str() is a sentence that says where it lies.

    `where` is "file" (a static part of the interpreter or of a library), "malloc" (too large for a block), or "older"
    (a block of another allocator, such as CPython's before install()). `allocator` is the file of that allocator or
    library, or "" if it is not known.
    """

    def __init__(self, sentence: str, where: str, allocator: str) -> None:
        super().__init__(sentence)
        self.where = where
        self.allocator = allocator

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (str(self), self.where, self.allocator)


@dataclass(frozen=True)
class Part:
    """Memory that an object keeps beside its own block: a list's items, the table of a dict or set."""

    what: str
    address: int
    asked_bytes: Optional[int]  # None: not known
    block_bytes: Optional[int]  # of the block of smallblock that serves it; None: another allocator does


@dataclass(frozen=True)
class Block:
    """The block that serves an object.

    `pool` counts units of 16 KiB in the arena, `index` blocks in the pool, `size_class` as in stats().classes.
    """

    type: str
    text: str
    arena: int
    pool: int
    index: int
    size_class: int
    address: int
    object_address: int
    block_bytes: int
    requested_bytes: Optional[int]  # headers included; None: not known
    getsizeof_bytes: Optional[int]  # None: the object's __sizeof__ fails
    gc_header: bool
    parts: Tuple[Part, ...]
    buffer_bytes: int  # beside all that, as a deque's items: what __sizeof__ of a type in C says, wherever it lies

    @property
    def total_bytes(self) -> int:
        """What the object costs: its own block, the blocks (or bytes, elsewhere) of its parts, and its buffers."""
        parts_bytes = sum(part.block_bytes or part.asked_bytes or 0 for part in self.parts)
        return self.block_bytes + parts_bytes + self.buffer_bytes

    def _repr_html_(self) -> str:
        """For notebooks."""
        rows = [(name, value) for name, value in asdict(self).items() if name != "parts"]
        rows = [(name, hex(value) if name.endswith("address") else value) for name, value in rows]
        parts = [(part.what, hex(part.address), part.asked_bytes, part.block_bytes) for part in self.parts]
        head = ("part", "address", "asked_bytes", "block_bytes")
        return html_table(rows) + (html_table(parts, head) if parts else "")


def getsizeof(obj: object) -> Optional[int]:
    try:
        return sys.getsizeof(obj)
    except Exception:  # a class's own __sizeof__ may do anything
        return None


def parts_in(place: Dict[str, Any]) -> Tuple[Part, ...]:
    return tuple(
        Part(row["what"], row["address"], row["asked_bytes"] or None, row["block_bytes"] or None)
        for row in place["parts"]
    )


def is_small_int(place: Dict[str, Any]) -> bool:
    return place["type"] == "int" and place["text"].lstrip("-").isdigit() and -5 <= int(place["text"]) <= 256


def elsewhere(place: Dict[str, Any]) -> NotServedError:
    subject = f"this {type_and_text(place['type'], place['text'])}"
    asked = place["asked_bytes"]
    shared = " (CPython shares the ints from -5 to 256)" if is_small_int(place) else ""
    if place["file"]:
        sentence = f"{subject} is a static part of {place['file']}{shared}: no allocator made it"
        return NotServedError(sentence, "file", place["file"])
    malloc = place["malloc_file"] or "the C library"
    if asked > PYTHON_LIMIT_BYTES:
        sentence = f"{subject} takes {size(asked)}, which is too large for a block: malloc of {malloc} has it"
        return NotServedError(sentence, "malloc", place["malloc_file"])
    if is_small_int(place):
        sentence = f"{subject} is one of the ints from -5 to 256, which CPython makes at its start and shares"
        return NotServedError(sentence, "older", "")
    if _smallblock.preloaded():
        sentence = f"{subject} was made by an allocator beside smallblock: it lies {place['where']}"
        return NotServedError(sentence, "older", "")
    sentence = (
        f"{subject} is in a block of CPython's own allocator, which was made before install() or after uninstall(); "
        "CPython may have kept it for re-use"
    )
    return NotServedError(sentence, "older", "")


def block_in(place: Dict[str, Any], obj: object) -> Block:
    return Block(
        type=place["type"],
        text=place["text"],
        arena=place["arena"],
        pool=place["pool"],
        index=place["index"],
        size_class=place["size_class"],
        address=place["address"],
        object_address=place["address"] + place["object_offset"],
        block_bytes=place["block_bytes"],
        requested_bytes=place["requested_bytes"] or None,
        getsizeof_bytes=getsizeof(obj),
        gc_header=place["gc_header"],
        parts=parts_in(place),
        buffer_bytes=place["buffer_bytes"],
    )


def block_of(obj: object) -> Block:
    place = _introspection.place(_smallblock.heap(), obj)
    if not place["is_served"]:
        raise elsewhere(place)
    return block_in(place, obj)


def sizes_sentence(block: Block) -> str:
    said = "the object's __sizeof__ fails" if block.getsizeof_bytes is None else f"sys.getsizeof says {block.getsizeof_bytes}"
    asked = f"{block.requested_bytes} bytes were asked for" if block.requested_bytes else "what was asked for is not known"
    header = "; a header of the garbage collector stands before the object" if block.gc_header else ""
    return f"{asked[0].upper()}{asked[1:]}, {said}, and the block has {block.block_bytes}{header}."


def parts_sentence(place: Dict[str, Any]) -> str:
    words = []
    for part in parts_in(place):
        asked = f" of {size(part.asked_bytes)}" if part.asked_bytes else ""
        served = f"in a block of {part.block_bytes} bytes" if part.block_bytes else "with another allocator"
        words.append(f"its {part.what}{asked} {served}")
    if place["buffer_bytes"]:
        words.append(f"{size(place['buffer_bytes'])} in buffers of its type")
    return f"Beside it the object keeps {', and '.join(words)}." if words else ""


def place_sentence(block: Block, capacity: int) -> str:
    what = f"This {type_and_text(block.type, block.text)}"
    return (
        f"{what} is in block {block.index} of {capacity} in pool {block.pool} of arena {block.arena}, "
        f"{a('pool')} of {block.block_bytes}-byte blocks (class {block.size_class})."
    )
