"""Builds, queries, changes and writes XML trees with xml.etree, and walks them as nested lists."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree


def make_catalog(books: int) -> ElementTree.Element:
    root = ElementTree.Element("catalog")
    for index in range(books):
        book = ElementTree.SubElement(root, "book", id=f"bk{index}", shelf=str(index % 9))
        ElementTree.SubElement(book, "title").text = f"Title of book {index}"
        ElementTree.SubElement(book, "author").text = f"Author {index % 37}"
        ElementTree.SubElement(book, "price", currency="EUR").text = f"{index % 50}.95"
    return root


def as_lists(element: ElementTree.Element) -> list[object]:
    return [element.tag, dict(element.attrib), element.text, [as_lists(child) for child in element]]


def count(tree: list[object]) -> int:
    children = tree[3]
    return 1 + sum(count(child) for child in children) if isinstance(children, list) else 1


def run(scale: int) -> object:
    """Length of all texts, elements walked, books found."""
    length, elements, found = 0, 0, 0
    for _ in range(scale):
        root = make_catalog(300)
        text = ElementTree.tostring(root, encoding="unicode")
        length += len(text)
        again = ElementTree.fromstring(text)
        found += len([book for book in again.iter("book") if book.findtext("author") == "Author 7"])
        for book in again.findall("book[@shelf='3']"):
            again.remove(book)
        elements += count(as_lists(again))
    return length, elements, found


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
