"""install() and uninstall() in a running interpreter."""

from __future__ import annotations

import ast
import unittest

from child import run

IN_FORCE = """
import smallblock
def in_use():
    return sum(row.blocks_in_use for row in smallblock.stats().classes)
def grows():
    before = in_use()
    kept = [[i] for i in range(50000)]
    return in_use() - before > 40000
"""


class Install(unittest.TestCase):
    def test_objects_come_from_smallblock_only_while_it_is_installed(self) -> None:
        run(IN_FORCE + """
assert not smallblock.installed() and not grows()
smallblock.install()
assert smallblock.installed() and grows()
smallblock.uninstall()
assert not smallblock.installed() and not grows()
smallblock.install()
assert grows()
""")

    def test_blocks_of_both_allocators_are_freed_and_resized_in_any_phase(self) -> None:
        run(IN_FORCE + """
old = [bytearray(i % 600) for i in range(20000)]
smallblock.install()
new = [bytearray(i % 600) for i in range(20000)]
for blocks in (old, new):
    for block in blocks[::2]:
        block += b"x" * (len(block) % 97)
del old[::3]
churn()
smallblock.uninstall()
peak = in_use()
for blocks in (old, new):
    for i, block in enumerate(blocks):
        block += b"y" * (i % 53)
        assert block[-1:] in (b"y", b"x", b"\\0", b"")
del old, new, blocks, block
churn()
assert in_use() < peak / 4, (in_use(), peak)
""")

    def test_sampled_blocks_are_freed_and_resized_in_any_phase(self) -> None:
        run(IN_FORCE + """
smallblock.install()
kept = []
for _ in range(10):
    new = [bytearray(i % 500 + 1) for i in range(5000)]
    for block in new[::3]:
        block += b"x" * 40
    kept.append(new[::7])
    del new
smallblock.uninstall()
for blocks in kept:
    for block in blocks[::2]:
        block += b"y" * 40
        assert block[-1:] == b"y"
del kept, blocks, block
churn()
""", environment={"SMALLBLOCK_CHECK": "sample:20"})

    def test_wrong_use_is_answered_by_a_sentence(self) -> None:
        run(IN_FORCE + """
def sentence(call, *words):
    try:
        call()
    except (RuntimeError, TypeError, ValueError) as error:
        assert all(word in str(error) for word in words), error
    else:
        raise AssertionError(words)
sentence(smallblock.uninstall, "not installed")
smallblock.install()
sentence(smallblock.install, "installed already", "SMALLBLOCK=1")
sentence(lambda: smallblock.limit(soft=-1), "soft", "between")
sentence(lambda: smallblock.limit(hard="1G"), "hard", "str")
sentence(lambda: smallblock.limit(hard=1 << 64), "hard", "between")
sentence(lambda: smallblock.limit(soft=2, hard=1), "above")
sentence(lambda: smallblock.limit(callback=print), "soft=")
sentence(lambda: smallblock.limit(soft=1, callback=3), "callable")
sentence(lambda: smallblock.decay(-2), "never")
sentence(lambda: smallblock.decay(1 << 31), "never")
for wrong in ("x", 0.25, True, None):
    sentence(lambda: smallblock.decay(wrong), "milliseconds", type(wrong).__name__)
""")

    def test_what_it_advises_helps(self) -> None:
        code = "import smallblock\ntry: smallblock.install()\nexcept RuntimeError as error: print(error)"
        for wish, advice in (("debug", "python3 -m smallblock"), ("pymalloc_debug", "unset PYTHONMALLOC"),
                             ("malloc_debug", "unset PYTHONMALLOC")):
            with self.subTest(wish):
                self.assertIn(advice, run(code, environment={"PYTHONMALLOC": wish}))
                served = run("import smallblock\nprint(smallblock._smallblock.preloaded(), smallblock.installed())",
                             environment={"PYTHONMALLOC": wish}, on_smallblock=True)
                self.assertEqual(served.split(), ["True", str(wish != "pymalloc_debug")])

    def test_tracers_over_an_uninstalled_one_do_not_install_it(self) -> None:
        run("""
import smallblock, tracemalloc
smallblock.install()
tracemalloc.start()
assert smallblock.installed()
tracemalloc.stop()
smallblock.uninstall()
tracemalloc.start()
assert not smallblock.installed()
""")

    def test_what_the_package_has(self) -> None:
        run("""
import smallblock
assert set(smallblock.__all__) <= set(dir(smallblock)) and smallblock.leaks.allocated_blocks() > 0
assert smallblock.__version__ == smallblock.stats().version
try: smallblock.lieks
except AttributeError as error: assert "lieks" in str(error)
else: raise AssertionError
""")

    def test_the_wheel_says_what_it_is(self) -> None:
        run("""
import importlib.metadata, pathlib, smallblock
said = importlib.metadata.metadata("smallblock")
assert "MIT" in (said["License"] or said["License-Expression"]) and said["Version"] == smallblock.__version__
assert "smallblock.install()" in (said["Description"] or said.get_payload()), said
assert "MIT License" in pathlib.Path(smallblock.__file__).with_name("LICENSE").read_text()
""")

    def test_annotations_name_what_there_is(self) -> None:
        run("""
import smallblock, sys
assert "typing" not in sys.modules and "smallblock._statistics" not in sys.modules
import inspect, typing
for name in smallblock.__all__:
    if inspect.isfunction(getattr(smallblock, name)): typing.get_type_hints(getattr(smallblock, name))
hints = typing.get_type_hints(smallblock.limit)
assert hints["soft"] == typing.Optional[int] and hints["return"] is type(None), hints
assert typing.get_type_hints(smallblock.stats) == {"return": smallblock.Stats}
assert typing.get_type_hints(smallblock.debugmallocstats)["file"] == typing.Optional[typing.TextIO]
""")

    def test_type_checkers_see_which_names_there_are(self) -> None:
        code = "import ast, smallblock; print(open(smallblock.__file__).read())"
        top = ast.parse(run(code)).body
        names = {node.name for node in top if isinstance(node, ast.FunctionDef)}
        self.assertIn("install", names)
        self.assertNotIn("__getattr__", names)

    def test_the_import_takes_at_most_5_ms(self) -> None:
        # Each in a fresh process, and the least of several, as the machine may be busy.
        code = """
import sys, time
start = time.perf_counter()
import smallblock
print((time.perf_counter() - start) * 1000)
assert not {"dataclasses", "json", "typing"} & set(sys.modules)
"""
        times_ms = [float(run(code)) for _ in range(7)]
        print(f"import in ms, least and most: {min(times_ms):.2f} {max(times_ms):.2f}")
        self.assertLessEqual(min(times_ms), 5)


if __name__ == "__main__":
    unittest.main()
