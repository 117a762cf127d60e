"""Threads, fork, multiprocessing and sub-interpreters on an installed smallblock."""

from __future__ import annotations

import sys
import unittest

from child import run

START = "import smallblock\nsmallblock.install()\n"


class Processes(unittest.TestCase):
    def test_threads_free_what_others_allocated(self) -> None:
        run(START + """
import queue, threading
line = queue.Queue(maxsize=8)
def make():
    for i in range(200):
        line.put([(j, str(j)) for j in range(200)])
    line.put(None)
def drop():
    while line.get() is not None:
        churn(1)
threads = [threading.Thread(target=work) for work in (make, drop) * 3]
for thread in threads: thread.start()
for thread in threads: thread.join()
""")

    def test_fork_in_threads(self) -> None:
        run(START + """
import os, threading, warnings
warnings.simplefilter("ignore")
stop = threading.Event()
def busy():
    while not stop.is_set():
        churn(1)
threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads: thread.start()
for _ in range(20):
    child = os.fork()
    if child == 0:
        churn(2)
        smallblock.trim()
        os._exit(0 if smallblock.installed() else 1)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
for thread in threads: thread.join()
""")

    def test_multiprocessing_in_three_start_methods(self) -> None:
        run("""
import multiprocessing, smallblock
def work(count):
    return churn(count), smallblock.installed()
if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            answers = pool.map(work, [3] * 6)
        assert answers == [(churn(3), True)] * 6, (method, answers)
""", environment={"SMALLBLOCK": "1"})

    def test_sub_interpreters(self) -> None:
        try:
            import _testcapi  # noqa: F401
        except ImportError:
            self.skipTest("this CPython has no _testcapi, which runs code in a sub-interpreter")
        run(START + """
import _testcapi, gc
for _ in range(100):
    assert _testcapi.run_in_subinterp("import smallblock; assert smallblock.installed(); x = [[i] for i in range(1000)]") == 0
churn()
""")

    @unittest.skipIf(sys.version_info < (3, 12), "a sub-interpreter has its own GIL from CPython 3.12 on")
    def test_sub_interpreters_with_their_own_gil(self) -> None:
        run(START + """
import threading
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
code = "import smallblock; assert smallblock.installed(); y = [[[i] for i in range(5000)] for _ in range(20)]"
def live():
    for _ in range(10):
        number = interpreters.create()
        failure = interpreters.run_string(number, code)
        assert failure is None, failure
        interpreters.destroy(number)
threads = [threading.Thread(target=live) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
churn()
""")


if __name__ == "__main__":
    unittest.main()
