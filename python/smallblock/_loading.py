"""Imports what stats(), block_of() and their like need when they are first called.

No lock is held meanwhile but importlib's, which sees threads that wait for each other and lets one go on.
"""

from __future__ import annotations

import _thread
import gc
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

FORK_WAITS_S = 1.0
BUSY = (
    "this call came in the middle of the import that it needs: in a signal handler or a callback, or in one of two "
    "threads that import the same; call stats(), block_of() and their like once before a handler or callback may"
)

_loaded: Dict[str, Any] = {}  # finalizers may call when nothing can be imported any more
_running: List[Tuple[int, bool]] = []  # imports: which thread's, and whether it stopped the collector


def load(name: str) -> Any:
    module = _loaded.get(name)
    return _import(name) if module is None else module


def _import(name: str) -> Any:
    # Finalizers and callbacks that a collection would run could ask for what is half there.
    run = (_thread.get_ident(), gc.isenabled())
    try:
        _running.append(run)
        if run[1]:
            gc.disable()
        module = __import__(f"smallblock.{name}", fromlist=(name,))
    except Exception as error:
        if "partially initialized" not in str(error):
            raise
        raise RuntimeError(BUSY) from error
    finally:
        if run[1]:
            gc.enable()
        if run in _running:
            _running.remove(run)
    if getattr(module.__spec__, "_initializing", False):
        raise RuntimeError(BUSY)
    _loaded[name] = module
    return module


def _others() -> List[Tuple[int, bool]]:
    me = _thread.get_ident()
    return [run for run in _running if run[0] != me]


# A child that is forked while another thread imports waits for that thread for ever. That thread may wait for this
# one, so there is an end to it.
def _before_fork() -> None:
    end = time.monotonic() + FORK_WAITS_S
    while _others() and time.monotonic() < end:
        time.sleep(0.001)


def _after_fork_in_child() -> None:
    gone = _others()
    for run in gone:
        _running.remove(run)
    if any(stopped for _, stopped in gone):
        gc.enable()


os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
