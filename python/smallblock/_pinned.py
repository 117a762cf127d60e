"""pinned(): the arenas and pools that few blocks keep, and who keeps those. Imported by smallblock when first asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from smallblock import _introspection, _smallblock
from smallblock._show import html_table, plural, size, type_and_text


@dataclass(frozen=True)
class PinnedObject:
    """An object in a live block. `referrers` are names of types, the most frequent ones first.

    For a block without an object in it (`type` is "unknown") they are the types of the objects that keep it, as a list
    keeps its items. They are empty where nothing that the garbage collector knows refers to the object.
    """

    type: str
    text: str
    address: int
    referrers: Tuple[str, ...]


@dataclass(frozen=True)
class PinnedPool:
    """`kept_bytes` of memory cannot go back because of `live_bytes` in live blocks. `objects` are the first eight."""

    arena: int
    pool: int
    address: int
    block_bytes: int
    live_blocks: int
    live_bytes: int
    kept_bytes: int
    objects: Tuple[PinnedObject, ...]


@dataclass(frozen=True)
class PinnedArena:
    """`pools` are its eight sparsest."""

    arena: int
    address: int
    live_blocks: int
    live_bytes: int
    kept_bytes: int
    pools: Tuple[PinnedPool, ...]


@dataclass(frozen=True, repr=False)
class Pinned:
    """Those first in which most is kept beyond what lives; `pools` are of the whole heap."""

    arenas: Tuple[PinnedArena, ...]
    pools: Tuple[PinnedPool, ...]

    def __str__(self) -> str:
        if not self.pools:
            return "no pool is sparse: no few blocks keep memory that others could use"
        lines: List[str] = []
        for arena in self.arenas:
            lines.append(f"arena {arena.arena} at {arena.address:#x}: {keeps(arena)}")
            lines += [line for pool in arena.pools for line in pool_lines(pool)]
        if not self.arenas:
            lines.append("no arena is sparse as a whole; single pools are:")
            lines += [line for pool in self.pools for line in pool_lines(pool)]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """For notebooks: the pools, with what is in them and who refers to that."""
        rows = [
            (pool.arena, pool.pool, pool.block_bytes, pool.live_blocks, pool.live_bytes, pool.kept_bytes,
             "; ".join(object_line(item) for item in pool.objects))
            for pool in self.pools
        ]  # fmt: skip
        head = ("arena", "pool", "block_bytes", "live_blocks", "live_bytes", "kept_bytes", "objects")
        return html_table(rows, head) if rows else f"<pre>{self}</pre>"


def keeps(row: Any) -> str:
    verb = "keeps" if row.live_blocks == 1 else "keep"
    return f"{plural(row.live_blocks, 'live block')} ({size(row.live_bytes)}) {verb} {size(row.kept_bytes)}"


def object_line(item: PinnedObject) -> str:
    referrers = f"  <- {', '.join(item.referrers)}" if item.referrers else ""
    return type_and_text(item.type, item.text) + referrers


def pool_lines(pool: PinnedPool) -> List[str]:
    lines = [f"  pool {pool.pool} at {pool.address:#x}, blocks of {pool.block_bytes} bytes: {keeps(pool)}"]
    lines += [f"    {item.address:#x}  {object_line(item)}" for item in pool.objects]
    if len(pool.objects) < pool.live_blocks:
        lines.append(f"    and {pool.live_blocks - len(pool.objects)} more")
    return lines


def pool_in(row: Dict[str, Any]) -> PinnedPool:
    objects = tuple(
        PinnedObject(item["type"], item["text"], item["address"], tuple(item["referrers"])) for item in row.pop("objects")
    )
    return PinnedPool(objects=objects, **row)


def pinned(limit: int) -> Pinned:
    answer = _introspection.pinned(_smallblock.heap(), limit)
    arenas = tuple(PinnedArena(pools=tuple(pool_in(pool) for pool in row.pop("pools")), **row) for row in answer["arenas"])
    return Pinned(arenas, tuple(pool_in(row) for row in answer["pools"]))
