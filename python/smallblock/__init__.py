"""smallblock serves CPython's small objects, and says what memory they take.

    import smallblock
    smallblock.install()            # this process, from now on
    print(smallblock.stats())

`python3 -m smallblock app.py` starts a program on it from the first allocation. What stats(), block_of() and their
like need is imported when they are first called, so that an import stays cheap.
"""

from __future__ import annotations

import os
import sys

try:
    from smallblock import _smallblock
except ImportError as error:
    if (error.path or "").endswith(".so"):  # it is there
        raise
    _python = "%d.%d" % sys.version_info[:2]
    raise ImportError(
        f"the package in {os.path.dirname(__file__)} has no extension for CPython {_python}; "
        f"install its wheel (./build-wheel {_python})"
    ) from None
from smallblock._loading import load

TYPE_CHECKING = False  # typing's own takes longer to import than the rest of the package
if TYPE_CHECKING:
    import typing

    import smallblock
    from smallblock import leaks
    from smallblock._blocks import Block, NotServedError, Part
    from smallblock._explain import Cost, Explanation, ObjectCost, TypeCost
    from smallblock._pinned import Pinned, PinnedArena, PinnedObject, PinnedPool
    from smallblock._statistics import ClassStats, MemoryStats, Stats
    from smallblock._types import TypeCount, TypeCounts

__version__: str = _smallblock.VERSION
__all__ = [
    "Block",
    "ClassStats",
    "Cost",
    "Explanation",
    "MemoryStats",
    "NotServedError",
    "ObjectCost",
    "Part",
    "Pinned",
    "PinnedArena",
    "PinnedObject",
    "PinnedPool",
    "Stats",
    "TypeCost",
    "TypeCount",
    "TypeCounts",
    "block_of",
    "by_type",
    "debugmallocstats",
    "decay",
    "explain",
    "install",
    "installed",
    "leaks",
    "limit",
    "pinned",
    "stats",
    "trim",
    "uninstall",
]

if not TYPE_CHECKING:  # what annotations name, for typing.get_type_hints(), which finds it when it asks

    class _Typing:
        def __getattr__(self, name: str) -> object:
            return getattr(__import__("typing"), name)

    smallblock, typing = sys.modules[__name__], _Typing()

UINT64_MAX = (1 << 64) - 1
# Which file defines what __getattr__ imports when it is first asked for.
LAZY = {
    "_blocks": ("Block", "NotServedError", "Part"),
    "_explain": ("Cost", "Explanation", "ObjectCost", "TypeCost"),
    "_pinned": ("Pinned", "PinnedArena", "PinnedObject", "PinnedPool"),
    "_statistics": ("ClassStats", "MemoryStats", "Stats"),
    "_types": ("TypeCount", "TypeCounts"),
}
_limits_are_set = False  # by this program: what the environment says counts no more


def install() -> None:
    """Serves new objects of up to 512 bytes (CPython's mem and obj domains) from smallblock.

    Blocks born before go back to the allocator that made them; larger ones stay there. Raises RuntimeError when
    smallblock is installed already (SMALLBLOCK=1 in the environment does that before the program starts), when hooks
    (PYTHONMALLOC=debug, tracemalloc, a profiler) are in place, when SMALLBLOCK_HARD_LIMIT leaves Python no memory, and
    in a sub-interpreter.
    """
    if "SMALLBLOCK_HARD_LIMIT" in os.environ and not (_limits_are_set or _smallblock.installed()):
        complaint = load("_limits").complaint()
        if complaint:
            raise RuntimeError(complaint)
    _smallblock.install()


def uninstall() -> None:
    """Stops new allocations from smallblock; blocks that it made stay valid and may be freed at any time.

    Raises RuntimeError when smallblock is not installed, when the process was started on it, when the hooks of
    another tool lie over it, and in a sub-interpreter.
    """
    _smallblock.uninstall()


def installed() -> bool:
    """Whether new objects come from smallblock: after install(), or in a process that was started on it.

    What lies over it, such as tracemalloc, changes nothing. False when PYTHONMALLOC gave CPython another allocator.
    """
    return _smallblock.installed()


def stats() -> smallblock.Stats:
    """The engine's figures at this moment, all sizes in bytes. Takes each size class's lock for a moment."""
    figures: smallblock.Stats = load("_statistics").Stats.from_engine(_smallblock.stats())
    return figures


def trim() -> None:
    """Gives back to the system all memory that can go, now: about 0.1 s where 1 GB goes back."""
    _smallblock.trim()


def decay(milliseconds: int) -> None:
    """How long memory is left alone before it goes back by itself: -1 never, 0 at once, up to 2**31 - 1 ms.

    A part of that is enough while less than half of the heap's memory is in blocks.
    Raises ValueError for other numbers, TypeError for what is no integer.
    """
    if not isinstance(milliseconds, int) or isinstance(milliseconds, bool):
        raise TypeError(f"decay takes a number of milliseconds, not {type(milliseconds).__name__}")
    _smallblock.decay(milliseconds)


def limit(
    *,
    soft: typing.Optional[int] = None,
    hard: typing.Optional[int] = None,
    callback: typing.Optional[typing.Callable[[], object]] = None,
) -> None:
    """Limits in bytes on the blocks that smallblock holds live; None: no limit. Each call replaces the one before.

    Above `soft` memory is trimmed, and `callback()` runs once in the main thread as soon as that executes Python
    code; what it raises goes to sys.unraisablehook, but for KeyboardInterrupt and its like. At `hard` an allocation
    raises MemoryError; Python itself does not stand that everywhere, and may raise SystemError, hang or crash: take
    `hard` for the end of the process, and shed load at `soft`. After install() only blocks of up to 512 bytes count;
    in a process that was started on smallblock larger ones do too. The callback goes when the interpreter ends. Raises
    TypeError or ValueError for wrong arguments and a `hard` that is below what is held (live_bytes, cached_bytes and
    next_bytes of stats().memory together), RuntimeError in a sub-interpreter.
    """
    global _limits_are_set
    for name, value in (("soft", soft), ("hard", hard)):
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} must be a number of bytes or None, not {type(value).__name__}")
        if not 0 < value <= UINT64_MAX:
            raise ValueError(f"{name} must be between 1 and 2**64 - 1 bytes; None means no limit")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable or None, not {type(callback).__name__}")
    if callback is not None and soft is None:
        raise ValueError("callback is called at the soft limit: give soft=BYTES as well")
    if soft is not None and hard is not None and soft > hard:
        raise ValueError(f"soft ({soft}) must not be above hard ({hard})")
    if hard is not None:
        load("_limits").check(hard)
    _smallblock.limit(soft or 0, hard or 0, callback)
    _limits_are_set = True


def debugmallocstats(file: typing.Optional[typing.TextIO] = None) -> None:
    """Prints the report at exit (docs/statistics.md) at this moment, to stderr or `file`.

    Its layout is that of CPython's sys._debugmallocstats(). Raises OSError if no memory is left for it, RuntimeError if
    smallblock has served nothing yet.
    """
    if not _smallblock.installed() and _smallblock.stats()["region_bytes"] == 0:
        raise RuntimeError("smallblock has served nothing yet; call smallblock.install() first")
    target = sys.stderr if file is None else file
    if target is None:  # closed before the program began
        return
    with os.fdopen(os.memfd_create("smallblock-report"), "r+", encoding="utf-8") as report:
        _smallblock.write_report(report)
        report.seek(0)
        print(report.read(), end="", file=target)


def block_of(obj: object) -> smallblock.Block:
    """The block that serves an object: arena, pool, index, sizes, and what the object keeps beside it.

    Raises NotServedError, with a sentence that says where the object lies, if no block of smallblock has it;
    RuntimeError if smallblock has served nothing yet. Reads the records of the whole heap: tens of milliseconds a GB.
    """
    block: smallblock.Block = load("_blocks").block_of(obj)
    return block


def explain(obj: object, *, follow: bool = False, limit: typing.Optional[int] = 20) -> smallblock.Explanation:
    """A paragraph and a picture of the pool around the object's block; print() it.

    With `follow`, also what the object costs with all that it leads to, and the `limit` objects that cost most (None:
    all). That holds the GIL for about a second a GB. An object that lies elsewhere is explained too. Runs no code of
    the objects but the first one's __sizeof__, and that of types in C. Raises TypeError or ValueError for a wrong limit.
    """
    if limit is not None:
        check_limit(limit)
    explanation: smallblock.Explanation = load("_explain").explain(obj, follow, limit)
    return explanation


def by_type() -> smallblock.TypeCounts:
    """Live blocks and bytes per Python type, and of what its objects keep beside theirs, most bytes first.

    Reads every live block, with the GIL free, so that what other threads make or drop is counted or not, and then goes
    through the garbage collector's objects with the GIL held: about a second a GB, and a third of that. Raises
    RuntimeError if smallblock has served nothing yet.
    """
    counts: smallblock.TypeCounts = load("_types").by_type()
    return counts


def pinned(limit: int = 8) -> smallblock.Pinned:
    """The `limit` arenas and pools in which few blocks keep most memory, with the objects in them and who refers to them.

    The GIL is free while the heap is read, and held while the garbage collector's objects are searched for referrers.
    Raises TypeError or ValueError for a wrong limit, RuntimeError if smallblock has served nothing yet.
    """
    check_limit(limit)
    found: smallblock.Pinned = load("_pinned").pinned(limit)
    return found


def check_limit(limit: int) -> None:
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise TypeError(f"limit must be a number, not {type(limit).__name__}")
    if not 0 < limit < 1 << 31:
        raise ValueError("limit must be between 1 and 2**31 - 1")


if not TYPE_CHECKING:  # it would make every name a good one

    def __getattr__(name: str) -> object:
        if name == "leaks":
            return load("leaks")
        for module, names in LAZY.items():
            if name in names:
                return getattr(load(module), name)
        raise AttributeError(f"module 'smallblock' has no attribute {name!r}")

    def __dir__() -> list:
        return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])
