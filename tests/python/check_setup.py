"""What python/setup.py says where it cannot build: under another implementation than CPython, and without CMake.

Run with an interpreter that has setuptools, which the machine must have for ./build-wheel.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from pythons import Python, find_pythons  # noqa: E402

SETUP = """
import runpy, sys
sys.implementation.name = {name!r}
sys.argv = ["setup.py", "--quiet", "build_ext", "--build-temp", {folder!r}, "--build-lib", {folder!r}]
runpy.run_path("setup.py", run_name="__main__")
"""


@functools.lru_cache(maxsize=None)
def pythons() -> list[Python]:
    return find_pythons().pythons


def python_with_setuptools() -> str:
    for python in pythons():
        done = subprocess.run([python.executable, "-c", "import setuptools, wheel"], stderr=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            return python.executable
    raise SystemExit("install python3-setuptools and python3-wheel")


class Refusals(unittest.TestCase):
    def test_one_sentence_says_what_is_missing(self) -> None:
        python = python_with_setuptools()
        for name, word in (("cpython", "install cmake"), ("pypy", "use CPython")):
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(
                    [python, "-B", "-W", "ignore", "-c", SETUP.format(name=name, folder=folder)],
                    cwd=ROOT / "python",
                    env={**os.environ, "PATH": folder},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    timeout=60,
                    check=False,
                )
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertEqual(len(done.stdout.splitlines()), 1, done.stdout)
                self.assertTrue(done.stdout.startswith("smallblock: ") and word in done.stdout, done.stdout)


class Engine(unittest.TestCase):
    def test_what_was_not_configured_to_the_end_is_configured_again(self) -> None:
        """A configuration that failed leaves CMake's cache."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            cmake, called, engine = folder / "cmake", folder / "called", folder / "engine"
            cmake.write_text(f'#!/bin/sh\necho "$@" >>"{called}"\n')
            cmake.chmod(0o755)
            engine.mkdir()
            for left, first in (("CMakeCache.txt", "-S"), ("build.ninja", "--build")):
                (engine / left).touch()
                called.unlink(missing_ok=True)
                subprocess.run(
                    [python_with_setuptools(), "-B", "-W", "ignore", "-c", SETUP.format(name="cpython", folder=name)],
                    cwd=ROOT / "python",
                    env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SMALLBLOCK_BUILD": str(engine), "CC": "false"},
                    capture_output=True,
                    timeout=60,
                    check=False,
                )
                self.assertEqual(called.read_text().split()[0], first, left)


class Interpreters(unittest.TestCase):
    """Which ones ./build-wheel takes."""

    def setUp(self) -> None:
        loader = importlib.machinery.SourceFileLoader("build_wheel", str(ROOT / "build-wheel"))
        spec = importlib.util.spec_from_loader("build_wheel", loader)
        assert spec is not None
        self.build_wheel = importlib.util.module_from_spec(spec)
        loader.exec_module(self.build_wheel)

    def test_a_path_leads_to_the_interpreter_that_it_starts(self) -> None:
        python = pythons()[0]
        with tempfile.TemporaryDirectory() as folder:
            wrapper, broken = Path(folder) / "wrapper", Path(folder) / "broken"
            wrapper.write_text(f'#!/bin/sh\nexec "{python.executable}" "$@"\n')
            broken.write_text("#!/bin/sh\nexit 3\n")
            for file in (wrapper, broken):
                file.chmod(0o755)
            self.assertEqual(self.build_wheel.named(str(wrapper)), python)
            with self.assertRaisesRegex(SystemExit, "broken does not run"):
                self.build_wheel.named(str(broken))

    def test_two_of_one_name_get_a_wheel_each(self) -> None:
        script = '#!/bin/sh\nwhile [ "$1" != --dist-dir ]; do shift; done\nmkdir "$2" && touch "$2/{0}.whl"\n'
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "out").mkdir()
            for which in ("one", "other"):
                (folder / which).mkdir()
                program = folder / which / "python"
                program.write_text(script.format(which))
                program.chmod(0o755)
                python = Python(str(program), (3, 12, 0), shared=False, free_threaded=False, debug=False)
                wheel = self.build_wheel.build(python, folder, folder, folder / "out", folder)
                self.assertEqual(wheel, folder / "out" / f"{which}.whl")
                self.assertTrue(wheel.exists())

    def test_an_impossible_folder_is_named_in_one_line(self) -> None:
        with tempfile.NamedTemporaryFile() as file:
            command = [sys.executable, "-B", ROOT / "build-wheel", "--out", file.name, pythons()[0].executable]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            self.assertEqual((done.returncode, len(done.stdout.splitlines())), (1, 1), done.stdout)
            self.assertIn(f"--out {file.name}: File exists", done.stdout)

    def test_of_one_version_the_second_is_said_to_be_left_out(self) -> None:
        first = pythons()[0]
        second = dataclasses.replace(first, executable="/opt/python3")
        said: list[str] = []
        self.build_wheel.say = said.append
        self.build_wheel.has_headers = lambda python: True
        self.assertEqual(self.build_wheel.chosen([first, second, first], []), [first])
        self.assertEqual(said, [f"skipped: /opt/python3: the wheel of {first.executable} is for it, too"])

    def test_a_refusal_says_which_there_are(self) -> None:
        with self.assertRaisesRegex(SystemExit, pythons()[0].executable):
            self.build_wheel.chosen(pythons(), ["2.7"])


if __name__ == "__main__":
    unittest.main()
