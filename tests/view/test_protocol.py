"""What the page asks of `smallblock view`, on a real CPython: frames, deltas, blocks, types, and what the answers say."""

from __future__ import annotations

import subprocess
import time
import unittest
import urllib.parse
from pathlib import Path
from typing import Any

from viewer import (
    COMMAND,
    EMPTY_IN_MEMORY,
    STATES,
    SURVIVORS,
    Client,
    Heap,
    ViewTest,
    clean_environment,
    known_pythons,
)

# Prints a line for each object: its address, its type, and what it is worth as the answers say it; then waits.
VALUES_PROGRAM = r"""
import array, sys
class Number(int): pass
class Plain:
    def __init__(self): self.x = 1
def text(length, letter):
    return letter * length
planted = [
    (text(7, "k"), "'kkkkkkk', 7 characters"),
    (text(30, "k") + text(31, "v"), "'" + "k" * 30 + "v" * 10 + "...', 61 characters"),
    (text(3, "\xe9"), "'\xe9\xe9\xe9', 3 characters"),
    (text(5, "\u4e2d"), "'" + "\u4e2d" * 5 + "', 5 characters"),
    (text(4, "\U0001f600"), "'" + "\U0001f600" * 4 + "', 4 characters"),
    (text(2, "\n") + "\x1b[", "'...[', 4 characters"),
    (text(2, "\u202e") + "\u2066k", "'...k', 4 characters"),
    (bytes(text(5, "b"), "ascii"), "b'bbbbb', 5 bytes"),
    (bytes([0, 255, 27, 65]), "b'...A', 4 bytes"),
    (bytes(range(65, 80)) * 5, "b'" + ("ABCDEFGHIJKLMNO" * 5)[:40] + "...', 75 bytes"),
    (int("1000"), "1000"), (int("-1000"), "-1000"),
    (int("1073741823"), "1073741823"), (int("1073741824"), "1073741824"), (-int("1152921504606846975"),
     "-1152921504606846975"), (int("1152921504606846976"), "integer of about 90 bits"), (Number("4711"), "4711"),
    (float("1.5"), "1.5"), (float("-0.1"), "-0.1"), (float("1e300"), "1e+300"),
    ([None], "1 item"), ([None] * 9, "9 items"), (list(), "0 items"),
    (tuple([None] * 3), "3 items"), ({1: 2, 3: 4}, "2 items"), (dict(), "0 items"),
    (set([1, 2, 3]), "3 items"), (frozenset([1]), "1 item"), (Plain(), ""),
    (text, "__main__.text"), (Plain.__init__, "__main__.Plain.__init__"), (type(array)("shop"), "shop"), (len, ""),
]
without_module = lambda: None
without_module.__module__ = None
planted.append((without_module, "<lambda>"))
several = {number: None for number in range(8)}
del several[3]
planted.append((several, "7 items"))
sized = (str, float)  # of others the request is known up to a few bytes
raw = array.array("Q", range(1000, 1007))
sys.stdout.reconfigure(encoding="utf-8")
for value, worth in planted:
    size = sys.getsizeof(value) if type(value) in sized else 0
    print(hex(id(value)), repr(type(value)).split("'")[1], size, worth, sep="\t")
print(hex(raw.buffer_info()[0]), "unknown", 0, "", sep="\t")
print(flush=True)
sys.stdin.read()
"""

SUMMED_LAYERS = ("live", "cached", "free", "tail", "empty_resident", "metadata", "next", "other")


class Frames(ViewTest):
    def test_the_target(self) -> None:
        program, _, _ = self.start_program()
        _, client = self.start_view(str(program.pid))
        target = client.get_json("/api/target")
        self.assertEqual((target["kind"], target["pid"], target["actions"]), ("process", program.pid, False))
        self.assertEqual(target["rate_hz"], 2)
        self.assertIn("Planted", target["command"])
        geometry = target["geometry"]
        self.assertEqual((geometry["unit_bytes"], geometry["units_per_arena"]), (16384, 64))
        self.assertEqual(geometry["classes"][1], {"block_bytes": 16, "capacity": 1024, "units": 1, "group_bytes": 16384})
        self.assertEqual(int(geometry["first_unit_address"], 16) % geometry["unit_bytes"], 0)

    def test_deltas_lead_to_the_same_as_a_whole_frame(self) -> None:
        program, _, _ = self.start_program()
        _, client = self.start_view(str(program.pid), "--rate", "10")
        heap = client.whole()
        self.assertGreater(len(heap.pools()), 20)
        compared = changed = 0
        for _ in range(30):
            self.step(program)
            heap.apply(client.get(f"/api/frame?since={heap.frame}"))
            changed += heap.head["records"]
            whole = client.whole()
            if whole.frame == heap.frame:
                self.assert_same(heap, whole)
                compared += 1
        self.assertGreater(compared, 10)
        self.assertGreater(changed, 100)

    def assert_same(self, heap: Heap, whole: Heap) -> None:
        self.assertEqual(heap.known_units(), whole.known_units())
        self.assertEqual(heap.arenas, whole.arenas)
        # Ages are whole seconds: each of the two is right to less than one.
        for unit, other in whole.changed_ms.items():
            changed = heap.changed_ms[unit]
            self.assertEqual(changed is None, other is None)
            self.assertLessEqual(abs((changed or 0) - (other or 0)), 999)

    def test_sums_agree_with_records(self) -> None:
        program, _, _ = self.start_program()
        _, client = self.start_view(str(program.pid))
        self.step(program)
        heap = client.whole()
        classes = client.get_json("/api/target")["geometry"]["classes"]
        by_class = [[0, 0, 0, 0, 0] for _ in classes]
        for pool in heap.pools().values():
            self.assertEqual(pool.live + pool.cached + pool.free + pool.purged, classes[pool.class_index]["capacity"])
            sums = by_class[pool.class_index]
            for index, count in enumerate((1, pool.live, pool.cached, pool.free, pool.purged)):
                sums[index] += count
        self.assertEqual(heap.head["classes"], by_class)
        layers = heap.head["layers"]
        self.assertEqual(sum(layers[name] for name in SUMMED_LAYERS), layers["resident"])
        self.assertEqual(layers["live"], sum(row[1] * kind["block_bytes"] for row, kind in zip(by_class, classes)))
        statm = Path(f"/proc/{program.pid}/statm").read_text().split()
        self.assertLess(abs(int(statm[1]) * 4096 - layers["resident"]), 4 << 20)
        self.assertEqual(heap.head["arenas"]["used"], sum(use == 1 for use in heap.arenas.values()))
        dirty = sum(bool(unit.flags & EMPTY_IN_MEMORY) for unit in heap.units.values())
        self.assertEqual(dirty * 16384, layers["empty_resident"])

    def test_a_unit_grows_old_while_nothing_changes_in_it(self) -> None:
        def ages_ms(heap: Heap) -> list[int]:
            return [heap.clock_ms - changed for changed in heap.changed_ms.values() if changed is not None]

        program, _, _ = self.start_program()
        _, client = self.start_view(str(program.pid), "--rate", "10")
        first = client.whole()
        self.assertEqual(set(first.changed_ms.values()), {None})  # of any age, for all that the viewer knows
        self.step(program)
        while not ages_ms(first):
            first = client.whole()
        self.assertLess(max(ages_ms(first)), 1000)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            last = client.whole()
        self.assertGreater(last.frame, first.frame + 10)
        self.assertGreaterEqual(max(ages_ms(last)), 2000)
        self.assertIn(None, last.changed_ms.values())
        self.step(program)
        young = client.whole()
        while young.frame <= last.frame + 1:
            young = client.whole()
        self.assertIn(0, {age // 1000 for age in ages_ms(young)})

    def test_numbers_that_are_unknown(self) -> None:
        program, _, _ = self.start_program()
        _, client = self.start_view(str(program.pid))
        heap = Heap()
        heap.apply(client.get("/api/frame?since=4000000"))
        self.assertEqual(heap.head["since"], 0)
        for path in ("/api/frame", "/api/frame?since=x", "/api/frame?since=-1", "/api/blocks?units=1&what=colour"):
            self.assertEqual(client.request(path)[0], 400, path)
        for path in ("/api/blocks?units=1;2&what=state", "/api/search?q=", "/api/block?address=7x"):
            self.assertEqual(client.request(path)[0], 400, path)
        units = ",".join(map(str, range(257)))
        self.assertEqual(client.request(f"/api/blocks?units={units}&what=state")[0], 400)

    def test_the_program_ends(self) -> None:
        program, live, _ = self.start_program()
        view, client = self.start_view(str(program.pid), "--rate", "10")
        heap = client.whole()
        self.assertEqual(heap.head["state"], "live")
        pools = heap.pools()
        program.kill()
        program.wait()
        while heap.head["state"] == "live":
            heap.apply(client.get(f"/api/frame?since={heap.frame}"))
        self.assertEqual(heap.head["state"], "exited")
        self.assertEqual(client.whole().pools().keys(), pools.keys())
        heap.apply(client.get(f"/api/frame?since={heap.frame}"))
        self.assertEqual((heap.head["state"], heap.head["records"]), ("exited", 0))
        status, body, _ = client.request(f"/api/block?address={live}")
        self.assertEqual((status, body.count(b"error")), (410, 1))
        self.assertIsNone(view.poll())


class Blocks(ViewTest):
    def test_states_types_and_ages_of_pools(self) -> None:
        program, _, _ = self.start_program()
        _, client = self.start_view(str(program.pid))
        heap = client.whole()
        units = sorted(heap.pools())[:200]
        head, states = client.blocks(units, "state")
        self.assertTrue(all(pool["ok"] for pool in head["pools"]))
        at = 0
        for pool in head["pools"]:
            unit = heap.units[pool["unit"]]
            part = states[at : at + pool["capacity"]]
            at += pool["capacity"]
            self.assertEqual(
                [part.count(state) for state in (1, 2, 0, 3)], [unit.live, unit.cached, unit.free, unit.purged]
            )
        self.assertEqual(at, len(states))
        head, ids = client.blocks(units, "type")
        self.assertEqual(head["types"][0], "unknown")
        self.assertEqual(len(ids), 2 * len(states))
        names = [head["types"][int.from_bytes(ids[i : i + 2], "little")] for i in range(0, len(ids), 2)]
        self.assertGreater(names.count("__main__.Planted"), 0)
        self.assertEqual({states[i] for i, name in enumerate(names) if name == "__main__.Planted"}, {STATES.index("live")})
        _, ages = client.blocks(units, "age")
        self.assertEqual([age == 0 for age in ages], [state != STATES.index("live") for state in states])

    def test_a_block_that_is_born_while_the_viewer_looks(self) -> None:
        program, _, _ = self.start_program()
        _, client = self.start_view(str(program.pid), "--rate", "10")
        heap = client.whole()
        self.step(program)
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            heap = client.whole()
        _, ages = client.blocks(sorted(heap.pools())[:256], "age")
        self.assertIn(255, ages)
        seen = {age for age in ages if age not in (0, 255)}
        self.assertTrue(seen)
        self.assertLessEqual(max(seen), 4)

    def test_a_unit_that_begins_no_pool(self) -> None:
        program, _, _ = self.start_program()
        _, client = self.start_view(str(program.pid))
        heap = client.whole()
        unit = max(heap.units) + 100000
        head, states = client.blocks([unit, min(heap.pools())], "state")
        self.assertEqual(head["pools"][0], {"unit": unit, "class": 0, "capacity": 0, "ok": False})
        self.assertEqual(len(states), head["pools"][1]["capacity"])


class Answers(ViewTest):
    def check_planted(self, client: Client, live: str, gone: str) -> None:
        found = client.get_json("/api/search?q=pLANT")
        planted = [match for match in found["matches"] if match["type"] == "__main__.Planted"]
        self.assertEqual((len(planted), found["more"]), (SURVIVORS, False))
        block = client.get_json(f"/api/block?address={live}")
        self.assertEqual((block["type"], block["state"], block["gc_header"]), ("__main__.Planted", "live", True))
        self.assertIn(block["address"], {match["address"] for match in planted})
        self.assertEqual(int(block["address"], 16) + block["object_offset"], int(live, 16))
        self.assertLess(block["object_offset"], block["size_bytes"])
        self.assertLessEqual(block["size_bytes"], block["block_bytes"])
        self.assertEqual(len(bytes.fromhex(block["hex"])), 64)
        self.assertEqual(sum(block["pool"][state] for state in STATES), block["capacity"])
        self.assertLessEqual(len(block["neighbours"]), 16)
        found = client.get_json(f"/api/search?q={live}")
        self.assertEqual([match["address"] for match in found["matches"]], [block["address"]])
        types = {row["name"]: row["blocks"] for row in client.get_json("/api/types")["types"]}
        self.assertEqual(types["__main__.Planted"], SURVIVORS)
        self.check_gone(client, gone)

    def check_gone(self, client: Client, gone: str) -> None:
        status, body, _ = client.request(f"/api/block?address={gone}")
        self.assertIn(status, (200, 404))
        self.assertNotIn(b'"type":"__main__.Planted","value"', body.split(b'"neighbours"')[0])

    def test_a_planted_object_on_every_python(self) -> None:
        if not known_pythons():
            self.skipTest("no CPython of 3.9 to 3.13 was found")
        for python in known_pythons():
            with self.subTest(python.label):
                program, live, gone = self.start_program(python.executable)
                _, client = self.start_view(str(program.pid))
                self.assertEqual(client.get_json("/api/target")["python"], ".".join(map(str, python.version[:2])))
                self.check_planted(client, live, gone)

    def test_values_on_every_python(self) -> None:
        if not known_pythons():
            self.skipTest("no CPython of 3.9 to 3.13 was found")
        for python in known_pythons():
            with self.subTest(python.label):
                self.check_values(python.executable)

    def check_values(self, python: str) -> None:
        program = subprocess.Popen(
            [COMMAND, "run", python, "-c", VALUES_PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=clean_environment(),
        )
        self.addCleanup(self.end, program)
        assert program.stdout is not None
        rows = [line.rstrip("\n").split("\t") for line in iter(program.stdout.readline, "\n")]
        self.assertGreater(len(rows), 25)
        view, client = self.start_view(str(program.pid))
        for address, kind, size, worth in rows:
            block = client.get_json(f"/api/block?address={address}")
            self.assertEqual((block["type"], block["value"]), (kind, worth), address)
            self.assertEqual(block["state"], "live")
            if size != "0":
                self.assertEqual(block["size_bytes"], int(size), worth)
        self.end(view)
        self.end(program)

    def test_a_long_name_is_found(self) -> None:
        name = "q" * 250 + "\u00fc"
        script = f"import sys; kept = [type('{name}', (), {{}})()]; print('ready', flush=True); sys.stdin.read()"
        program = subprocess.Popen(
            [COMMAND, "run", self.python(), "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(PYTHONUTF8="1"),
        )
        self.addCleanup(self.end, program)
        assert program.stdout is not None
        self.assertEqual(program.stdout.readline(), "ready\n")
        _, client = self.start_view(str(program.pid))
        found = client.get_json(f"/api/search?q={urllib.parse.quote(name)}")
        self.assertEqual([match["type"] for match in found["matches"]], [f"__main__.{name}"])
        most = "%C3%BC" * 1000
        self.assertEqual(client.get_json(f"/api/search?q={most}"), {"matches": [], "more": False})
        self.assertEqual(client.request(f"/api/search?q={most}a")[0], 400)

    def test_what_few_blocks_keep(self) -> None:
        program, _, _ = self.start_program()
        _, client = self.start_view(str(program.pid))
        pinned = client.get_json("/api/pinned?limit=200")
        kept = [pool for pool in pinned["pools"] if any(block["type"] == "__main__.Planted" for block in pool["blocks"])]
        self.assertGreater(len(kept), SURVIVORS / 2)
        for pool in pinned["pools"]:
            self.assertLess(pool["live"] * pool["block_bytes"], pool["kept_bytes"] / 2)
            self.assertLessEqual(len(pool["blocks"]), 8)
        gains = [pool["kept_bytes"] - pool["live"] * pool["block_bytes"] for pool in pinned["pools"]]
        self.assertEqual(gains, sorted(gains, reverse=True))
        self.assertEqual(len(client.get_json("/api/pinned?limit=1")["pools"]), 1)

    def test_what_a_trim_returns(self) -> None:
        program, _, _ = self.start_program(SMALLBLOCK_DECAY_MS="-1")
        _, client = self.start_view(str(program.pid), "--allow-actions", "--rate", "10")
        frame = client.whole().frame
        while client.whole().frame < frame + 2:
            pass
        promised = client.get_json("/api/waste")["trim_returns_bytes"]
        before = self.region_resident(client)
        self.assertEqual(client.request("/api/trim", "POST")[0], 200)
        deadline = time.monotonic() + 60
        while before - self.region_resident(client) < promised * 0.7:
            self.assertLess(time.monotonic(), deadline)
            self.step(program, "little")
        self.assertGreater(promised, 1 << 20)
        self.assertLess(client.get_json("/api/waste")["trim_returns_bytes"], promised * 0.3)

    def region_resident(self, client: Client) -> int:
        layers: dict[str, Any] = client.whole().head["layers"]
        return int(layers["region_resident"])

    def test_waste_by_class(self) -> None:
        program, _, _ = self.start_program()
        _, client = self.start_view(str(program.pid))
        classes = client.get_json("/api/waste")["classes"]
        heap = client.whole()
        self.assertEqual(
            [row["class"] for row in classes], [index - 1 for index, row in enumerate(heap.head["classes"]) if row[0]]
        )
        for row in classes:
            pools, live, cached, _, _ = heap.head["classes"][row["class"] + 1]
            self.assertEqual(row["live_bytes"], live * row["block_bytes"])
            self.assertEqual(row["cached_bytes"], cached * row["block_bytes"])
            self.assertGreater(pools, 0)

    def test_an_address_without_a_block(self) -> None:
        program, _, _ = self.start_program()
        _, client = self.start_view(str(program.pid))
        geometry = client.get_json("/api/target")["geometry"]
        for address, words in (("0x10", b"outside"), (geometry["region_address"], b"bookkeeping")):
            status, body, _ = client.request(f"/api/block?address={address}")
            self.assertEqual(status, 404)
            self.assertIn(words, body)


if __name__ == "__main__":
    unittest.main()
