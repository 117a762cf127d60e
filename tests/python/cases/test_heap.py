"""by_type() and pinned(): what the heap holds, and what keeps memory."""

from __future__ import annotations

import unittest

from child import BothWays, run


class ByType(BothWays):
    def test_counts_are_those_of_the_program(self) -> None:
        self.each("""
class Order:
    __slots__ = ("number",)
smallblock.by_type()
before = smallblock.by_type()
orders = [Order() for _ in range(30_000)]
floats = [i + 0.5 for i in range(40_000)]
after = smallblock.by_type()
assert after["Order"].blocks == 30_000, after
assert after["Order"].bytes == 30_000 * smallblock.block_of(orders[-1]).block_bytes
grown = after["float"].blocks - (before["float"].blocks if "float" in before else 0)
assert 39_800 <= grown <= 40_200, grown  # CPython keeps a hundred floats for re-use
del orders[::3]
assert smallblock.by_type()["Order"].blocks == 20_000
try:
    after["Orders"]
except KeyError:
    pass
else:
    raise AssertionError("no KeyError")
assert "Order" in after and "Orders" not in after and after.rows[0] in after and None not in after
assert after.get("Order") == after["Order"] and after.get("Orders") is None and after.get("Orders", 0) == 0
assert after.bytes == sum(row.bytes + row.part_bytes for row in after)
assert after.blocks == sum(row.blocks + row.part_blocks for row in after.rows)
assert [row.total_bytes for row in after] == sorted((row.total_bytes for row in after), reverse=True)
live = smallblock.stats().live_bytes
assert abs(smallblock.by_type().bytes - live) < live / 50
grown = after.since(before)
assert grown["Order"] == after["Order"] and grown.rows[0].total_bytes > 0, grown
assert grown.bytes == after.bytes - before.bytes and grown.blocks == after.blocks - before.blocks
shrunk = smallblock.by_type().since(after)
assert shrunk["Order"].blocks == -10_000 and shrunk.rows[-1].type.endswith("Order") and "-10,000" in str(shrunk), shrunk
assert len(after.since(after)) == 0 and "blocks" in str(after.since(after))
try:
    after.since({})
except TypeError as error:
    assert str(error) == "before must be what by_type() gave earlier, not dict", error
else:
    raise AssertionError("no TypeError")
""")

    def test_what_objects_keep_beside_their_blocks_counts_for_their_types(self) -> None:
        self.each("""
def parts(counts, name):
    return next((row.part_blocks for row in counts if row.type == name), 0)
first = smallblock.by_type()
lists = [[None] * (3 + i % 20) for i in range(10_000)]
dicts = [{i: i, i + 1: i} for i in range(10_000)]
arrays = [bytearray(30) for _ in range(10_000)]
last = smallblock.by_type()
assert parts(last, "list") - parts(first, "list") >= 9_900, last
assert parts(last, "dict") - parts(first, "dict") >= 9_900, last
assert parts(last, "bytearray") - parts(first, "bytearray") >= 9_900, last
# Of what is unknown, next to nothing came with them.
assert last["unknown"].blocks - first["unknown"].blocks < 500, (first, last)
""")

    def test_it_is_shown_as_text_and_html_without_believing_names(self) -> None:
        self.each("""
import json
Evil = type("<script>alert(1)</script>", (), {"__slots__": ()})
kept = [Evil() for _ in range(50_000)]
counts = smallblock.by_type()
assert counts["<script>alert(1)</script>"].blocks == 50_000
shown = counts._repr_html_() + smallblock.block_of(kept[-1])._repr_html_() + smallblock.explain(kept[-1])._repr_html_()
assert "<script>" not in shown and "&lt;script&gt;" in shown and "<table>" in shown
assert "50,000" in counts._repr_html_() and "50,000" in str(counts) and repr(counts) == str(counts)
assert json.loads(counts.to_json())[0]["bytes"] == counts.rows[0].bytes
assert str(counts).split()[:6] == ["blocks", "bytes", "part", "blocks", "part", "bytes"]
assert len(str(counts).splitlines()) <= 33
""")


class PinnedMemory(BothWays):
    def test_the_planted_objects_are_named_with_who_refers_to_them(self) -> None:
        self.each("""
class Session:
    __slots__ = ("payload", "owner")
class Registry:
    def __init__(self, sessions):
        self.sessions = sessions
crowd = [Session() for _ in range(200_000)]
registry = Registry({number: session for number, session in enumerate(crowd) if number % 5_000 == 2_500})
del crowd[:]
session = None
found = smallblock.pinned(limit=100)
sessions = [item for pool in found.pools for item in pool.objects if item.type == "__main__.Session"]
addresses = {id(session) for session in registry.sessions.values()}
assert len(sessions) >= 30 and {item.address for item in sessions} <= addresses, found
assert all(item.referrers[0] == "dict" for item in sessions), sessions[0]
for pool in found.pools:
    assert 0 < pool.live_bytes < pool.kept_bytes / 2 and pool.live_blocks * pool.block_bytes == pool.live_bytes
    assert len(pool.objects) == min(8, pool.live_blocks)
kept = [pool.kept_bytes - pool.live_bytes for pool in found.pools]
assert kept == sorted(kept, reverse=True)
assert found.arenas and all(arena.live_bytes < arena.kept_bytes / 2 for arena in found.arenas)
assert len(smallblock.pinned(limit=2).pools) == 2
text = str(found)
assert "Session" in text and "<- dict" in text and "keep" in text
shown = found._repr_html_()
assert "Session" in shown and "&lt;- dict" in shown and shown.count("<tr>") == len(found.pools) + 1
""")

    def test_memory_without_an_object_has_its_owner(self) -> None:
        self.each("""
crowd = [[None] * 20 for _ in range(100_000)]
survivors = crowd[1_000::5_000]
del crowd
found = smallblock.pinned(limit=100)
wanted = {part.address for obj in survivors[2:] for part in smallblock.block_of(obj).parts}
items = [item for pool in found.pools for item in pool.objects if item.address in wanted]
assert len(items) >= 10 and all((item.type, item.referrers) == ("unknown", ("list",)) for item in items), found.pools
""")

    def test_what_the_collector_has_put_aside_refers_too(self) -> None:
        self.each("""
import gc
crowd = [(i + 0.5, i + 0.25) for i in range(100_000)]
survivors = crowd[1_000::5_000]
gc.collect()
assert not gc.is_tracked(survivors[0])
del crowd
found = smallblock.pinned(limit=100)
floats = [item for pool in found.pools for item in pool.objects if item.type == "float"]
floats = [item for item in floats if float(item.text) % 5_000 in (1_000.5, 1_000.25)]
assert floats and all("tuple" in item.referrers for item in floats), floats
""")

    def test_what_gc_freeze_hides_is_found(self) -> None:
        self.each("""
import gc
lists = [[None] * (3 + i % 20) for i in range(10_000)]
class Registry:
    def __init__(self): self.kept = {i: bytearray(30) for i in range(10_000)}
registry = Registry()
crowd = [(i, [i + 0.5]) for i in range(100_000)]
survivors = {number: crowd[number] for number in range(1_000, 100_000, 5_000)}
del crowd
gc.freeze()
assert gc.get_freeze_count() > 10_000
later = [[None] * 5 for i in range(1_000)]
counts = smallblock.by_type()
assert counts["list"].part_blocks >= 10_900, counts
assert 9_900 <= counts["bytearray"].part_blocks <= 10_100, counts
items = [item for pool in smallblock.pinned(limit=100).pools for item in pool.objects]
lists = [item.referrers for item in items if item.type == "list" and item.address in {id(row[1]) for row in survivors.values()}]
assert lists and all("tuple" in referrers for referrers in lists), lists
""")

    def test_an_empty_answer_is_a_sentence(self) -> None:
        run("""
import smallblock
none = smallblock.Pinned((), ())
assert str(none).startswith("no pool is sparse") and str(none) in none._repr_html_()
""")


if __name__ == "__main__":
    unittest.main()
