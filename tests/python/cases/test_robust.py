"""Questions about the heap asked at the worst moments: they answer or raise, and the process lives on."""

from __future__ import annotations

import sys
import unittest

from child import BothWays, run

# Any question, on any object; counts what it asked, and lets only the exceptions that are promised pass.
ASK = """
import gc, itertools, sys, threading, time, weakref
asked = []
def ask(obj, turn=itertools.count()):
    number = next(turn)
    asked.append(number)  # in one step, other than a sum
    try:
        smallblock.block_of(obj)
    except smallblock.NotServedError:
        pass
    if number % 4 == 0: assert str(smallblock.explain(obj, follow=True))
    if number % 16 == 0: assert smallblock.pinned().pools is not None
    if number % 16 == 8: assert smallblock.by_type().blocks > 100
"""


class Robust(BothWays):
    def test_objects_that_are_half_built(self) -> None:
        self.each(ASK + """
def everything(obj):
    ask(obj)
    for part in gc.get_objects()[-40:]:
        if type(part) in (tuple, list, dict, set): ask_raw(part)
def ask_raw(part):
    try: smallblock.block_of(part)
    except smallblock.NotServedError: pass
    smallblock.explain(part, follow=True)
def inside(kind):
    # The container that is being made is known to the collector, with holes in it.
    def values():
        for i in range(12):
            ask([i])
            if i % 4 == 3: smallblock.pinned(); smallblock.explain(gc.get_objects(), follow=True)
            yield i
    return kind(values())
for kind in (tuple, list, set, frozenset, lambda it: dict.fromkeys(it), lambda it: bytes(it), sum): inside(kind)
class Meta(type):
    def __new__(cls, name, bases, space):
        made = super().__new__(cls, name, bases, space)
        everything(made)
        return made
    def mro(cls):
        ask(cls)  # a type that is not ready
        return super().mro()
class Child(metaclass=Meta):
    __slots__ = ("a", "__weakref__")
    def __new__(cls):
        self = object.__new__(cls)
        ask(self)
        return self
    def __init_subclass__(cls):
        everything(cls)
class Grandchild(Child): pass
Child(), Grandchild()
class Key:
    def __init__(self, owner): self.owner = owner
    def __hash__(self): ask(self.owner); return 1
    def __eq__(self, other): ask(self.owner); return self is other
for owner in ({}, set()):
    for _ in range(5):
        owner.update({Key(owner): 1} if owner == {} or isinstance(owner, dict) else {Key(owner)})
numbers = list(range(30, 0, -1))
def key(number):
    ask(numbers)  # empty while it is sorted
    return number
numbers.sort(key=key)
assert numbers == list(range(1, 31))
def running():
    ask(sys._getframe()); ask(generator)
    yield
generator = running(); next(generator); ask(generator)
try: raise ValueError("x")
except ValueError as error: ask(error); ask(error.__traceback__)
async def coroutine(): ask(sys._getframe())
try: coroutine().send(None)
except StopIteration: pass
assert len(asked) > 100
""")

    def test_from_finalizers_and_callbacks(self) -> None:
        self.each(ASK + """
class Dying:
    def __init__(self): self.me = self; self.load = [1.5, "x" * 40]
    def __del__(self): ask(self); ask(self.load)
class Referred: pass
def on_gc(phase, info): ask(info); ask(phase)
gc.callbacks.append(on_gc)
gc.set_threshold(700, 5, 5)
references = []
for i in range(60):
    Dying()
    target = Referred(); target.ring = [target]
    references.append(weakref.ref(target, ask))
    del target
    if i % 20 == 0: gc.collect()
gc.collect()
gc.callbacks.remove(on_gc)
assert len(asked) > 150, asked
""")

    def test_from_threads_that_allocate(self) -> None:
        self.each(ASK + """
sys.setswitchinterval(1e-5)
done = threading.Event()
failures = []
def busy(kind):
    kept = {}
    i = 0
    while not done.is_set():
        i += 1
        kept[i % 997] = (i, [str(i)] * (i % 30), {kind: object(), i: 1.5 * i})
        if i % 5000 == 0: kept.clear(); smallblock.trim()
def curious():
    try:
        for i in range(20): ask([1, 2, {3: (4, 5)}])
    except BaseException as error:
        failures.append(error)
        raise
workers = [threading.Thread(target=busy, args=(i,)) for i in range(2)]
askers = [threading.Thread(target=curious) for _ in range(2)]
for thread in workers + askers: thread.start()
for thread in askers: thread.join()
done.set()
for thread in workers: thread.join()
assert not failures and len(asked) == 40, (failures, asked)
""")

    def test_while_the_interpreter_ends(self) -> None:
        # Daemon threads are in the middle of a walk then; modules and their names go away one by one.
        self.each(ASK + """
import atexit, builtins
class Last:
    def __del__(self, smallblock=smallblock, Exception=Exception):
        for call in (lambda: smallblock.block_of(self), lambda: smallblock.explain([self], follow=True),
                     smallblock.by_type, smallblock.pinned):
            try: call()
            except Exception: pass
last, sys.last, builtins.last = Last(), Last(), Last()
ring = Last(); ring.ring = ring
atexit.register(lambda: ask([]))
def walk():
    while True: smallblock.by_type()
def look():
    while True: smallblock.pinned(); smallblock.explain(sys.modules, follow=True)
for work in (walk, walk, look): threading.Thread(target=work, daemon=True).start()
time.sleep(0.1)
print("the end")
""")
        # Not imported before, so that the imports come too late.
        run("""
import smallblock
smallblock.install()
class Last:
    def __del__(self, smallblock=smallblock, Exception=Exception):
        for call in (lambda: smallblock.block_of(self), smallblock.by_type, smallblock.pinned):
            try: call()
            except Exception: pass
import builtins
builtins.last = Last()
""")

    @unittest.skipIf(sys.version_info < (3, 12), "a sub-interpreter has its own GIL from CPython 3.12 on")
    def test_in_sub_interpreters_at_the_same_time(self) -> None:
        # Objects of the others are in the same heap, and are never touched.
        self.each("""
import threading
try: import _interpreters as interpreters
except ImportError: import _xxsubinterpreters as interpreters
code = '''
import smallblock
for i in range(2):
    kept = [[{j: str(j)}] for j in range(2000)]
    assert smallblock.by_type().blocks > 2000 and smallblock.pinned() is not None
    assert smallblock.explain(kept, follow=True).cost.objects > 6000
'''
def live():
    for _ in range(1):
        number = interpreters.create()
        failure = interpreters.run_string(number, code)
        if failure is not None: failures.append(failure)
        interpreters.destroy(number)
failures = []
threads = [threading.Thread(target=live) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not failures, failures
""")

    def test_in_a_forked_child_and_with_the_system_short_of_memory(self) -> None:
        self.each(ASK + """
import os, resource
child = os.fork()
if child == 0:
    for _ in range(20): ask([1.5])
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
for _ in range(20): ask([1.5])
kept = [[i] for i in range(200_000)]
with open("/proc/self/statm") as statm: pages = int(statm.read().split()[0])
for room_mb in (0, 1, 4, 16, 64):
    resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + (room_mb << 20), resource.RLIM_INFINITY))
    for call in (smallblock.by_type, smallblock.pinned, lambda: smallblock.block_of(kept[150_000]),
                 lambda: smallblock.explain(kept, follow=True, limit=None)):
        try: call()
        except MemoryError: pass
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert smallblock.explain(kept, follow=True).cost.objects > 200_000
""")


if __name__ == "__main__":
    unittest.main()
