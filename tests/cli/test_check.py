"""`smallblock run --check`: the program and its children run in check mode; without misuse nothing is said."""

from __future__ import annotations

import os
import signal
import unittest

from support import CommandTest, find_python, smallblock

DOUBLE_FREE = os.environ.get("SMALLBLOCK_DOUBLE_FREE", "")
MESSAGE = "smallblock: double free of 0x"
LIMITED = ("sh", "-c", 'ulimit -c 0; exec "$@"', "sh")


class Check(CommandTest):
    def test_misuse_is_reported_and_ends_the_program(self) -> None:
        result = smallblock("run", "--check", *LIMITED, DOUBLE_FREE)
        self.assertEqual(result.returncode, -signal.SIGABRT)
        self.assertTrue(result.stderr.startswith(MESSAGE), result.stderr)
        self.assertIn("main at ", result.stderr)

    def test_a_child_is_checked_too(self) -> None:
        script = f"import subprocess; print(subprocess.run([{DOUBLE_FREE!r}], stderr=subprocess.PIPE).stderr)"
        result = smallblock("run", "--check", *LIMITED, find_python(), "-c", script)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn(MESSAGE, result.stdout)

    def test_the_environment_stays_without_it(self) -> None:
        result = smallblock("run", *LIMITED, DOUBLE_FREE, SMALLBLOCK_CHECK="1")
        self.assertTrue(result.stderr.startswith(MESSAGE), result.stderr)

    def test_nothing_is_said_of_a_good_program(self) -> None:
        script = "print(sum(len(str(number)) for number in range(100000)))"
        result = smallblock("run", "--check", find_python(), "-c", script)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "488890\n", ""))

    def test_the_report_counts_what_the_program_has(self) -> None:
        words = ("run", "--check", "--stats=json", "--stats-file", str(self.report_file))
        script = "held = [bytes(400) for _ in range(10000)]; import os; del held"
        self.assertEqual(smallblock(*words, find_python(), "-c", script).returncode, 0)
        self.assertGreater(self.read_report()["arenas_opened_total"], 0)

    def test_a_sample_or_all_is_asked_for(self) -> None:
        for word in ("sample:5000", "1"):
            result = smallblock("run", f"--check={word}", "sh", "-c", "echo $SMALLBLOCK_CHECK")
            self.assertEqual((result.stdout, result.stderr), (f"{word}\n", ""))

    def test_other_words_are_refused(self) -> None:
        for word in ("often", "sample", "sample:", "sample:0", "sample:-1", "sample:1x", "2"):
            self.assert_one_line_error(smallblock("run", f"--check={word}", "true"), 2, "--check")

    def test_a_wrong_variable_is_refused_and_left_out(self) -> None:
        for word in ("often", "sample:", "sample:0", "sample:-5", "sample:5x"):
            result = smallblock("run", "echo", "ran", SMALLBLOCK_CHECK=word)
            self.assertEqual(result.stdout, "ran\n")
            self.assertEqual(
                result.stderr, f"smallblock: SMALLBLOCK_CHECK={word} is not 0, 1 or sample:N; it is left out\n"
            )


if __name__ == "__main__":
    unittest.main()
