"""Child processes: FILE.PID for each that ends through exit(), and silence where there is no file.

The shell here is bash, because dash ends by _exit and so leaves no report.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
import unittest

from support import COMMAND, TEXT_TITLE, CommandTest, clean_environment, find_python, smallblock

FORK = """
import os, sys
child = os.fork()
if child == 0:
    sys.exit(7)
_, status = os.waitpid(child, 0)
print(child, os.waitstatus_to_exitcode(status) if hasattr(os, "waitstatus_to_exitcode") else status >> 8)
"""

# The child lives on after its parent, with the three standard streams closed.
DAEMON = """
import os, time
child = os.fork()
if child == 0:
    for stream in range(3):
        os.close(stream)
    time.sleep(60)
    os._exit(0)
print(child)
"""

# spawn starts new interpreters; fork ends its workers with _exit, which runs no destructor of any library.
MULTIPROCESSING = """
import multiprocessing, sys

def work(queue):
    queue.put(sum(range(1000)))

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    queue = context.Queue()
    workers = [context.Process(target=work, args=(queue,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    print(*[queue.get() for _ in workers])
    for worker in workers:
        worker.join()
    print(*[worker.pid for worker in workers])
"""


class Children(CommandTest):
    def run_json(self, *words: str) -> str:
        result = smallblock("run", "--stats=json", "--stats-file", str(self.report_file), *words)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def test_a_forked_child_that_exits(self) -> None:
        child, code = self.run_json(find_python(), "-c", FORK).split()
        self.assertEqual(code, "7")
        self.assertEqual(set(self.child_reports()), {int(child)})
        report = self.read_report(self.child_reports()[int(child)])
        self.assertEqual(report["process"]["pid"], int(child))
        self.assertNotEqual(self.read_report()["process"]["pid"], int(child))

    def test_started_programs(self) -> None:
        output = self.run_json("bash", "-c", "bash -c 'echo $$' ; bash -c 'echo $$; exit 3'; true")
        children = {int(line) for line in output.split()}
        self.assertEqual(len(children), 2)
        self.assertEqual(set(self.child_reports()), children)
        for path in self.child_reports().values():
            self.assertEqual(self.read_report(path)["process"]["command"], "bash")

    def test_subprocess_of_python(self) -> None:
        script = "import subprocess; subprocess.run(['echo', 'from below'], check=True)"
        self.assertEqual(self.run_json(find_python(), "-c", script), "from below\n")
        commands = [self.read_report(path)["process"]["command"] for path in self.child_reports().values()]
        self.assertEqual(commands, ["echo"])

    def run_multiprocessing(self, method: str) -> set[int]:
        script = self.folder / "workers.py"
        script.write_text(MULTIPROCESSING, encoding="utf-8")
        sums, workers = self.run_json(find_python(), str(script), method).splitlines()
        self.assertEqual(sums, "499500 499500 499500")
        self.assertEqual(self.read_report()["process"]["command"].split("/")[-1], "python3")
        return {int(worker) for worker in workers.split()}

    def test_multiprocessing_spawn(self) -> None:
        workers = self.run_multiprocessing("spawn")
        self.assertLessEqual(workers, set(self.child_reports()))

    def test_multiprocessing_fork_ends_without_destructors(self) -> None:
        workers = self.run_multiprocessing("fork")
        self.assertFalse(workers & set(self.child_reports()))

    def test_a_killed_child_leaves_none(self) -> None:
        script = "import subprocess; subprocess.run(['bash', '-c', 'kill -9 $$'])"
        self.run_json(find_python(), "-c", script)
        self.assertEqual(self.child_reports(), {})
        self.read_report()

    def test_without_a_file_children_are_silent(self) -> None:
        result = smallblock("run", "--stats", "bash", "-c", "bash -c 'exit 0'; env true; true")
        self.assertEqual(result.stderr.count(TEXT_TITLE), 1, result.stderr)
        self.assertIn("(bash)", result.stderr.splitlines()[0])

    def test_environment_alone_tells_children_who_is_first(self) -> None:
        # Nobody sets SMALLBLOCK_STATS_PID: the first process that loads the library does.
        result = smallblock(
            "run",
            "bash",
            "-c",
            "bash -c 'exit 0'; env true; true",
            SMALLBLOCK_STATS="json",
            SMALLBLOCK_STATS_FILE=str(self.report_file),
        )
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.read_report()["process"]["command"], "bash")
        self.assertEqual(len(self.child_reports()), 2)

    def read_to_end(self, descriptor: int, seconds_max: float) -> str:
        data = b""
        deadline = time.monotonic() + seconds_max
        while select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
            part = os.read(descriptor, 65536)
            if not part:
                return data.decode()
            data += part
        self.fail(f"still open after {seconds_max} seconds: {data!r}")

    def test_a_forked_daemon_does_not_hold_stderr_open(self) -> None:
        with subprocess.Popen(
            [COMMAND, "run", "--stats", find_python(), "-c", DAEMON],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            daemon = int(process.stdout.readline())
            try:
                text = self.read_to_end(process.stderr.fileno(), seconds_max=10)
            finally:
                os.kill(daemon, signal.SIGKILL)
        self.assertIn(TEXT_TITLE, text)


if __name__ == "__main__":
    unittest.main()
