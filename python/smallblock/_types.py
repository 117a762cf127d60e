"""by_type(): live blocks per Python type. Imported by smallblock when it is first asked."""

from __future__ import annotations

import json
from dataclasses import asdict, astuple, dataclass
from operator import attrgetter
from typing import Iterable, Iterator, Optional, Tuple, TypeVar, Union, overload

from smallblock import _introspection, _smallblock
from smallblock._show import html_table, text_table

ROWS_SHOWN = 30
NUMBERS = ("blocks", "bytes", "part_blocks", "part_bytes")
T = TypeVar("T")


@dataclass(frozen=True)
class TypeCount:
    """Objects of a type, and what they keep beside their own blocks: items, tables; bytes are those of whole blocks.

    `type` is what the type's repr shows, as in "list" or "shop.Cart"; "unknown" are blocks whose contents prove nothing
    and that no object is known to keep.
    """

    type: str
    blocks: int
    bytes: int
    part_blocks: int
    part_bytes: int

    @property
    def total_bytes(self) -> int:
        return self.bytes + self.part_bytes


@dataclass(frozen=True, repr=False)
class TypeCounts:
    """Most bytes first. What since() gives counts changes: below 0 where there is less than there was."""

    rows: Tuple[TypeCount, ...]

    @property
    def blocks(self) -> int:
        return sum(row.blocks + row.part_blocks for row in self.rows)

    @property
    def bytes(self) -> int:
        return sum(row.total_bytes for row in self.rows)

    def __iter__(self) -> Iterator[TypeCount]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, type_name: str) -> TypeCount:
        """The row of a type, by its name; its last part is enough where one type alone has it. KeyError if no block is
        of that type."""
        found = [row for row in self.rows if row.type == type_name]
        found = found or [row for row in self.rows if row.type.endswith(f".{type_name}")]
        if len(found) > 1:
            raise KeyError(f"{type_name} may be any of {', '.join(row.type for row in found)}")
        if not found:
            raise KeyError(type_name)
        return found[0]

    def __contains__(self, wanted: object) -> bool:
        """Whether there is a row of a type, by its name as above; or whether it is one of the rows."""
        return wanted in self.rows or (isinstance(wanted, str) and self.get(wanted) is not None)

    @overload
    def get(self, type_name: str) -> Optional[TypeCount]: ...

    @overload
    def get(self, type_name: str, default: T) -> Union[TypeCount, T]: ...

    def get(self, type_name: str, default: Optional[T] = None) -> Union[TypeCount, Optional[T]]:
        """The row of a type, by its name as above; `default` if there is none, or more than one."""
        try:
            return self[type_name]
        except KeyError:
            return default

    def since(self, before: TypeCounts) -> TypeCounts:
        """What changed after `before` was taken: a row for each type with a number that differs."""
        if not isinstance(before, TypeCounts):
            raise TypeError(f"before must be what by_type() gave earlier, not {type(before).__name__}")
        now = {row.type: row for row in self.rows}
        then = {row.type: row for row in before.rows}
        none = TypeCount("", 0, 0, 0, 0)
        changes = [
            TypeCount(name, *(getattr(now.get(name, none), field) - getattr(then.get(name, none), field) for field in NUMBERS))
            for name in {**now, **then}
        ]
        return counts_of(row for row in changes if any(getattr(row, field) for field in NUMBERS))

    def to_json(self) -> str:
        """A JSON list with one object a type."""
        return json.dumps([asdict(row) for row in self.rows])

    def _shown(self) -> Tuple[TypeCount, ...]:
        rest = self.rows[ROWS_SHOWN:]
        if not rest:
            return self.rows
        sums = [sum(getattr(row, name) for row in rest) for name in NUMBERS]
        return (*self.rows[:ROWS_SHOWN], TypeCount(f"{len(rest)} more types", *sums))

    def __str__(self) -> str:
        rows = [(*(getattr(row, name) for name in NUMBERS), row.type) for row in self._shown()]
        return text_table(rows, (*(name.replace("_", " ") for name in NUMBERS), "type"))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """For notebooks."""
        return html_table([astuple(row) for row in self._shown()], ("type", *NUMBERS))


def counts_of(rows: Iterable[TypeCount]) -> TypeCounts:
    return TypeCounts(tuple(sorted(rows, key=attrgetter("total_bytes"), reverse=True)))


def by_type() -> TypeCounts:
    rows = (TypeCount(**row) for row in _introspection.types(_smallblock.heap()))
    return counts_of(row for row in rows if row.blocks or row.part_blocks)
