"""Wrappers that exec the real program: one process, so one report, and it is the program's."""

from __future__ import annotations

import unittest
from pathlib import Path

from support import COMMAND, TEXT_TITLE, CommandTest, find_python, smallblock


class Wrappers(CommandTest):
    def assert_one_report(self, command: str, *words: str) -> None:
        result = smallblock("run", "--stats=json", "--stats-file", str(self.report_file), *words)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(Path(self.read_report()["process"]["command"]).name, command)
        self.assertEqual(self.child_reports(), {})

    def test_shell_exec(self) -> None:
        python = find_python()
        self.assert_one_report(Path(python).name, "sh", "-c", f"exec {python} -c pass")

    def test_env(self) -> None:
        self.assert_one_report("true", "env", "SOME=thing", "true")
        self.assert_one_report("true", "nice", "-n", "1", "env", "true")

    def test_script_with_env_in_its_first_line(self) -> None:
        script = self.folder / "script"
        script.write_text("#!/usr/bin/env sh\nexec true\n", encoding="utf-8")
        script.chmod(0o755)
        self.assert_one_report("true", str(script))

    def test_to_stderr_too(self) -> None:
        result = smallblock("run", "--stats", "sh", "-c", "exec env true")
        self.assertEqual(result.stderr.count(TEXT_TITLE), 1, result.stderr)

    def test_a_run_inside_a_run_is_the_same_process(self) -> None:
        self.assert_one_report("true", COMMAND, "run", "true")

    def test_a_run_in_a_child_is_a_child(self) -> None:
        words = ["bash", "-c", f"'{COMMAND}' run true; true"]
        result = smallblock("run", "--stats=json", "--stats-file", str(self.report_file), *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.read_report()["process"]["command"], "bash")
        reports = [self.read_report(path)["process"]["command"] for path in self.child_reports().values()]
        self.assertEqual(reports, ["true"])


if __name__ == "__main__":
    unittest.main()
