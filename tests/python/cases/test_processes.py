"""Threads, processes, signals, asyncio and sub-interpreters, after install() and started on smallblock."""

from __future__ import annotations

import sys
import unittest

from child import BothWays, run


class FirstCalls(BothWays):
    def test_a_fork_waits_for_what_another_thread_imports(self) -> None:
        self.each("""
import faulthandler, os, sys, threading, time
if not smallblock.installed(): smallblock.install()
begun = threading.Event()
class Slow:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "smallblock._types":
            begun.set()
            time.sleep(0.5)
        return None
sys.meta_path.insert(0, Slow)
thread = threading.Thread(target=smallblock.__getattr__, args=("TypeCount",))
thread.start()
begun.wait()
child = os.fork()
if child == 0:
    faulthandler.dump_traceback_later(60, exit=True)
    assert smallblock.by_type().blocks > 100
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
thread.join()
""")

    def test_a_fork_waits_a_second_at_most(self) -> None:
        # The import waits for the thread that forks.
        self.each("""
import gc, importlib.machinery, os, sys, threading, time
if not smallblock.installed(): smallblock.install()
begun, go_on = threading.Event(), threading.Event()
class Stuck:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "smallblock._types": return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (begun.set(), go_on.wait(), execute(module))
        return spec
sys.meta_path.insert(0, Stuck)
thread = threading.Thread(target=smallblock.by_type, daemon=True)
thread.start()
begun.wait()
start = time.monotonic()
child = os.fork()
if child == 0: os._exit(0 if gc.isenabled() else 1)
assert 0.5 < time.monotonic() - start < 30
assert os.waitpid(child, 0)[1] == 0
go_on.set()
thread.join()
assert gc.isenabled()
""")

    def test_two_threads_that_import_the_same_do_not_wait_for_each_other(self) -> None:
        # One calls first; the other imports what that needs, and is interrupted by a callback that calls.
        self.each("""
import faulthandler, gc, sys, threading, time
if not smallblock.installed(): smallblock.install()
faulthandler.dump_traceback_later(60, exit=True)
go, seen, answers = threading.Event(), [], []
def first():
    go.wait()
    answers.append(smallblock.stats())
thread = threading.Thread(target=first)
thread.start()
def callback(phase, info):
    if not seen and "json" in sys.modules and not hasattr(sys.modules["json"], "dumps"):
        seen.append(1)
        go.set()
        time.sleep(0.3)
        try: smallblock.stats()
        except RuntimeError as error: assert "in the middle of the import" in str(error), error
gc.callbacks.append(callback)
gc.set_threshold(1)
import json
gc.callbacks.remove(callback)
thread.join()
assert seen and len(answers) == 1 and smallblock.stats().classes
""")

    def test_no_callback_of_the_collector_runs_in_the_middle(self) -> None:
        self.each("""
import gc, sys
if not smallblock.installed(): smallblock.install()
called, errors = [], []
def callback(phase, info):
    called.append(phase)
    gc.set_threshold(700)
    try: smallblock.by_type()
    except Exception as error: errors.append(error)
class Collecting:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "smallblock._show":
            gc.callbacks.append(callback)
            gc.set_threshold(1)
        return None
sys.meta_path.insert(0, Collecting)
smallblock.by_type()
kept = [[i] for i in range(1000)]
assert gc.isenabled() and called and not errors, errors
""")

    def test_a_handler_that_calls_in_the_middle_is_told(self) -> None:
        self.each("""
import os, signal, sys
if not smallblock.installed(): smallblock.install()
told = []
def handler(number, frame):
    try: smallblock.by_type()
    except RuntimeError as error: told.append(str(error))
signal.signal(signal.SIGUSR1, handler)
class Interrupted:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "smallblock._show": os.kill(os.getpid(), signal.SIGUSR1)
        return None
sys.meta_path.insert(0, Interrupted)
assert smallblock.by_type().blocks > 100
assert len(told) == 1 and "in the middle of the import" in told[0], told
os.kill(os.getpid(), signal.SIGUSR1)
assert len(told) == 1
""")

    def test_refusals_reach_the_parent(self) -> None:
        self.each("""
import copy, pickle
try:
    smallblock.block_of(bytes(1_000_000))
except smallblock.NotServedError as error:
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (str(other), other.where, other.allocator) == (str(error), error.where, error.allocator)
        assert isinstance(other, smallblock.NotServedError) and other.allocator.startswith("/"), other.allocator
else:
    raise AssertionError
""")


class Threads(BothWays):
    def test_threads_free_what_others_allocated(self) -> None:
        self.each("""
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

    def test_signals_whose_handlers_allocate(self) -> None:
        self.each("""
import os, signal, threading
caught = []
def on_signal(number, frame):
    caught.append([number] * 10)
    churn(1)
for number in (signal.SIGALRM, signal.SIGUSR1):
    signal.signal(number, on_signal)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
def send():
    for _ in range(20):
        os.kill(os.getpid(), signal.SIGUSR1)
        churn(1)
sender = threading.Thread(target=send)
sender.start()
while len(caught) < 30 or sender.is_alive():
    churn(1)
signal.setitimer(signal.ITIMER_REAL, 0)
sender.join()
assert {row[0] for row in caught} == {signal.SIGALRM, signal.SIGUSR1}
""")

    def test_asyncio_with_tasks_threads_sockets_and_processes(self) -> None:
        self.each("""
import asyncio, sys
async def serve(reader, writer):
    writer.write((await reader.readline()) * 3)
    await writer.drain()
    writer.close()
async def ask(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"%d\\n" % number)
    answer = await reader.read()
    writer.close()
    return answer == b"%d\\n" % number * 3
async def start(number):
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-S", "-c", f"print({number} * 2)", stdout=asyncio.subprocess.PIPE)
    return int((await child.communicate())[0]) == number * 2
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    jobs = [ask(port, number) for number in range(60)]
    jobs += [loop.run_in_executor(None, churn, 2) for _ in range(20)]
    jobs += [start(number) for number in range(3)]
    answers = await asyncio.gather(*jobs)
    server.close()
    assert all(answers), answers
asyncio.run(main())
""")


class Processes(BothWays):
    def test_fork_in_threads(self) -> None:
        self.each("""
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

    def test_fork_with_exec(self) -> None:
        # Only what the environment says reaches the program that is executed.
        self.each("""
import os, subprocess, sys
code = "import sys, smallblock; sys.exit(40 + smallblock.installed())"
expected = 40 + bool(os.environ.get("LD_PRELOAD"))
def executed():
    child = os.fork()
    if child == 0:
        kept = churn(2)
        os.execv(sys.executable, [sys.executable, "-c", code])
    return os.waitpid(child, 0)[1] >> 8
def spawned():
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ)
    return os.waitpid(child, 0)[1] >> 8
def called(**more):
    return subprocess.call([sys.executable, "-c", code], **more)
answers = [executed(), spawned(), called(), called(start_new_session=True), called(preexec_fn=lambda: churn(1))]
assert answers == [expected] * 5, answers
""")

    def test_multiprocessing_in_three_start_methods(self) -> None:
        code = """
import multiprocessing, smallblock
def work(count):
    return churn(count), smallblock.installed()
if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            answers = pool.map(work, [3] * 6)
        assert answers == [(churn(3), True)] * 6, (method, answers)
"""
        run(code, environment={"SMALLBLOCK": "1"})
        run(code, on_smallblock=True)


class SubInterpreters(BothWays):
    def test_under_one_gil(self) -> None:
        try:
            import _testcapi  # noqa: F401
        except ImportError:
            self.skipTest("this CPython has no _testcapi, which runs code in a sub-interpreter")
        self.each("""
import _testcapi
code = "import smallblock; assert smallblock.installed(); x = [[i] for i in range(1000)]"
for _ in range(40):
    assert _testcapi.run_in_subinterp(code) == 0
churn()
""")

    def test_limits_and_the_allocator_are_the_main_interpreters(self) -> None:
        self.each("""
try: import _interpreters as interpreters
except ImportError: import _xxsubinterpreters as interpreters
def inside(code):
    number = interpreters.create()
    failure = interpreters.run_string(number, code)
    assert failure is None, failure
    interpreters.destroy(number)
called = []
def live():
    memory = smallblock.stats().memory
    return memory.live_bytes + memory.cached_bytes + memory.next_bytes
smallblock.limit(soft=live() + 5_000_000, callback=lambda: called.append(interpreters.get_current()))
inside('''
import smallblock
calls = (lambda: smallblock.limit(soft=1 << 40, callback=print), smallblock.limit, smallblock.install, smallblock.uninstall)
for call in calls:
    try: call()
    except RuntimeError as error: assert "main interpreter" in str(error), error
    else: raise AssertionError(call)
assert smallblock.installed()
kept = [[i] for i in range(100_000)]
for i in range(1000): pass
''')
for i in range(1000): pass
assert called == [interpreters.get_main()], called
""")

    @unittest.skipIf(sys.version_info < (3, 12), "a sub-interpreter has its own GIL from CPython 3.12 on")
    def test_with_a_gil_of_their_own(self) -> None:
        self.each("""
import threading
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
code = "import smallblock; assert smallblock.installed(); y = [[[i] for i in range(2000)] for _ in range(20)]"
def live():
    for _ in range(5):
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
