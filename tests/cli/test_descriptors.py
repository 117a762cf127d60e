"""The exit report and what belongs to the program: its descriptors, its files, its exit status."""

from __future__ import annotations

import os
import shutil
import subprocess
import unittest

from support import COMMAND, TEXT_TITLE, CommandTest, clean_environment, find_python, smallblock

# With the number of flock(1)'s manual.
LOCK = "exec 200>lock; flock -n 200 && echo locked"

# Closes what it did not open, and opens its database under every number that was in use.
DATABASE = """
import os, sys
first = int(sys.argv[1])
numbers = [int(name) for name in os.listdir("/proc/self/fd") if int(name) >= first]
os.closerange(first, 4096)
database = os.open("database", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
for number in numbers:
    if number != database:
        os.dup2(database, number, inheritable=False)
os.write(max(numbers), b"data\\n")
if os.fork() == 0:
    os.write(max(numbers), b"child\\n")
    sys.exit(0)
os.wait()
os.write(max(numbers), b"more\\n")
"""

# Takes the number of the copy for a copy of stderr of its own, which children then use.
OWN_COPY = """
import os, sys
number = max(int(name) for name in os.listdir("/proc/self/fd"))
os.dup2(2, number)
if os.fork() == 0:
    os.write(number, b"from the child\\n")
    sys.exit(0)
sys.exit(os.wait()[1] >> 8)
"""


class Descriptors(CommandTest):
    def test_a_number_that_scripts_use_is_free(self) -> None:
        if shutil.which("flock") is None:
            self.skipTest("no flock on this machine")
        result = smallblock("run", "--stats", "bash", "-c", LOCK, cwd=str(self.folder))
        self.assertEqual((result.returncode, result.stdout), (0, "locked\n"), result.stderr)
        self.assertIn(TEXT_TITLE, result.stderr)

    def run_database(self, first_closed: int) -> subprocess.CompletedProcess[str]:
        words = [find_python(), "-c", DATABASE, str(first_closed)]
        result = smallblock("run", "--stats", *words, cwd=str(self.folder))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual((self.folder / "database").read_text(encoding="utf-8"), "data\nchild\nmore\n")
        return result

    def test_a_reused_number_gets_no_report_and_stderr_does(self) -> None:
        self.assertEqual(self.run_database(3).stderr.count(TEXT_TITLE), 1)

    def test_with_stderr_reused_too_there_is_no_report(self) -> None:
        self.assertEqual(self.run_database(2).stderr, "")

    def test_a_number_that_now_leads_to_stderr_stays_open_in_children(self) -> None:
        result = smallblock("run", "--stats", find_python(), "-c", OWN_COPY)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("from the child\n", result.stderr)
        self.assertIn(TEXT_TITLE, result.stderr)


class ExitStatus(CommandTest):
    def test_a_pipe_on_stderr_that_nobody_reads(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        with subprocess.Popen(
            [COMMAND, "run", "--stats", "bash", "-c", "exit 5"], stderr=writer, env=clean_environment()
        ) as process:
            os.close(writer)
        self.assertEqual(process.returncode, 5)

    def test_a_limit_on_the_size_of_files(self) -> None:
        words = ["bash", "-c", "ulimit -f 0; exit 5"]
        result = smallblock("run", "--stats-file", str(self.report_file), *words)
        self.assertEqual(result.returncode, 5)
        self.assertIn("incomplete", result.stderr)


class Limits(CommandTest):
    def test_under_a_limit_on_data_the_region_is_smaller(self) -> None:
        script = 'ulimit -d 30000; exec "$0" run --stats=json --stats-file "$1" true'
        subprocess.run(["bash", "-c", script, COMMAND, self.report_file], env=clean_environment(), check=True)
        report = self.read_report()
        self.assertGreater(report["region_bytes"], 0)
        self.assertLess(report["region_bytes"], 256 << 30)


if __name__ == "__main__":
    unittest.main()
