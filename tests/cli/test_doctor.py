"""`smallblock doctor`: the same findings as text and JSON, real Pythons tried, problems told by the exit code."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

from support import COMMAND, CommandTest, clean_environment, find_python, smallblock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from pythons import find_pythons  # noqa: E402

PARTS = ["system", "library", "python", "peer"]
VERDICTS = {"ok", "note", "problem"}


class Doctor(CommandTest):
    report: dict[str, Any]
    text: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.report = json.loads(smallblock("doctor", "--json").stdout)
        cls.text = smallblock("doctor").stdout

    def check(self, name: str) -> dict[str, str]:
        return next(check for check in self.report["checks"] if check["name"] == name)

    def test_json_has_its_shape(self) -> None:
        self.assertEqual(list(self.report), ["schema", "version", "problems", "checks"])
        self.assertEqual(self.report["schema"], 1)
        for check in self.report["checks"]:
            self.assertEqual(list(check), ["part", "name", "verdict", "value", "advice"])
            self.assertIn(check["verdict"], VERDICTS)
            if check["verdict"] != "ok":
                self.assertTrue(check["advice"] or check["value"], check)
        parts = [check["part"] for check in self.report["checks"]]
        self.assertEqual(sorted(set(parts), key=parts.index), PARTS)

    def test_text_says_the_same(self) -> None:
        for check in self.report["checks"]:
            lines = [line for line in self.text.splitlines() if line[9:].startswith(check["name"] + " ")]
            self.assertEqual(len(lines), 1, check)
            self.assertEqual(lines[0].split()[0], check["verdict"])
            self.assertIn(check["value"], lines[0])

    def test_no_problem_here(self) -> None:
        self.assertEqual([check for check in self.report["checks"] if check["verdict"] == "problem"], [])
        self.assertTrue(self.text.endswith("No problems.\n"))
        self.assertEqual(smallblock("doctor").returncode, 0)

    def test_system_facts_are_true(self) -> None:
        self.assertEqual(self.check("page size")["value"], f"{resource.getpagesize()} bytes")
        self.assertIn(os.uname().release, self.check("kernel")["value"])

    def test_the_python_on_the_path_is_tried(self) -> None:
        check = self.check(os.path.realpath(find_python()))
        told = subprocess.run([find_python(), "-V"], capture_output=True, text=True, check=True).stdout
        self.assertIn(f"CPython {told.split()[1]}", check["value"])
        self.assertIn("its objects are smallblock's", check["value"])

    def test_every_python_once(self) -> None:
        names = [check["name"] for check in self.report["checks"] if check["part"] == "python"]
        self.assertEqual(len(names), len(set(names)))

    def test_peers_are_named(self) -> None:
        peers = [check["name"] for check in self.report["checks"] if check["part"] == "peer"]
        self.assertEqual(peers, ["jemalloc", "mimalloc", "tcmalloc", "tbbmalloc"])


class DoctorFindsProblems(CommandTest):
    def one_python(self, python: str | None = None) -> dict[str, str]:
        """An environment where only one Python is to be found."""
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "python3").symlink_to(python or find_python())
        return {"PATH": str(tools), "PYENV_ROOT": str(self.folder)}

    def test_none_from_what_the_user_has_set(self) -> None:
        result = smallblock(
            "doctor", SMALLBLOCK_STATS="text", SMALLBLOCK_STATS_PID="1", SMALLBLOCK_PYTHON="0", **self.one_python()
        )
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)

    def problems(self, result: subprocess.CompletedProcess[str]) -> dict[str, str]:
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        checks = json.loads(result.stdout)["checks"]
        return {check["part"]: check["advice"] for check in checks if check["verdict"] == "problem"}

    def test_a_library_that_is_missing(self) -> None:
        result = smallblock("doctor", "--json", SMALLBLOCK_LIBRARY="/no/such.so", **self.one_python())
        self.assertIn("/no/such.so", self.problems(result)["library"])

    def test_a_library_that_does_not_load(self) -> None:
        broken = self.folder / "broken.so"
        broken.write_bytes(b"this is no library")
        result = smallblock("doctor", "--json", SMALLBLOCK_LIBRARY=str(broken), **self.one_python())
        problems = self.problems(result)
        self.assertIn("cannot be preloaded", problems["library"])
        self.assertIn("python", problems)

    def test_a_library_that_is_another(self) -> None:
        other = shutil.which("env")
        assert other is not None
        lines = subprocess.run(["ldd", other], capture_output=True, text=True, check=True).stdout.splitlines()
        libc = next(line.split()[2] for line in lines if "libc.so" in line)
        result = smallblock("doctor", "--json", SMALLBLOCK_LIBRARY=libc, **self.one_python())
        self.assertIn("no report", self.problems(result)["library"])

    def test_too_little_address_space(self) -> None:
        shell = shutil.which("sh")
        assert shell is not None
        result = subprocess.run(
            [shell, "-c", 'ulimit -v 60000; exec "$0" doctor --json', COMMAND],
            capture_output=True,
            text=True,
            env=clean_environment(**self.one_python()),
            check=False,
        )
        self.assertIn("address space", self.problems(result)["library"])

    def test_a_python_whose_objects_stay_in_its_own_allocator(self) -> None:
        unhooked = os.environ.get("SMALLBLOCK_UNHOOKED_PYTHON")
        if not unhooked:
            self.skipTest("needs SMALLBLOCK_UNHOOKED_PYTHON, which CTest sets")
        result = smallblock("doctor", "--json", REAL_PYTHON=find_python(), **self.one_python(unhooked))
        self.assertIn("its objects stay in CPython's own allocator", self.problems(result)["python"])

    def test_every_version_is_told_as_it_is(self) -> None:
        """3.6 overwrites the hook; all others are served."""
        pythons = [each for each in find_pythons((3, 6)).pythons if not each.free_threaded and not each.debug]
        if not pythons:
            self.skipTest("no CPython was found")
        for python in pythons:
            with self.subTest(python=python.label):
                root = self.folder / python.label
                (root / "versions/one/bin").mkdir(parents=True)
                (root / "versions/one/bin/python3").symlink_to(python.executable)
                report = json.loads(smallblock("doctor", "--json", PATH="", PYENV_ROOT=str(root)).stdout)
                check = next(check for check in report["checks"] if check["part"] == "python")
                is_served = python.version >= (3, 7)
                self.assertEqual(check["verdict"], "ok" if is_served else "note", check)
                self.assertEqual("its objects are smallblock's" in check["value"], is_served, check)
                self.assertEqual("only malloc is smallblock's" in check["advice"], not is_served, check)

    def test_no_folder_for_the_report(self) -> None:
        result = smallblock("doctor", TMPDIR=str(self.folder / "missing"), **self.one_python())
        self.assert_one_line_error(result, 1, "cannot create", "missing/smallblock-doctor-", "set TMPDIR")

    def test_no_python(self) -> None:
        result = smallblock("doctor", "--json", PATH=str(self.folder), PYENV_ROOT=str(self.folder))
        checks = json.loads(result.stdout)["checks"]
        self.assertEqual([check["verdict"] for check in checks if check["part"] == "python"], ["note"])
        self.assertEqual(result.returncode, 0)

    def test_a_python_that_breaks(self) -> None:
        tools = self.folder / "tools"
        tools.mkdir()
        false = shutil.which("false")
        assert false is not None
        shutil.copy(false, tools / "python3")
        result = smallblock("doctor", "--json", PATH=str(tools), PYENV_ROOT=str(self.folder))
        checks = [check for check in json.loads(result.stdout)["checks"] if check["part"] == "python"]
        self.assertEqual([(check["verdict"], check["value"]) for check in checks], [("note", "does not run")])


if __name__ == "__main__":
    unittest.main()
