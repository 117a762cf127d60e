"""CPython's own memory tools: tracemalloc, PYTHONMALLOC=debug, -X dev, gc, faulthandler and sys._debugmallocstats."""

from __future__ import annotations

import signal
import unittest

from child import BothWays, run

INSTALL = "import smallblock\nsmallblock.install()\n"
# Two snapshots and their difference, line by line; the lines are counted from here, so that a prefix does not show.
TRACE = """
import gc, sys, tracemalloc
first_line = sys._getframe().f_lineno
def build(count):
    return [(i, str(i) * (i % 30), [None] * (i % 90), {i: bytes(i % 700)}) for i in range(count)]
def lines(statistics):
    rows = [
        ([frame.lineno - first_line for frame in row.traceback if frame.filename == __file__],
         row.size, row.count, getattr(row, "size_diff", 0), getattr(row, "count_diff", 0))
        for row in statistics]
    return sorted(row for row in rows if row[0])
def snapshot():
    return tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, __file__, all_frames=True)])
gc.collect()  # empties CPython's free lists, which differ from start to start
gc.disable()
tracemalloc.start(10)
kept = build(2000)
first = snapshot()
kept += build(500)
del kept[::3]
second = snapshot()
print(lines(first.statistics("traceback")))
print(lines(second.compare_to(first, "traceback")))
print(tracemalloc.get_object_traceback(next(iter(kept[-1][3].values())))[-1].lineno - first_line)
kept.clear()
assert tracemalloc.get_traced_memory()[1] > 500_000
tracemalloc.stop()
churn()
"""
COLLECT = """
import gc
def rings(count):
    for _ in range(count):
        ring = {}
        ring["self"] = [ring]
gc.collect()
before = gc.get_stats()
rings(20000)
gc.collect()
print([{key: now[key] - then[key] for key in now} for then, now in zip(before, gc.get_stats())], gc.garbage)
"""
DEBUG_WAYS = (("PYTHONMALLOC=debug", [], {"PYTHONMALLOC": "debug"}), ("-X dev", ["-X", "dev"], {}))


class Tracing(unittest.TestCase):
    def test_tracemalloc_takes_the_same_snapshots(self) -> None:
        plain = run(TRACE)
        self.assertGreater(len(plain), 200)
        self.assertEqual(run(INSTALL + TRACE), plain)
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


class DebugHooks(unittest.TestCase):
    def each(self, code: str, status: int = 0) -> str:
        texts = ""
        for name, flags, environment in DEBUG_WAYS:
            with self.subTest(name):
                texts += run(code, flags=flags, environment=environment, on_smallblock=True, status=status)
        return texts

    def test_the_objects_below_them_are_smallblocks(self) -> None:
        self.each("""
import smallblock
before = smallblock.stats().live_bytes
kept = [[i] for i in range(50000)]
assert smallblock.stats().live_bytes - before > 50000 * 80, "an empty list of 56 bytes, with the hooks' 32"
churn()
""")

    def test_the_objects_below_them_are_recognised(self) -> None:
        self.each("""
import smallblock
class Plain:
    __slots__ = ("value",)
class Full: pass
plain, full = [Plain() for _ in range(5000)], [Full() for _ in range(5000)]
numbers = [float(i) for i in range(5000)]
counts = smallblock.by_type()
for name, objects in (("__main__.Plain", plain), ("__main__.Full", full), ("float", numbers)):
    assert len(objects) <= counts[name].blocks <= len(objects) + 500, (name, str(counts))
assert smallblock.block_of(plain[0]).type == "__main__.Plain"
""")

    def test_they_find_a_byte_behind_a_block(self) -> None:
        texts = self.each("""
import ctypes
api = ctypes.pythonapi
api.PyObject_Malloc.restype = ctypes.c_void_p
api.PyObject_Malloc.argtypes = [ctypes.c_size_t]
api.PyObject_Free.argtypes = [ctypes.c_void_p]
block = api.PyObject_Malloc(24)
ctypes.memset(block + 24, 1, 1)
api.PyObject_Free(block)
""", status=-signal.SIGABRT)
        self.assertEqual(texts.count("Debug memory block at address"), len(DEBUG_WAYS), texts)

    def test_tracemalloc_lies_over_them(self) -> None:
        plain = run(TRACE)
        for name, flags, environment in DEBUG_WAYS:
            with self.subTest(name):
                self.assertEqual(run(TRACE, flags=flags, environment=environment, on_smallblock=True), plain)


class Others(BothWays):
    def test_the_collector_counts_the_same(self) -> None:
        plain = run(COLLECT)
        self.assertIn("'collected': ", plain)
        self.assertEqual(run(INSTALL + COLLECT), plain)
        self.assertEqual(run(COLLECT, on_smallblock=True), plain)

    def test_faulthandler_shows_the_line_of_a_crash(self) -> None:
        crash = """
import faulthandler
faulthandler.enable()
def deep():
    faulthandler._sigsegv()
churn()
deep()
"""
        for start, on_smallblock in ((INSTALL, False), ("", True)):
            text = run(start + crash, on_smallblock=on_smallblock, status=-signal.SIGSEGV)
            self.assertIn("Segmentation fault", text)
            self.assertIn("in deep", text)

    def test_faulthandler_dumps_while_others_allocate(self) -> None:
        self.each("""
import faulthandler, os, signal, tempfile, threading, time
with tempfile.TemporaryFile("w+") as log:
    faulthandler.register(signal.SIGUSR1, file=log, all_threads=True)
    faulthandler.dump_traceback_later(0.05, repeat=True, file=log)
    stop = threading.Event()
    def busy():
        while not stop.is_set():
            churn(1)
    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads: thread.start()
    for _ in range(10):
        os.kill(os.getpid(), signal.SIGUSR1)
        churn(1)
    time.sleep(0.1)
    faulthandler.cancel_dump_traceback_later()
    stop.set()
    for thread in threads: thread.join()
    log.seek(0)
    text = log.read()
assert text.count("most recent call first") >= 10 and "Timeout" in text and "in busy" in text, text[-2000:]
""")

    def test_cpythons_own_report_still_works(self) -> None:
        self.each("import sys\nsys._debugmallocstats()\nassert sys.getallocatedblocks() >= 0", PYTHONMALLOCSTATS="1")


if __name__ == "__main__":
    unittest.main()
