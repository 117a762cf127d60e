"""The program that the browser's tests look at: objects of known types that stay, and work on request.

It says addresses and types in a line of JSON. Then it does what each line of its input says, and answers with a line
each: grow (20,000 strings more), drop (all of these), work (allocate and free a little), other (become a program
without smallblock), end.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from typing import Any, Optional

STRINGS = 20_000
GROWN: list[list[str]] = []


class Planted:
    __slots__ = ("one", "two", "three", "four", "five", "six", "seven", "eight")


def plant() -> list[Optional[Planted]]:
    """Of 40,000 objects every 400th stays, so that few blocks keep many pages."""
    planted: list[Optional[Planted]] = [Planted() for _ in range(40_000)]
    for one in planted:
        one.one = None  # type: ignore[union-attr]
    return planted[::400]


def become_other() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    os.execve(sys.executable, [sys.executable, "-c", "import sys; sys.stdin.read()"], environment)


def main() -> None:
    planted = plant()
    gc.collect()
    objects: dict[str, Any] = {
        "__main__.Planted": planted[7],
        "str": "".join(["a text ", "of the program"]),
        "int": 10**15 + 7,
        "bytes": bytes(range(65, 91)),
        "list": [None] * 7,
        "dict": {"a key": planted[8]},
        "float": 1.0 / 3.0,
    }
    facts = {name: hex(id(one)) for name, one in objects.items()}
    print(json.dumps({"objects": facts, "planted": [hex(id(one)) for one in planted]}), flush=True)
    for line in sys.stdin:
        command = line.strip()
        if command == "grow":
            GROWN.append([f"{number} times" for number in range(STRINGS)])
        elif command == "drop":
            GROWN.clear()
        elif command == "work":
            _ = [str(number) for number in range(5000)]
        elif command == "other":
            become_other()
        elif command == "end":
            break
        print(json.dumps({"done": command}), flush=True)


if __name__ == "__main__":
    main()
