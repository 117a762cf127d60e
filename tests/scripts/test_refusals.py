"""Scripts that cannot do what they are asked for say why in one line, and before they change anything.

SMALLBLOCK_BUILD is the folder of a build with the benchmarks; without it theirs are skipped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Optional

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534


def run(
    *command: str, folder: Optional[Path] = None, path: Optional[Path] = None, user: Optional[int] = None
) -> tuple[int, str]:
    """Status, and all that is said."""
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    if path is not None:
        environment["PATH"] = str(path)
    done = subprocess.run(
        command,
        cwd=folder or "/",
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
        **({} if user is None else {"user": user, "group": user, "extra_groups": []}),  # type: ignore[arg-type]
    )
    return done.returncode, done.stdout


class Root(unittest.TestCase):
    def assert_one_line(self, result: tuple[int, str], status: int, words: str) -> None:
        self.assertRegex(result[1], rf"\Asmallblock: [^\n]*{words}[^\n]*\n\Z")
        self.assertEqual(result[0], status)

    def copy(self, *names: str, prefix: str = "smallblock-scripts-") -> Path:
        """A folder of the test's own, with these files and folders of the root."""
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o755)
        for name in names:
            take = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            take(ROOT / name, folder / name)
        return folder

    def tools(self, *names: str, **scripts: str) -> Path:
        """A folder for PATH: some of the system's programs, and some that a script stands for."""
        folder = self.copy()
        for name in names:
            found = shutil.which(name)
            assert found is not None, name
            (folder / name).symlink_to(found)
        for name, text in scripts.items():
            file = folder / name.replace("_", "-")
            file.write_text(f"#!/bin/sh\n{text}\n")
            file.chmod(0o755)
        return folder

    def test_test(self) -> None:
        folder = self.copy("test", "scripts")
        (folder / "scripts" / "install-dependencies.sh").write_text("#!/bin/sh\nexit 9\n")  # what it comes to first
        self.assertEqual(run(str(folder / "test"), "--quick"), (9, ""))
        for options, words in (
            (["--preset"], "there is no preset ''"),
            (["--preset", "fast"], "there is no preset 'fast'; choose one of: release clang debug asan tsan"),
            (["--quick", "--soak"], "choose one of"),
            (["--soak", "--preset", "clang"], "choose one of"),
            (["-R"], "-R needs a regular expression"),
            (["--fast"], "does not know '--fast'"),
        ):
            with self.subTest(options):
                self.assert_one_line(run(str(folder / "test"), *options), 2, words)

    def test_run_in_a_folder_whose_path_cannot_be_preloaded(self) -> None:
        for prefix in ("with space ", "with:colon"):
            with self.subTest(prefix):
                self.assert_one_line(run(str(self.copy("run", prefix=prefix) / "run"), "true"), 2, "a space or a colon")

    def test_run_that_is_asked_for_help_builds_nothing(self) -> None:
        folder = self.copy("run")
        for option in ("-h", "--help"):
            status, said = run(str(folder / "run"), option)
            self.assertRegex(said, r"\Ausage: \./run ")
            self.assertEqual(status, 0)
        self.assertEqual([file.name for file in folder.iterdir()], ["run"])

    def test_run_in_a_folder_of_somebody_else(self) -> None:
        folder = self.copy("run", "scripts")
        user = NOBODY if os.geteuid() == 0 else None
        (folder / "scripts" / "install-dependencies.sh").write_text("#!/bin/sh\n")
        folder.chmod(0o555)
        self.addCleanup(folder.chmod, 0o755)
        self.assert_one_line(run(str(folder / "run"), "true", user=user), 1, "build cannot be written to")
        folder.chmod(0o755)
        command = folder / "build" / "release" / "bin" / "smallblock"
        command.parent.mkdir(parents=True)
        command.write_text('#!/bin/sh\necho "$@"\n')
        command.chmod(0o755)
        folder.chmod(0o555)
        self.assertEqual(run(str(folder / "run"), "true", user=user), (0, "run --stats -- true\n"))

    def test_install_dependencies(self) -> None:
        script = str(ROOT / "scripts" / "install-dependencies.sh")
        self.assert_one_line(run(script, "all"), 2, "unknown group 'all'; the groups are: run, page, test")
        bash = ("bash", "env", "sed", "tr")
        broken = self.tools(*bash, dpkg_query="echo 'E: no list'; exit 2", apt_get="exit 9")
        self.assert_one_line(run(script, "run", path=broken), 1, "dpkg-query cannot say what is installed")
        # No package is there.
        debian = {"dpkg_query": "exit 0", "apt_cache": "exit 1", "sudo": 'exec "$@"'}
        status, said = run(script, "run", path=self.tools(*bash, apt_get="echo E: no network; exit 100", **debian))
        self.assertEqual(status, 1)
        self.assertRegex(said, r"\Asmallblock: installing g\+\+ .*\nE: no network\nsmallblock: apt-get update failed;.*\n\Z")

    def test_install_dependencies_where_there_is_no_apt_says_it_until_something_is_built(self) -> None:
        folder = self.copy("scripts")
        tools = self.tools("bash", "env", "dirname")
        script = str(folder / "scripts" / "install-dependencies.sh")
        self.assert_one_line(run(script, "run", path=tools), 0, "this is no Debian system; the build needs")
        ninja = folder / "build" / "release" / "build.ninja"
        ninja.parent.mkdir(parents=True)
        ninja.touch()
        self.assertEqual(run(script, "run", path=tools), (0, ""))
        self.assert_one_line(run(script, "test", path=tools), 0, "this is no Debian system; the build needs .* valgrind")

    def test_build_wheel(self) -> None:
        script = str(ROOT / "build-wheel")
        self.assert_one_line(run(script, "/bin/true"), 1, "/bin/true does not run")
        with tempfile.NamedTemporaryFile() as file:
            status, said = run(script, "--out", file.name)
            self.assertEqual((status, said.splitlines()[-1]), (1, f"smallblock: --out {file.name}: File exists"))
            self.assertNotIn("Traceback", said)

    def test_demonstration(self) -> None:
        library = Path(self.copy()) / "x.so"
        library.touch()
        script = ["python3", "-B", str(ROOT / "demo" / "compare.py"), "--preload"]
        for options, words in (
            (["/none.so"], "none.so: build it"),
            ([str(library), "--python", "/none"], "there is no interpreter /none"),
        ):
            with self.subTest(options):
                status, said = run(*script, *options)
                self.assertRegex(said, rf"\Acompare.py: [^\n]*{words}[^\n]*\n\Z")
                self.assertEqual(status, 1)


class Presets(unittest.TestCase):
    def test_a_build_that_asks_for_nothing_is_optimised(self) -> None:
        parts = [f"-DSMALLBLOCK_{part}=OFF" for part in ("CLI", "TESTS", "BENCH")]
        for wish, kind in (([], "Release"), (["-DCMAKE_BUILD_TYPE=Debug"], "Debug")):
            with tempfile.TemporaryDirectory() as folder:
                status, said = run("cmake", "-S", str(ROOT), "-B", folder, *parts, *wish)
                self.assertEqual(status, 0, said)
                self.assertIn(f"CMAKE_BUILD_TYPE:STRING={kind}\n", (Path(folder) / "CMakeCache.txt").read_text())

    def test_what_scripts_change_each_preset_sets(self) -> None:
        """Or a build that ./run configured would have no tests, also for who asks for its preset afterwards."""
        presets = {preset["name"]: preset for preset in json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]}
        changed = {
            "run": ["release"],
            "test": ["release"],
            "tests/structure/run_preset.sh": ["clang", "debug", "asan", "tsan"],
        }
        for script, names in changed.items():
            options = re.findall(r"-D(SMALLBLOCK_\w+)=", (ROOT / script).read_text())
            self.assertTrue(options, script)
            for name in names:
                stated = {**presets["base"]["cacheVariables"], **presets[name]["cacheVariables"]}
                self.assertEqual([option for option in options if option not in stated], [], f"{script}: {name}")


@unittest.skipUnless(os.environ.get("SMALLBLOCK_BUILD"), "this build has no benchmarks")
class Comparisons(unittest.TestCase):
    def setUp(self) -> None:
        build = Path(os.environ["SMALLBLOCK_BUILD"])
        library = f"--ours={build}/lib/libsmallblock_preload.so"
        self.scripts = {
            "hot_path": [f"--binary={build}/bin/hot_path", library],
            "threads": [f"--binary={build}/bin/threads", library],
            "retention": [f"--driver={build}/bin/retention_driver", library],
            "python": [f"--preload={build}/lib/libsmallblock_preload.so"],
            "view": [f"--build={build}"],
        }

    def test_one_line_says_what_is_wrong(self) -> None:
        for name, options, words in (
            ("hot_path", ["--peer", "none"], "no peer 'none' here; there are: glibc"),
            ("hot_path", ["--pattern", "none"], "no pattern 'none' here"),
            ("hot_path", ["--peer", "floor", "--pattern", "handover"], "nothing to run: floor can run none of handover"),
            ("hot_path", ["--binary", "/bin/true"], "is it hot_path"),
            ("hot_path", ["--binary", "/none"], "/none is not built"),
            ("hot_path", ["--library", "glibc=/bin/true"], "there is another 'glibc' already"),
            ("hot_path", ["--rounds", "0"], "argument --rounds: '0' is no whole number"),
            ("hot_path", ["--min-time", "nan"], "argument --min-time: 'nan' is no number above 0"),
            ("hot_path", ["--json", "/none/out.json"], "argument --json: '/none/out.json' cannot be written"),
            ("hot_path", ["--decay", "--sampled"], "not allowed with argument"),
            ("threads", ["--peer", "glibc", "--peer", "none"], "no peer 'none' here"),
            ("threads", ["--pattern", "none"], "no pattern 'none' here"),
            ("threads", ["--scale", "1e-9", "--pattern", "handover", "--peer", "glibc"], "choose a larger --scale"),
            ("threads", ["--binary", "/none"], "/none is not built"),
            ("threads", ["--json", "/"], "argument --json: '/' cannot be written"),
            ("retention", ["--scenario", "z"], "no scenario 'z' here"),
            ("retention", ["--scenario", ","], "no scenario is named"),
            ("retention", ["--peers", ""], "no allocator is named"),
            ("retention", ["--driver", "/none"], "build it with cmake"),
            ("retention", ["--scale", "inf"], "argument --scale: 'inf' is no number above 0"),
            ("retention", ["--output", "/dev/null/x"], "--output /dev/null/x: Not a directory"),
            ("python", ["--program", "none"], "there is no program 'none'"),
            ("python", ["--python", "2.7"], "there is no CPython 2.7 here"),
            ("python", ["--json", "/none/out.json"], "argument --json: '/none/out.json' cannot be written"),
            ("python", ["--also", "CHECK=1"], "--also takes SMALLBLOCK_NAME=VALUE"),
            ("view", ["--pairs", "0"], "argument --pairs: '0' is no whole number"),
            ("view", ["--build", "/none"], "are not built"),
        ):
            with self.subTest(f"{name} {options}"):
                if not Path(self.scripts[name][0].partition("=")[2]).exists():
                    self.skipTest(f"{name} is not built")
                status, said = run(str(ROOT / "bench" / name / "compare"), *self.scripts[name], *options)
                self.assertIn(words, said.splitlines()[-1])
                self.assertNotIn("Traceback", said)
                self.assertIn(status, (1, 2))

    def test_survivors(self) -> None:
        status, said = run(str(ROOT / "bench" / "retention" / "survivors"), "--recorder", "/none")
        self.assertRegex(said, r"\Asurvivors: there is no [^\n]*: build it with cmake [^\n]*\n\Z")
        self.assertEqual(status, 1)


if __name__ == "__main__":
    unittest.main()
