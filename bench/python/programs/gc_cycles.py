"""Graphs of nodes that point at each other, dropped whole: only the cycle collector can free them."""

from __future__ import annotations

from typing import Optional


class Node:
    def __init__(self, key: int, parent: Optional[Node]) -> None:
        self.key = key
        self.parent = parent
        self.children: list[Node] = []
        self.peers: dict[int, Node] = {}
        if parent is not None:
            parent.children.append(self)


def make_graph(nodes: int) -> list[Node]:
    graph = [Node(0, None)]
    for key in range(1, nodes):
        node = Node(key, graph[key // 3])
        graph.append(node)
        peer = graph[key * 7 % len(graph)]
        peer.peers[key] = node
        node.peers[peer.key] = peer
    return graph


def depth_of(node: Node) -> int:
    depth = 0
    while node.parent is not None:
        node = node.parent
        depth += 1
    return depth


def run(scale: int) -> object:
    """Depths and degrees of all graphs."""
    depths, degrees = 0, 0
    for _ in range(scale * 4):
        graph = make_graph(1000)
        depths += sum(depth_of(node) for node in graph[::10])
        degrees += sum(len(node.peers) + len(node.children) for node in graph)
    return depths, degrees


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
