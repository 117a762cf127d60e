"""CPython's own memory tools: tracemalloc, PYTHONMALLOC=debug, -X dev, gc and faulthandler."""

from __future__ import annotations

import unittest

from child import run

TRACE = """
import tracemalloc
tracemalloc.start()
kept = [bytes(100) for _ in range(10000)]
bytes_traced = sum(row.size for row in tracemalloc.take_snapshot().filter_traces(
    [tracemalloc.Filter(True, __file__)]).traces)
tracemalloc.stop()
print(bytes_traced // 100_000)
"""


class Tools(unittest.TestCase):
    def test_tracemalloc_sees_the_same_over_smallblock(self) -> None:
        plain = run(TRACE)
        self.assertEqual(run("import smallblock\nsmallblock.install()\n" + TRACE + "churn()"), plain)
        self.assertEqual(run(TRACE, on_smallblock=True), plain)

    def test_hooks_that_lie_over_it_are_left_alone(self) -> None:
        run("""
import smallblock, tracemalloc
def sentence(call, words):
    try:
        call()
    except RuntimeError as error:
        assert words in str(error), error
    else:
        raise AssertionError(words)
tracemalloc.start()
sentence(smallblock.install, "hooks are set")
tracemalloc.stop()
smallblock.install()
tracemalloc.start()
kept = [[i] for i in range(1000)]
sentence(smallblock.uninstall, "stop that tool")
assert smallblock.installed()
tracemalloc.stop()
smallblock.uninstall()
churn()
""")

    def test_debug_hooks_lie_over_a_start_on_smallblock(self) -> None:
        code = "import smallblock; assert smallblock.installed(); churn(); print(smallblock.stats().live_bytes > 100000)"
        for flags, environment in (([], {"PYTHONMALLOC": "debug"}), (["-X", "dev"], {})):
            with self.subTest(flags=flags, environment=environment):
                text = run(code, flags=flags, environment=environment, on_smallblock=True)
                print(f"[{text.strip()}]")

    def test_collector_and_faulthandler(self) -> None:
        run("""
import faulthandler, gc, smallblock, sys
faulthandler.enable()
smallblock.install()
for _ in range(1000):
    ring = []
    ring.append(ring)
del ring
assert gc.collect() > 0 and gc.get_stats()
sys._debugmallocstats()
assert sys.getallocatedblocks() >= 0
""")


if __name__ == "__main__":
    unittest.main()
