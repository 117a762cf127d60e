"""Leaves 16 MB of small objects alive when the process ends, for the caller to find in the report.

pymalloc takes its arenas straight from the system: the objects show in the report only if smallblock serves them.
"""

from __future__ import annotations

import ctypes

numbers = [number * 1_000_003 for number in range(500_000)]
ctypes.pythonapi.Py_IncRef(ctypes.py_object(numbers))
print(sum(numbers))
