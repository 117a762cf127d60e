"""Blocks that live, for leak hunters: what sys.getallocatedblocks() says of pymalloc, for smallblock as well.

    import smallblock.leaks
    smallblock.leaks.answer_getallocatedblocks()

SMALLBLOCK=1 does that at the start of every interpreter, so that `python3 -m test -R` and its workers count blocks.
"""

from __future__ import annotations

import sys

from smallblock import _smallblock

# Not that of a module that was imported before this one.
_of_cpython = getattr(sys.getallocatedblocks, "of_cpython", sys.getallocatedblocks)


def allocated_blocks() -> int:
    """Live blocks of smallblock's and of CPython's own allocator; exact for the thread that asks.

    In a process that was started on smallblock, blocks of malloc count too. Takes each size class's lock for a moment.
    """
    return sum([row["blocks_in_use"] for row in _smallblock.stats()["classes"]]) + _of_cpython()


allocated_blocks.of_cpython = _of_cpython  # type: ignore[attr-defined]


def answer_getallocatedblocks() -> None:
    """Puts allocated_blocks() in the place of sys.getallocatedblocks(), which counts pymalloc's blocks alone."""
    sys.getallocatedblocks = allocated_blocks
