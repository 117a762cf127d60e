"""copy.deepcopy of a configuration of nested dicts, lists and objects that share parts."""

from __future__ import annotations

import copy


class Server:
    def __init__(self, name: str, ports: list[int], owner: dict[str, str]) -> None:
        self.name = name
        self.ports = ports
        self.owner = owner


def make_configuration() -> dict[str, object]:
    owner = {"name": "operations", "mail": "operations@example.org"}
    return {
        "servers": [Server(f"server{index}", [8000 + index, 9000 + index], owner) for index in range(20)],
        "limits": {f"limit{index}": (index, float(index), str(index)) for index in range(20)},
        "nested": {"a": {"b": {"c": {"d": [1, 2, [3, 4, [5, 6]]]}}}},
        "owner": owner,
    }


def run(scale: int) -> object:
    """The sum of all copied ports; the owner must stay shared within a copy."""
    configuration = make_configuration()
    port_sum = 0
    for _ in range(scale * 26):
        clone = copy.deepcopy(configuration)
        for server in clone["servers"]:
            if server.owner is not clone["owner"]:
                raise AssertionError("deepcopy lost a shared part")
            port_sum += sum(server.ports)
    return port_sum


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
