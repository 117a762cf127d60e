"""What malloc's family says of requests that nothing can serve, whatever malloc serves the large ones."""

from __future__ import annotations

import ctypes
import errno

PROCESS = ctypes.CDLL(None, use_errno=True)
TOO_MUCH = (1 << 63) - (1 << 20)


def outcome(name: str, *arguments: int) -> str:
    function = getattr(PROCESS, name)
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.c_size_t] * len(arguments)
    ctypes.set_errno(0)
    block = function(*arguments)
    return f"{name}: {'NULL' if block is None else 'a block'}, {errno.errorcode.get(ctypes.get_errno(), 'no errno')}"


PROCESS.malloc.restype = ctypes.c_void_p
large = PROCESS.malloc(ctypes.c_size_t(100_000))
print(outcome("malloc", TOO_MUCH))
print(outcome("calloc", 1, TOO_MUCH))
print(outcome("calloc", 1 << 40, 1 << 40))
print(outcome("realloc", large, TOO_MUCH))
print(outcome("memalign", 64, TOO_MUCH))
print(outcome("aligned_alloc", 64, TOO_MUCH))
PROCESS.free(ctypes.c_void_p(large))
