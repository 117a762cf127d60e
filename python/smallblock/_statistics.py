"""What stats() returns: the C structs sb_stats and sb_memory as frozen dataclasses, and two ways to show them.

The fields are those of docs/statistics.md under their own names. Imported by smallblock.stats() when it is called.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Dict, Tuple


@dataclass(frozen=True)
class ClassStats:
    """One size class that has a pool or a cached block; sizes in bytes, counts in blocks."""

    index: int
    block_bytes: int
    pool_bytes: int
    pools_used: int
    blocks_capacity: int
    blocks_in_use: int
    blocks_cached: int
    blocks_free: int


@dataclass(frozen=True)
class MemoryStats:
    """What the process's memory is made of, in bytes."""

    live_bytes: int
    cached_bytes: int
    free_resident_bytes: int
    purged_bytes: int
    empty_resident_bytes: int
    metadata_bytes: int
    rounding_bytes: int
    next_bytes: int
    committed_bytes: int
    peak_live_bytes: int
    peak_committed_bytes: int


@dataclass(frozen=True)
class Stats:
    """The engine's figures; a name that ends in _bytes is in bytes, the others are counts."""

    version: str
    region_bytes: int
    small_limit_bytes: int
    page_bytes: int
    arena_bytes: int
    arenas_used: int
    arenas_used_peak: int
    arenas_opened_total: int
    arenas_released_total: int
    arenas_kept: int
    pools_empty: int
    live_bytes: int
    cached_bytes: int
    free_bytes: int
    tail_bytes: int
    empty_bytes: int
    committed_bytes: int
    metadata_bytes: int
    heaps: int
    heaps_private: int
    next_allocations: int
    memory: MemoryStats
    classes: Tuple[ClassStats, ...]

    @classmethod
    def from_engine(cls, figures: Dict[str, Any]) -> Stats:
        memory = MemoryStats(**figures.pop("memory"))
        classes = tuple(ClassStats(**row) for row in figures.pop("classes"))
        return cls(memory=memory, classes=classes, **figures)

    def to_json(self) -> str:
        """One JSON object with the fields under their own names."""
        return json.dumps(asdict(self))

    def _repr_html_(self) -> str:
        """For notebooks: what the memory is, and the classes."""
        memory = "".join(
            f"<tr><th>{name}</th><td>{value:,}</td></tr>" for name, value in asdict(self.memory).items()
        )
        columns = list(ClassStats.__dataclass_fields__)
        head = "".join(f"<th>{name}</th>" for name in columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{getattr(row, name):,}</td>" for name in columns) + "</tr>" for row in self.classes
        )
        return f"<table>{memory}</table><table><tr>{head}</tr>{rows}</table>"
