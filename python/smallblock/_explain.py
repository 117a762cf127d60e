"""explain(): an object's block in words and as a picture, and what it costs with all that it leads to.

Imported by smallblock when it is first asked.
"""

from __future__ import annotations

import html
import sys
from dataclasses import dataclass
from textwrap import fill
from typing import Any, Dict, List, Optional, Tuple

from smallblock import _introspection, _smallblock
from smallblock._blocks import Block, block_in, elsewhere, parts_sentence, place_sentence, sizes_sentence
from smallblock._show import plural, size, text_table, type_and_text

BLOCKS_PER_LINE = 64
LEGEND = "@ this block   # live   c in a magazine   . free   - given back to the system"


@dataclass(frozen=True)
class TypeCost:
    """What the objects of one type cost.

    `type` is its name, with the module if there are several of that name. Bytes are those of whole blocks, and of what
    other allocators were asked; buffers that only the type knows of, as a deque's, are counted there.
    """

    type: str
    objects: int
    blocks: int
    block_bytes: int
    elsewhere_bytes: int


@dataclass(frozen=True)
class ObjectCost:
    """One object with its parts; `is_shared`: reached more than once on the way."""

    type: str
    text: str
    address: int
    blocks: int
    block_bytes: int
    elsewhere_bytes: int
    is_shared: bool


@dataclass(frozen=True)
class Cost:
    """An object with all that it leads to; each block counts once.

    Classes, modules, functions, code and frames are neither followed nor counted. `largest` are the objects that cost
    most.
    """

    objects: int
    shared_objects: int
    blocks: int
    block_bytes: int
    elsewhere_bytes: int
    types: Tuple[TypeCost, ...]
    largest: Tuple[ObjectCost, ...]

    @property
    def total_bytes(self) -> int:
        return self.block_bytes + self.elsewhere_bytes


@dataclass(frozen=True, repr=False)
class Explanation:
    """`text` is what str() gives. `block` is None for an object that lies elsewhere, `cost` without follow=True."""

    text: str
    block: Optional[Block]
    cost: Optional[Cost]

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """For notebooks."""
        return f"<pre>{html.escape(self.text)}</pre>"


def picture(place: Dict[str, Any]) -> str:
    """The pool around a block: a letter for each block."""
    states = place["states"]
    states = states[: place["index"]] + "@" + states[place["index"] + 1 :]
    lines = [
        f"{first:5} {states[first : first + BLOCKS_PER_LINE]}" for first in range(0, len(states), BLOCKS_PER_LINE)
    ]
    head = f"pool at {place['pool_address']:#x}: {plural(place['capacity'], 'block')} in {size(place['pool_bytes'])}"
    near = [f"{side} it: {place[side]}" for side in ("before", "after") if place[side]]
    return "\n".join([head, *lines, LEGEND, *(["; ".join(near)] if near else [])])


def cost_in(answer: Dict[str, Any]) -> Cost:
    for row in answer["largest"]:
        del row["objects"]
    types = tuple(TypeCost(**row) for row in answer.pop("types"))
    largest = tuple(ObjectCost(**row) for row in answer.pop("largest"))
    return Cost(types=types, largest=largest, **answer)


def cost_text(cost: Cost) -> str:
    shared = f"; {plural(cost.shared_objects, 'object')} reached more than once count once" if cost.shared_objects else ""
    other = f", and {size(cost.elsewhere_bytes)} with other allocators" if cost.elsewhere_bytes else ""
    lines: List[str] = [
        f"With all that it leads to: {plural(cost.objects, 'object')} in {plural(cost.blocks, 'block')} of "
        f"{size(cost.block_bytes)}{other}{shared}.",
        text_table([(row.objects, row.blocks, row.block_bytes + row.elsewhere_bytes, row.type) for row in cost.types[:10]],
                   ("objects", "blocks", "bytes", "type")),
    ]  # fmt: skip
    if len(cost.types) > 10:
        lines.append(f"and {plural(len(cost.types) - 10, 'more type')}")
    rows = [
        (row.blocks, row.block_bytes + row.elsewhere_bytes,
         type_and_text(row.type, row.text) + (" (shared)" if row.is_shared else ""))
        for row in cost.largest
    ]  # fmt: skip
    if rows:
        lines.append(text_table(rows, ("blocks", "bytes", "object")))
    return "\n\n".join(lines)


def explain(obj: object, follow: bool, limit: Optional[int]) -> Explanation:
    heap = _smallblock.heap()
    place = _introspection.place(heap, obj)
    block = block_in(place, obj) if place["is_served"] else None
    if block is None:
        sentence = str(elsewhere(place))
        words = [f"{sentence[0].upper()}{sentence[1:]}.", parts_sentence(place)]
    else:
        words = [place_sentence(block, place["capacity"]), sizes_sentence(block), parts_sentence(place)]
    paragraphs = [fill(" ".join(word for word in words if word), 100)]
    if block is not None:
        paragraphs.append(picture(place))
    cost = None
    if follow:
        cost = cost_in(_introspection.cost(heap, obj, sys.maxsize if limit is None else limit))
        paragraphs.append(cost_text(cost))
    return Explanation("\n\n".join(paragraphs), block, cost)
