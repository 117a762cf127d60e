"""Whether a hard limit leaves room for what is held: a process without could not even say that the limit is too low."""

from __future__ import annotations

import os

from smallblock import _smallblock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

LEAST_BYTES = 1 << 20  # for an interpreter in which smallblock has served little or nothing yet
HARD, SOFT = "SMALLBLOCK_HARD_LIMIT", "SMALLBLOCK_SOFT_LIMIT"
BITS = {"K": 10, "M": 20, "G": 30, "T": 40}
ADVICE = "raise it (K, M, G and T are units, as in 512M) or take it away"


def held_bytes() -> int:
    """What the engine compares limits with."""
    memory = _smallblock.stats()["memory"]
    held: int = memory["live_bytes"] + memory["cached_bytes"] + memory["next_bytes"]
    return held


def check(hard: int) -> None:
    if hard < held_bytes():
        _smallblock.trim()
    held = held_bytes()
    if hard < held:
        raise ValueError(
            f"hard ({hard}) is below what is held, {held} bytes: live_bytes, cached_bytes and next_bytes of "
            "stats().memory together"
        )
    if hard < LEAST_BYTES and not _smallblock.installed():
        raise ValueError(f"hard ({hard}) is below {LEAST_BYTES} bytes, which Python needs to go on after install()")


def bytes_in(text: str) -> Optional[int]:
    """The number in the value of a variable, as the engine reads it; None: it is none."""
    bits = BITS.get(text[-1:].upper())
    digits = text if bits is None else text[:-1]
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
        return None
    value = int(digits) << (bits or 0)
    return value if 0 < value < (1 << 64) - 1 else None


def complaint() -> str:
    """What is wrong with the limit in the environment, in a process that has served nothing yet; empty: nothing."""
    text = os.environ.get(HARD, "")
    hard = bytes_in(text)
    if hard is None or hard >= LEAST_BYTES:
        return ""
    return f"{HARD}={text} is below {LEAST_BYTES} bytes, which Python needs; {ADVICE}"


def leave_out_hard() -> None:
    """Of the limits in the environment only the soft one counts."""
    _smallblock.limit(bytes_in(os.environ.get(SOFT, "")) or 0, 0, None)
