"""stats(), trim(), limit() and debugmallocstats(), installed and preloaded."""

from __future__ import annotations

import unittest

from child import BothWays, run


class Figures(BothWays):
    def test_stats_are_frozen_and_add_up(self) -> None:
        self.each("""
import dataclasses, json
kept = [[i] for i in range(50000)]
figures = smallblock.stats()
assert isinstance(figures, smallblock.Stats) and figures.version.count(".") == 2
assert figures.live_bytes == sum(row.blocks_in_use * row.block_bytes for row in figures.classes)
assert figures.live_bytes > 50000 * 32
assert figures.committed_bytes == (figures.arenas_used + figures.arenas_kept) * figures.arena_bytes
try:
    figures.live_bytes = 0
except dataclasses.FrozenInstanceError:
    pass
else:
    raise AssertionError("not frozen")
again = json.loads(figures.to_json())
assert again["memory"]["live_bytes"] == figures.memory.live_bytes
assert len(again["classes"]) == len(figures.classes)
assert "<table>" in figures._repr_html_() and f"{figures.memory.live_bytes:,}" in figures._repr_html_()
""")

    def test_trim_gives_memory_back(self) -> None:
        self.each("""
smallblock.decay(-1)
kept = [[i] for i in range(400000)]
def rss():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096
full = rss()
del kept[1:]
kept_resident = rss()
smallblock.trim()
assert rss() < full - 15_000_000, (full, kept_resident, rss())
""")

    def test_the_soft_limit_calls_once_and_the_hard_one_refuses(self) -> None:
        self.each("""
called = []
live = smallblock.stats().memory
now = live.live_bytes + live.cached_bytes + live.next_bytes
smallblock.limit(soft=now + 5_000_000, hard=now + 20_000_000, callback=lambda: called.append(1))
kept = [None] * 2_000_000
try:
    for i in range(2_000_000):
        kept[i] = [i]
except MemoryError:
    del kept
else:
    raise AssertionError("no MemoryError")
smallblock.limit()
assert 1 <= len(called) <= 3, called
assert len([[i] for i in range(600000)]) == 600000
""")

    def test_a_hard_limit_below_what_is_held_is_refused(self) -> None:
        self.each("""
import gc
kept = [[i] for i in range(50_000)]
def held():
    memory = smallblock.stats().memory
    return memory.live_bytes + memory.cached_bytes + memory.next_bytes
for hard in (1, 512, held() - 1_000_000):
    try: smallblock.limit(hard=hard)
    except ValueError as error: assert str(hard) in str(error) and "next_bytes" in str(error), error
    else: raise AssertionError(hard)
assert len([[i] for i in range(600_000)]) == 600_000  # no limit is set
gc.collect()
smallblock.limit(hard=held() + 1_000_000)
""")
        run("""
import smallblock
try: smallblock.limit(hard=512)
except ValueError as error: assert "install()" in str(error), error
else: raise AssertionError
""")

    def test_what_the_callback_raises(self) -> None:
        self.each("""
import gc, sys
def live():
    memory = smallblock.stats().memory
    return memory.live_bytes + memory.cached_bytes + memory.next_bytes
def cross(error):
    def callback():
        raise error
    gc.collect()  # the frames of the traceback before
    smallblock.trim()
    smallblock.limit(soft=live() + 2_000_000, callback=callback)
    kept = [[i] for i in range(60_000)]
    for i in range(1000): pass
hooked = []
sys.unraisablehook = lambda what: hooked.append(what.exc_type)
cross(ValueError("for the hook"))
assert hooked == [ValueError], hooked
for kind in (KeyboardInterrupt, SystemExit):
    try:
        cross(kind())
    except kind:
        pass
    else:
        raise AssertionError(f"{kind} is lost")
assert hooked == [ValueError], hooked
""")

    def test_the_callback_goes_when_the_interpreter_ends(self) -> None:
        code = """
import atexit
kept = []
def last():
    kept.append([[i] for i in range(100_000)])
    try: smallblock.limit(soft=1, callback=print)
    except RuntimeError as error: print(error)
atexit.register(last)  # before the package's own, which runs first then
import smallblock
if not smallblock.installed(): smallblock.install()
memory = smallblock.stats().memory
live = memory.live_bytes + memory.cached_bytes + memory.next_bytes
smallblock.limit(soft=live + 5_000_000, callback=lambda: print("called"))
"""
        for on_smallblock in (False, True):
            self.assertEqual(run(code, on_smallblock=on_smallblock).split(":")[0], "the interpreter ends")

    def test_objects_that_the_region_had_no_room_for_count_until_they_are_freed_at_most(self) -> None:
        self.each("""
for _ in range(2):
    kept = [[i] for i in range(1_500_000)]
    del kept
figures = smallblock.stats()
assert figures.next_allocations > 1_000_000 and figures.memory.next_bytes < 4_000_000, figures.memory
""", SMALLBLOCK_ADDRESS_SPACE="64M")

    def test_debugmallocstats_without_anything_to_say_or_anywhere_to_say_it(self) -> None:
        shown = run("""
import smallblock, sys
try:
    smallblock.debugmallocstats()
except RuntimeError as error:
    assert "served nothing yet" in str(error), error
else:
    raise AssertionError
smallblock.install()
sys.stderr = None
smallblock.debugmallocstats()
print("and no more")
""")
        self.assertEqual(shown, "and no more\n")

    def test_debugmallocstats_is_the_report_at_exit(self) -> None:
        self.each("""
import io, os
text = io.StringIO()
descriptors = len(os.listdir("/proc/self/fd"))
smallblock.debugmallocstats(text)
lines = text.getvalue().splitlines()
assert lines[0].startswith(f"smallblock {smallblock.__version__}, process {os.getpid()} ("), lines[0]
for start in ("class   size   num pools", "# arenas kept, empty", "# bytes in allocated blocks", "Total", "# bytes of metadata",
              "# held by the program", "Committed"):
    assert any(line.startswith(start) for line in lines), start
(head,) = [line for line in lines if line.startswith("class ")]
assert head.endswith("pool KiB") and len(os.listdir("/proc/self/fd")) == descriptors
""")


if __name__ == "__main__":
    unittest.main()
