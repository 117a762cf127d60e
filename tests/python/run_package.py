"""Installs the wheel for one CPython into a fresh virtual environment and runs the tests in cases/ there.

    run_package.py --list                                     NAME<tab>PATH[<tab>TEST ...] of each interpreter
    run_package.py --wheels FOLDER --python PATH [--command PATH] [TEST ...]
                                                              77: there is no wheel for this interpreter

The folder of --command, which is the command smallblock, comes first in PATH.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "bench"))
from pythons import DEBUG_NAME, Python, find_pythons  # noqa: E402

SKIPPED = 77
# In a debug build install() has to refuse; what starts on the preload library works.
DEBUG_TESTS = ("test_leaks", "test_start.Start.test_the_package_talks_to_the_preloaded_engine")


def test_names() -> dict[str, Python]:
    names: dict[str, Python] = {}
    for python in find_pythons().pythons + find_pythons(names=DEBUG_NAME).pythons:
        name = f"cpython_{python.version_text}" + ("t" if python.free_threaded else "") + ("d" if python.debug else "")
        if name in names:
            name += f"_{len(names)}"
        names[name] = python
    return names


def clean_environment() -> dict[str, str]:
    mine = ("PYTHON", "LD_PRELOAD", "SMALLBLOCK")
    return {name: value for name, value in os.environ.items() if not name.startswith(mine)}


def find_wheel(folder: Path, executable: str) -> Path | None:
    code = "import sys, sysconfig; print(sys.version_info[1], sysconfig.get_config_var('ABIFLAGS') or '')"
    answer = subprocess.run([executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    minor, _, flags = answer.stdout.strip().partition(" ")
    return next(folder.glob(f"smallblock-*-cp3{minor}-cp3{minor}{flags}-linux_*.whl"), None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--wheels", type=Path)
    parser.add_argument("--python")
    parser.add_argument("--command", type=Path)
    parser.add_argument("tests", nargs="*")
    arguments = parser.parse_args()
    if arguments.list:
        for name, python in test_names().items():
            print(name, python.executable, *(DEBUG_TESTS if python.debug else ()), sep="\t")
        return 0
    wheel = find_wheel(arguments.wheels, arguments.python)
    if wheel is None:
        print(f"skipped: all tests with {arguments.python}: ./build-wheel made no wheel for it")
        return SKIPPED
    environment = clean_environment()
    if arguments.command:
        environment["PATH"] = os.pathsep.join([str(arguments.command.resolve().parent), environment.get("PATH", "")])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "environment"
        subprocess.run([arguments.python, "-m", "venv", str(folder)], check=True, env=environment, timeout=120)
        python = str(folder / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", str(wheel)]
        subprocess.run(install, check=True, env=environment, timeout=120)
        run = [python, "-B", "-m", "unittest", *(["-v", *arguments.tests] if arguments.tests else ["discover", "-v"])]
        return subprocess.run(run, cwd=HERE / "cases", env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
