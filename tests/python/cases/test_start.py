"""python3 -m smallblock, SMALLBLOCK=1, and a process that was started on the preload library."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request
from pathlib import Path

import smallblock
from child import run

MISUSE = """
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
block = libc.malloc(100)
libc.free(ctypes.c_void_p(block))
libc.free(ctypes.c_void_p(block))
"""


def launch(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "smallblock", *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )


class Start(unittest.TestCase):
    def test_the_package_talks_to_the_preloaded_engine(self) -> None:
        run("""
import smallblock
assert smallblock.installed()
first = smallblock.stats()
kept = [[i] for i in range(50000)]
assert smallblock.stats().live_bytes - first.live_bytes > 40000 * 32
large = bytes(10_000_000)
assert smallblock.stats().memory.next_bytes > 9_000_000
for call, words in ((smallblock.install, "installed already"), (smallblock.uninstall, "stays on it")):
    try:
        call()
    except RuntimeError as error:
        assert words in str(error), error
    else:
        raise AssertionError(words)
del kept
smallblock.trim()
""", on_smallblock=True)

    def test_told_to_leave_python_alone_it_is_not_installed(self) -> None:
        text = run("""
import smallblock
assert not smallblock.installed()
try:
    smallblock.install()
except RuntimeError as error:
    print(error)
""", on_smallblock=True, environment={"SMALLBLOCK_PYTHON": "0"})
        self.assertIn("unset it", text)

    def test_installed_says_which_allocator_serves(self) -> None:
        # tracemalloc hides the allocator that lies under it.
        code = """
import smallblock, tracemalloc
print(smallblock.installed())
tracemalloc.start()
print(smallblock.installed())
try: smallblock.install()
except RuntimeError as error: print("unset PYTHONMALLOC" not in str(error))
"""
        for wish, answer in (("pymalloc", "False"), ("pymalloc_debug", "False"), ("debug", "True"), ("malloc", "True")):
            with self.subTest(wish):
                text = run(code, on_smallblock=True, environment={"PYTHONMALLOC": wish})
                self.assertEqual(text.split(), [answer] * 3)

    def test_a_running_interpreter_that_opens_the_library_keeps_its_allocator(self) -> None:
        run("""
import ctypes, pathlib, smallblock
old = churn(3)
ctypes.CDLL(str(pathlib.Path(smallblock.__file__).with_name("libsmallblock_preload.so")), mode=ctypes.RTLD_GLOBAL)
assert churn(3) == old and not smallblock.installed()
smallblock.install()
assert churn(3) == old
""")

    def test_in_check_mode_only_live_blocks_are_counted(self) -> None:
        code = """
import smallblock
kept = [[i] for i in range(20000)]
for _ in range(4):
    counts = smallblock.by_type()
    in_use = sum(row.blocks_in_use for row in smallblock.stats().classes)
    assert abs(counts.blocks - in_use) < in_use / 20, (counts.blocks, in_use)
"""
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "program.py"
            program.write_text(code)
            started = subprocess.run(
                [sys.executable, "-m", "smallblock", "--check", str(program)], timeout=120, check=False
            )
        self.assertEqual(started.returncode, 0)

    def test_without_a_standard_output(self) -> None:
        words = [sys.executable, "-m", "smallblock", "-c", "import sys; sys.exit(sys.stdout is not None)"]
        closed = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *words], timeout=120, check=False)
        self.assertEqual(closed.returncode, 0)

    def test_without_a_standard_error(self) -> None:
        # What cannot be said there is not said on the standard output.
        hooked = {**os.environ, "SMALLBLOCK": "1", "PYTHONMALLOC": "debug"}
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "smallblock").mkdir()
            (Path(folder) / "smallblock" / "__init__.py").write_text("raise ImportError('none here')")
            for words, environment, answer in (
                (["-c", "print(1)"], hooked, (0, "1\n")),
                (["-c", "print(1)"], {**hooked, "PYTHONPATH": folder}, (0, "1\n")),
                (["-m", "smallblock", "--what"], dict(os.environ), (2, "")),
            ):
                closed = ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, *words]
                done = subprocess.run(closed, env=environment, stdout=subprocess.PIPE, text=True, timeout=120, check=False)
                self.assertEqual((done.returncode, done.stdout), answer, words)

    def test_words_joined_to_their_option(self) -> None:
        for words in (["-cprint(7)"], ["-mtimeit", "-n1", "-r1", "print(7)"]):
            output = subprocess.check_output([sys.executable, "-m", "smallblock", *words], text=True, timeout=120)
            self.assertEqual(output.splitlines()[0], "7")

    def test_arguments_and_exit_code_are_the_programs(self) -> None:
        done = launch("-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "--stats", "a b")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, "['--stats', 'a b']\n", ""))

    def test_a_module(self) -> None:
        done = launch("-m", "json.tool", "--help")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("usage", done.stdout)

    def test_flags_of_the_interpreter_stay(self) -> None:
        text = run("import sys; print(sys.flags.optimize, sys.flags.dont_write_bytecode)", flags=["-O", "-B"],
                   on_smallblock=True)
        self.assertEqual(text.split(), ["1", "1"])

    def test_reports(self) -> None:
        done = launch("--stats", "-c", "pass")
        self.assertIn("# arenas highwater mark", done.stderr)
        with tempfile.TemporaryDirectory() as folder:
            for words in (["--stats=json", "--stats-file", "out"], ["--stats=json", "--stats-file=out"]):
                path = Path(folder) / "out"
                words = [word.replace("out", str(path)) for word in words]
                done = launch(*words, "-c", "pass")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(json.loads(path.read_text())["schema"], 2)
                path.unlink()

    def test_a_run_without_a_report_leaves_no_older_one(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "out"
            for form in ("text", "json"):
                for code, is_left in (("pass", True), ("import os; os._exit(0)", False)):
                    launch(f"--stats={form}", f"--stats-file={path}", "-c", code)
                    self.assertEqual(path.exists(), is_left, (form, code))
            path.write_text("smallblock is not all that begins so\n")
            launch("--stats", f"--stats-file={path}", "-c", "import os; os._exit(0)")
            self.assertTrue(path.exists())

    def test_check_mode_finds_a_misuse(self) -> None:
        done = launch("--check", "-c", MISUSE)
        self.assertEqual(done.returncode, -6, done.stderr)
        self.assertIn("double free", done.stderr)
        code = "import os, smallblock; print(os.environ['SMALLBLOCK_CHECK'], smallblock.installed())"
        for option, value in (("--check=1", "1"), ("--check=sample:1000", "sample:1000")):
            self.assertEqual(launch(option, "-c", code).stdout.split(), [value, "True"])

    def test_view_shows_the_program_in_a_browser(self) -> None:
        self.assertIsNotNone(shutil.which("smallblock"), "run_package.py --command PATH")
        code = "import smallblock, time; print(smallblock.installed(), flush=True); time.sleep(100)"
        command = [sys.executable, "-m", "smallblock", "--view", "-c", code]
        environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as viewer:
            assert viewer.stdout is not None
            lines = sorted(viewer.stdout.readline().strip() for _ in range(2))
            self.assertEqual(lines[0], "True")
            with urllib.request.urlopen(lines[1], timeout=60) as page:
                self.assertEqual(page.status, 200)
            viewer.terminate()
            self.assertEqual(viewer.wait(timeout=60), 128 + 15)

    def test_without_the_command_view_says_what_is_missing(self) -> None:
        done = launch("--view", "-c", "pass", PATH="/nowhere")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
        self.assertIn("needs the command smallblock", done.stderr)

    def test_flags_of_the_interpreter_reach_the_program(self) -> None:
        code = "import _imp, json, sys; print(json.dumps([_imp.check_hash_based_pycs, sys.stdout.write_through, sys.flags.inspect, sys.flags.optimize,"
        code += " sys.warnoptions[-1], sys._xoptions]))"
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        flags = ["-u", "-O", "-W", "error", "--check-hash-based-pycs", "always", "-X", "dev", "-X", "own=1", "-X", "other"]
        for more in ([], ["-i"]):
            command = [sys.executable, *flags, *more, "-m", "smallblock", "-c", code]
            text = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                  stderr=subprocess.DEVNULL, timeout=120, check=True).stdout  # fmt: skip
            options = {"dev": True, "own": "1", "other": True}
            self.assertEqual(json.loads(text), ["always", True, len(more), 1, "error", options])

    def test_it_says_its_version(self) -> None:
        done = launch("--version")
        self.assertRegex(done.stdout, r"^smallblock \d+\.\d+\.\d+$")

    def test_children_run_on_it_too(self) -> None:
        code = "import subprocess, sys; print(subprocess.check_output([sys.executable, '-c', %r], text=True))"
        done = launch("-c", code % "import smallblock; print(smallblock.installed())")
        self.assertEqual(done.stdout.strip(), "True", done.stderr)

    def test_bad_options_end_with_one_line(self) -> None:
        for arguments, word in (
            ([], "name a program"),
            (["--stats=xml", "x.py"], "xml"),
            (["--what"], "--what"),
            (["-m"], "argument"),
            (["--stats-file"], "path"),
            (["--check=0", "x.py"], "sample:N"),
            (["--check=sample:0", "x.py"], "sample:N"),
            (["--check=sample:many", "x.py"], "many"),
            (["--view=now", "x.py"], "no value"),
            (["--stats-file", "no/such/folder/out", "x.py"], "create the directory"),
            (["-O", "x.py"], "python3 -O -m smallblock"),
        ):
            with self.subTest(arguments=arguments):
                done = launch(*arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1)
                self.assertIn(word, done.stderr)

    def test_the_variable_installs_it(self) -> None:
        code = "import sys; print('smallblock' in sys.modules); import smallblock; print(smallblock.installed())"
        self.assertEqual(run(code, environment={"SMALLBLOCK": "1"}).split(), ["True", "True"])
        for value in ("", "0", "false", "no", "OFF"):
            self.assertEqual(run(code, environment={"SMALLBLOCK": value}).split(), ["False", "False"])

    def test_a_hard_limit_that_leaves_no_room_is_named(self) -> None:
        code = """
import smallblock
assert smallblock.installed() and len([[i] for i in range(100_000)]) == 100_000
"""
        for value in ("1", "512", "100K"):
            limit = {"SMALLBLOCK_HARD_LIMIT": value}
            text = run(code, environment={"SMALLBLOCK": "1", **limit})
            self.assertEqual(len(text.splitlines()), 1, text)
            self.assertIn(f"without a hard limit: SMALLBLOCK_HARD_LIMIT={value} is below", text)
            done = launch("-c", "pass", **limit)
            self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (2, "", 1), done.stderr)
            self.assertIn(f"SMALLBLOCK_HARD_LIMIT={value} is below the ", done.stderr)
            text = run("import smallblock\ntry: smallblock.install()\nexcept RuntimeError as error: print(error)",
                       environment=limit)
            self.assertIn(f"SMALLBLOCK_HARD_LIMIT={value} is below", text)
        self.assertEqual(launch("-c", "pass", SMALLBLOCK_HARD_LIMIT="16M").returncode, 0)
        refused = "try: [[i] for i in range(1_000_000)]\nexcept MemoryError: print('refused')"
        self.assertEqual(run(refused, environment={"SMALLBLOCK": "1", "SMALLBLOCK_HARD_LIMIT": "16M"}), "refused\n")

    def test_the_launcher_needs_no_installation(self) -> None:
        # Hooks keep it from one; the program that it starts is on smallblock.
        code = "import smallblock; print(smallblock.installed())"
        for flags in (["-X", "dev", "-m", "smallblock"], ["-Xdev", "-Bm", "smallblock"], ["-Wignore", "-msmallblock"]):
            command = [sys.executable, *flags, "-c", code]
            environment = {**os.environ, "SMALLBLOCK": "1", "PYTHONTRACEMALLOC": "1"}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  timeout=120, check=False)  # fmt: skip
            self.assertEqual(done.stdout, "True\n", flags)
        text = run("import sys; print(sys.argv[1:])", flags=["-W", "ignore"],
                   environment={"SMALLBLOCK": "1", "PYTHONTRACEMALLOC": "1"})
        self.assertIn("has no effect", text)

    def test_a_package_without_its_extension_is_named_in_one_line(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            package = Path(folder) / "smallblock"
            package.mkdir()
            for file in Path(smallblock.__file__).parent.glob("*.py"):
                shutil.copy2(file, package)
            text = run("print(1)", environment={"SMALLBLOCK": "1", "PYTHONPATH": folder})
            self.assertEqual(len(text.splitlines()), 2, text)
            self.assertIn(f"{package} has no extension for CPython", text)
            run("import smallblock", environment={"PYTHONPATH": folder}, status=1)

    def test_after_uninstall_a_sub_interpreter_says_nothing(self) -> None:
        text = run("""
import smallblock
try: import _interpreters as interpreters
except ImportError: import _xxsubinterpreters as interpreters
smallblock.uninstall()
interpreters.run_string(interpreters.create(), "import smallblock; assert not smallblock.installed()")
""", environment={"SMALLBLOCK": "1"})
        self.assertEqual(text, "")

    def test_a_program_whose_name_begins_with_a_dash(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "-dash.py").write_text("import sys; print(sys.argv)")
            command = [sys.executable, "-m", "smallblock", "--", "-dash.py", "-x"]
            done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, timeout=120, check=False)
            self.assertEqual(done.stdout, "['-dash.py', '-x']\n")

    def test_the_variable_does_no_harm_where_it_cannot_work(self) -> None:
        text = run("print(churn() > 0)", environment={"SMALLBLOCK": "1", "PYTHONMALLOC": "debug"})
        self.assertIn("has no effect", text)
        self.assertIn("True", text)
        text = run("print(churn() > 0)", environment={"SMALLBLOCK": "1"}, on_smallblock=True)
        self.assertEqual(text.strip(), "True")


if __name__ == "__main__":
    unittest.main()
