"""block_of() and explain(): where an object lies, what it costs, and what is said of objects that lie elsewhere."""

from __future__ import annotations

import unittest

from child import BothWays, run

SENTENCE = """
def sentence(call, kind, *words):
    try:
        call()
    except kind as error:
        assert all(word in str(error) for word in words), error
        return error
    raise AssertionError(words)
"""

# Objects of which CPython keeps none for re-use, so that their blocks are new.
MADE = SENTENCE + """
import sys
class Plain:
    def __init__(self, value):
        self.value = value
class Slots:
    __slots__ = ("one", "two")
plains = [Plain(i) for i in range(200)]
slots = [Slots() for i in range(200)]
lists = [[i, i] for i in range(1000)]
texts = ["text number %d" % i for i in range(1000)]
"""


class Blocks(BothWays):
    def test_the_block_of_an_object(self) -> None:
        self.each(MADE + """
import dataclasses
for obj in (slots[150], lists[900], texts[900], 10**20 + len(lists), b"some bytes " * len(lists[0])):
    block = smallblock.block_of(obj)
    assert isinstance(block, smallblock.Block) and block.type == repr(type(obj))[len("<class '"):-len("'>")]
    # id() is the object's address: the collector's header stands before it.
    assert block.object_address == id(obj), block
    assert block.address <= id(obj) < block.address + block.block_bytes
    assert (block.object_address - block.address >= 16) == block.gc_header, block
    assert block.getsizeof_bytes == sys.getsizeof(obj)
    assert block.address % 16 == 0 and 0 <= block.pool < 64
rows = {row.block_bytes: row.index for row in smallblock.stats().classes}
block = smallblock.block_of(slots[150])
assert rows[block.block_bytes] == block.size_class
assert block.requested_bytes == sys.getsizeof(slots[150]) <= block.block_bytes and block.gc_header
text = smallblock.block_of(texts[900])
assert text.requested_bytes == sys.getsizeof(texts[900]) and not text.gc_header and "'text number 900'" in text.text
try:
    block.arena = 1
except dataclasses.FrozenInstanceError:
    pass
else:
    raise AssertionError("not frozen")
# Neighbours in a pool: blocks follow each other.
blocks = [smallblock.block_of(obj) for obj in slots]
pools = {(b.arena, b.pool) for b in blocks}
for place in pools:
    first, *rest = [b for b in blocks if (b.arena, b.pool) == place]
    for other in rest:
        assert other.address - first.address == (other.index - first.index) * first.block_bytes
""")

    def test_parts_of_an_object(self) -> None:
        self.each(MADE + """
block = smallblock.block_of(lists[900])
(items,) = block.parts
assert items.what == "items" and items.asked_bytes == sys.getsizeof(lists[900]) - sys.getsizeof([])
assert items.block_bytes >= items.asked_bytes and block.total_bytes == block.block_bytes + items.block_bytes
long = [None] * 1000
assert smallblock.block_of([long, long]).parts
dicts = [{"key %d" % j: j for j in range(i % 7 + 1)} for i in range(1000)]
for obj in dicts[-7:]:
    (table,) = smallblock.block_of(obj).parts
    assert table.what == "table" and table.asked_bytes == sys.getsizeof(obj) - object.__sizeof__(obj) - 16, table
    assert table.block_bytes >= table.asked_bytes
big = [{j: j for j in range(20000)} for i in range(100)][-1]
(table,) = smallblock.block_of(big).parts
assert table.block_bytes is None and table.asked_bytes == sys.getsizeof(big) - object.__sizeof__(big) - 16
sets = [set(range(i % 20)) for i in range(200)]
for obj in sets[-20:]:
    parts = smallblock.block_of(obj).parts
    assert sum(part.asked_bytes for part in parts) == sys.getsizeof(obj) - sys.getsizeof(set())
array = bytearray(b"x" * 100)
(letters,) = smallblock.block_of(array).parts
assert letters.asked_bytes == sys.getsizeof(array) - sys.getsizeof(bytearray())
if sys.version_info[:2] in ((3, 11), (3, 12)):
    (values,) = smallblock.block_of(plains[150]).parts
    assert values.what == "attributes" and values.block_bytes
    # The table before the values begins with its length, and all of it is a block's.
    assert values.address % 8 == 0
""")

    def test_objects_that_lie_elsewhere(self) -> None:
        run(SENTENCE + """
import smallblock
before = ["made before %d" % i for i in range(10)]
error = sentence(lambda: smallblock.block_of(before), RuntimeError, "install()")
smallblock.install()
large = bytes(1 << 20)
error = sentence(lambda: smallblock.block_of(large), smallblock.NotServedError, "bytes", "1.0 MiB", "libc", "malloc")
assert error.where == "malloc" and "libc" in error.allocator
error = sentence(lambda: smallblock.block_of(None), smallblock.NotServedError, "NoneType", "static", "ython")
assert error.where == "file"
error = sentence(lambda: smallblock.block_of(int), smallblock.NotServedError, "static")
error = sentence(lambda: smallblock.block_of(before[3]), smallblock.NotServedError, "made before 3", "before install()")
assert error.where == "older"
assert isinstance(error, LookupError)
sentence(lambda: smallblock.block_of(7), smallblock.NotServedError, "int 7", "-5 to 256")
sentence(lambda: smallblock.block_of(), TypeError, "obj")
smallblock.uninstall()
after = ["made after %d" % i for i in range(10000)]
sentence(lambda: smallblock.block_of(after[5000]), smallblock.NotServedError, "after uninstall()")
""")
        run(SENTENCE + """
import smallblock
large = bytes(1 << 20)
error = sentence(lambda: smallblock.block_of(large), smallblock.NotServedError, "1.0 MiB", "malloc of", "libc")
assert error.where == "malloc"
error = sentence(lambda: smallblock.block_of(None), smallblock.NotServedError, "static")
""", on_smallblock=True)

    def test_check_mode_knows_what_was_asked_for(self) -> None:
        run("""
import smallblock, sys
numbers = [10**6 + i for i in range(1000)]
block = smallblock.block_of(numbers[700])
assert 28 <= block.requested_bytes <= 32, block
text = "text number %d" % 7
block = smallblock.block_of(text)
assert block.requested_bytes == sys.getsizeof(text) and block.object_address == id(text), block
""", on_smallblock=True, environment={"SMALLBLOCK_CHECK": "1"})

    def test_a_broken_sizeof_is_not_known(self) -> None:
        self.each("""
class Broken:
    __slots__ = ()
    def __sizeof__(self):
        raise KeyError("no size")
    def __repr__(self):
        raise KeyError("no text")
kept = [Broken() for i in range(200)]
block = smallblock.block_of(kept[150])
assert block.getsizeof_bytes is None and block.requested_bytes
assert "fails" in str(smallblock.explain(kept[150])) and "not known" in block._repr_html_()
assert smallblock.explain(kept, follow=True).cost.objects == 201
""")


    def test_buffers_that_only_the_type_knows_of_count(self) -> None:
        self.each("""
import array, collections, io, sys
class Queue(collections.deque): pass
class Text(str): pass
for make in (lambda: collections.deque([None] * 100_000), lambda: Queue([None] * 100_000), lambda: Text("x" * 100_000),
             lambda: array.array("d", bytes(800_000)), lambda: collections.OrderedDict.fromkeys(range(1000))):
    kept = [make() for _ in range(10)]
    block, said = smallblock.block_of(kept[5]), sys.getsizeof(kept[5])
    cost = smallblock.explain(kept[5], follow=True).cost
    assert said > 20_000 and said <= block.total_bytes <= said + 400, (block, said)
    # It leads to what it holds, which is counted beside.
    assert said <= cost.total_bytes <= said + (40_000 if "Dict" in block.type else 400), (cost, said)
    assert block.buffer_bytes <= cost.elsewhere_bytes and "in buffers of its type" in " ".join(str(smallblock.explain(kept[5])).split())
# From 3.12 on it leads to its bytes.
stream = io.BytesIO(bytes(100_000) + b"x")
assert 100_000 <= smallblock.explain(stream, follow=True).cost.total_bytes <= 100_400
assert 100_000 <= smallblock.block_of(stream).total_bytes <= 100_400
assert "in buffers of its type" in " ".join(str(smallblock.explain(stream)).split())
# Of these all is known, and nothing is asked for.
for obj in ([None] * 1000, {j: j for j in range(1000)}, set(range(1000)), bytearray(1000), "x" * 400, 3 ** 500, (1,) * 40):
    place = smallblock._introspection.place(smallblock._smallblock.heap(), obj)
    assert place["buffer_bytes"] == 0, place
class Liar(collections.deque):
    def __sizeof__(self): raise KeyError
kept = [Liar([None] * 100_000) for _ in range(10)]
assert smallblock.block_of(kept[5]).buffer_bytes == 0
""")

    def test_generators_with_many_variables_are_too_large(self) -> None:
        names = ", ".join(f"v{i}" for i in range(100))
        run(SENTENCE + f"""
import sys, smallblock
smallblock.install()
def simple():
    {names} = range(100)
    yield v1
async def asynchronous():
    {names} = range(100)
    yield v1
def small():
    yield 1
for make in (simple, asynchronous):
    kept = [make() for _ in range(20)]
    if sys.version_info < (3, 11):  # their frames lie apart
        assert smallblock.block_of(kept[10]).block_bytes < 512
    else:
        error = sentence(lambda: smallblock.block_of(kept[10]), smallblock.NotServedError, "too large", "malloc")
        assert error.where == "malloc"
        assert smallblock.explain(kept[10], follow=True).cost.elsewhere_bytes >= sys.getsizeof(kept[10])
kept = [small() for _ in range(20)]
assert smallblock.block_of(kept[10]).block_bytes < 512 and smallblock.block_of(kept[10]).buffer_bytes == 0
""")

    def test_sizes_and_numbers_in_words(self) -> None:
        run("""
from smallblock._show import size
texts = [size(count) for count in (1, 1023, 1024, 5 << 19, (1 << 30) - 1, 3 << 29, 5 << 40)]
assert texts == ["1 byte", "1023 bytes", "1.0 KiB", "2.5 MiB", "1,024.0 MiB", "1.5 GiB", "5,120.0 GiB"], texts
import smallblock
smallblock.install()
kept = [3 ** 50 + i for i in range(1000)]
assert "This int of about 90 bits is in block" in str(smallblock.explain(kept[900]))
""")


class Explain(BothWays):
    def test_words_and_picture(self) -> None:
        self.each(MADE + """
explained = smallblock.explain(slots[150])
block = explained.block
text = str(explained)
words = " ".join(text.split())
assert f"Slots is in block {block.index} of" in words and f"arena {block.arena}," in words, text
assert f"sys.getsizeof says {block.getsizeof_bytes}" in words and f"the block has {block.block_bytes}" in words, text
assert repr(explained) == text and explained.cost is None
# The picture: a letter a block, in lines of 64, ours at its place.
rows = [line.split(None, 1) for line in text.splitlines() if line.strip()[:1].isdigit() and len(line) > 6]
letters = "".join(row[1] for row in rows if set(row[1]) <= set("@#c.-"))
assert letters.count("@") == 1 and letters.index("@") == block.index, text
place = smallblock._introspection.place(smallblock._smallblock.heap(), slots[150])
assert len(letters) == place["capacity"] == place["pool_bytes"] // block.block_bytes
assert "@ this block" in text
assert "no allocator made it" in " ".join(str(smallblock.explain(None)).split()) and not smallblock.explain(None).block
assert "<pre>" in explained._repr_html_() and "<Slots" not in explained._repr_html_()
words = [" ".join(str(smallblock.explain(program)).split()) for program in (Plain, Plain.__init__, smallblock, len)]
assert words[0].startswith("This type __main__.Plain takes") and words[2].startswith("This module smallblock "), words
assert words[1].startswith("This function __main__.Plain.__init__ ") and words[3].startswith("This builtin_function_"), words
""")

    def test_the_whole_cost(self) -> None:
        self.each(MADE + """
def made(i):
    return {"name": "the name is %d" % i, "values": [10**6 + i, float(i) + 0.5]}
records = [made(i) for i in range(5000)]
cost = smallblock.explain(records, follow=True, limit=None).cost
by_name = {row.type: row for row in cost.types}
assert by_name["dict"].objects == 5000 and by_name["list"].objects == 5001 and by_name["float"].objects == 5000
assert by_name["int"].objects == 5000
assert by_name["str"].objects == 5002  # a name each, and the two keys
assert cost.objects == sum(row.objects for row in cost.types)
assert cost.total_bytes == sum(row.block_bytes + row.elsewhere_bytes for row in cost.types)
assert cost.total_bytes == sum(row.block_bytes + row.elsewhere_bytes for row in cost.largest)
# Each block counts once: a second reference adds nothing but the reference itself.
twice = smallblock.explain([records, records, records[7]], follow=True)
assert twice.cost.objects == cost.objects + 1
assert twice.cost.total_bytes - cost.total_bytes < 200
assert twice.cost.shared_objects >= cost.shared_objects + 2
largest = twice.cost.largest
assert len(largest) == 20 and largest[0].type == "list" and largest[0].is_shared and largest[0].address == id(records)
# One record costs what its parts cost, by block_of().
one = made(4711)
parts = [one, *one.values(), *one["values"]]
blocks = [smallblock.block_of(part) for part in parts]
alone = smallblock.explain(one, follow=True).cost
assert alone.block_bytes >= sum(block.total_bytes for block in blocks) and alone.objects == len(parts) + 2, alone
assert alone.block_bytes - sum(block.total_bytes for block in blocks) <= 2 * 64  # the keys
assert "dict" in str(smallblock.explain(one, follow=True))
# What belongs to the program is not counted, rings end, and depth does not matter.
ring = [made, Plain, sys, print]
ring.append(ring)
assert smallblock.explain(ring, follow=True).cost.objects == 1
deep = None
for _ in range(200_000):
    deep = (deep,)
assert smallblock.explain(deep, follow=True).cost.objects == 200_001
while deep: deep = deep[0]
instance = Plain([1.25 * len(records)])
assert {row.type for row in smallblock.explain(instance, follow=True).cost.types} >= {"__main__.Plain", "list", "float"}
""")

    def test_types_of_one_name_are_told_apart(self) -> None:
        self.each("""
def nodes(module):
    class Node: __slots__ = ()
    Node.__module__ = module
    return [Node() for _ in range(100)]
class Leaf: __slots__ = ()
kept = [nodes("shop"), nodes("garden"), [Leaf()]]
names = {row.type: row.objects for row in smallblock.explain(kept, follow=True).cost.types}
nodes_of = {"shop.nodes.<locals>.Node": 100, "garden.nodes.<locals>.Node": 100}
assert names == {"list": 4, "__main__.Leaf": 1, **nodes_of}, names
types = smallblock.by_type()
assert {name: types[name].blocks for name in nodes_of} == nodes_of, types
assert types["Leaf"] == types["__main__.Leaf"] and "Node" not in types and types.get("Node") is None
try:
    types["Node"]
except KeyError as error:
    assert all(name in str(error) for name in nodes_of), error
else:
    raise AssertionError("Node may be either")
assert smallblock.block_of(kept[0][0]).type == "shop.nodes.<locals>.Node"
class Odd: __slots__ = ()
odd = Odd()
class Odd: __slots__ = (); __module__ = 3
kept = smallblock.explain([odd, Odd()], follow=True).cost.types
assert {row.type for row in kept} == {"list", "__main__.Odd", "Odd"}, kept
""")

    def test_wrong_limits_are_answered_by_a_sentence(self) -> None:
        run(SENTENCE + """
import smallblock
smallblock.install()
for call in (lambda n: smallblock.explain([], follow=True, limit=n), smallblock.pinned):
    sentence(lambda: call("x"), TypeError, "limit", "str")
    sentence(lambda: call(True), TypeError, "bool")
    sentence(lambda: call(0), ValueError, "between 1")
    sentence(lambda: call(-1), ValueError, "between 1")
    sentence(lambda: call(1 << 40), ValueError, "between 1")
""")


if __name__ == "__main__":
    unittest.main()
