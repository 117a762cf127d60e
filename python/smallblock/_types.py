"""by_type(): live blocks per Python type. Imported by smallblock when it is first asked."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Dict, Iterator, Tuple

from smallblock import _introspection, _smallblock
from smallblock._show import html_table, text_table

ROWS_SHOWN = 30


@dataclass(frozen=True)
class TypeCount:
    """`type` is the type's own name; "unknown" are blocks with no object in them that could be proved."""

    type: str
    blocks: int
    bytes: int  # of whole blocks


@dataclass(frozen=True, repr=False)
class TypeCounts:
    """Most bytes first."""

    rows: Tuple[TypeCount, ...]

    @property
    def blocks(self) -> int:
        return sum(row.blocks for row in self.rows)

    @property
    def bytes(self) -> int:
        return sum(row.bytes for row in self.rows)

    def __iter__(self) -> Iterator[TypeCount]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, type_name: str) -> TypeCount:
        """The row of a type, by its name; KeyError if no block is of that type."""
        for row in self.rows:
            if row.type == type_name:
                return row
        raise KeyError(type_name)

    def to_json(self) -> str:
        """A JSON list with one object a type."""
        return json.dumps([asdict(row) for row in self.rows])

    def _shown(self) -> Tuple[TypeCount, ...]:
        rest = self.rows[ROWS_SHOWN:]
        if not rest:
            return self.rows
        last = TypeCount(f"{len(rest)} more types", sum(row.blocks for row in rest), sum(row.bytes for row in rest))
        return (*self.rows[:ROWS_SHOWN], last)

    def __str__(self) -> str:
        rows = [(row.blocks, row.bytes, row.type) for row in self._shown()]
        return text_table(rows, ("blocks", "bytes", "type"))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """For notebooks."""
        rows = [(row.type, row.blocks, row.bytes) for row in self._shown()]
        return html_table(rows, ("type", "blocks", "bytes"))


def by_type() -> TypeCounts:
    answers: Dict[str, TypeCount] = {row["type"]: TypeCount(**row) for row in _introspection.types(_smallblock.heap())}
    return TypeCounts(tuple(answers.values()))
