"""`smallblock serve`: a process that executes another program, one that loads smallblock late, many processes, names
under which it answers. Its figures: test_prometheus.py; who gets nothing: tests/view.
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import socket
import subprocess
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from outside import OutsideTest
from support import COMMAND, clean_environment, find_python

WAIT_S = 30
FIRST_PAUSE_S = 1
LIBRARY = Path(COMMAND).resolve().parent.parent / "lib" / "libsmallblock_preload.so"
LOADS_LATE = """
import ctypes, sys
print("ready", flush=True)
sys.stdin.readline()
library = ctypes.CDLL(sys.argv[1])
library.sb_malloc(ctypes.c_size_t(100))
print("loaded", flush=True)
sys.stdin.read()
"""


class ServeTest(OutsideTest):
    def get(self, address: str, path: str = "/stats", **headers: str) -> tuple[int, str]:
        """Status and body."""
        request = urllib.request.Request(f"http://{address}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    @staticmethod
    def say(process: subprocess.Popen[str], line: str) -> None:
        assert process.stdin is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()


class OneProcess(ServeTest):
    def wait_for_command(self, address: str, command: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while True:
            status, body = self.get(address)
            if status == 200 and json.loads(body)["process"]["command"] == command:
                break
            self.assertLess(time.monotonic(), deadline, body)
        self.assertIn(f'command="{command}"', self.get(address, "/metrics")[1])

    def test_what_it_executes_is_served(self) -> None:
        process = self.start("bash", "-c", "echo ready; read line; exec sh -c 'read line; exec sleep 600'")
        server, address = self.serve(str(process.pid))
        for command in ("bash", "sh", "sleep"):
            self.wait_for_command(address, command)
            self.say(process, "go") if command != "sleep" else process.kill()
        process.wait()
        _, errors = server.communicate(timeout=WAIT_S)
        self.assertEqual((server.returncode, errors), (0, f"smallblock: process {process.pid} has ended\n"))

    def test_a_program_without_smallblock_is_waited_for_once(self) -> None:
        process = self.start("bash", "-c", "echo ready; read line; exec env -u LD_PRELOAD sleep 600")
        _, address = self.serve(str(process.pid))
        self.say(process, "go")
        while self.get(address)[0] == 200:
            pass
        durations = []
        for _ in range(3):
            begin = time.monotonic()
            status, body = self.get(address)
            durations.append(time.monotonic() - begin)
            self.assertEqual((status, body.count("\n")), (503, 1))
            self.assertIn("smallblock run", body)
        self.assertLess(min(durations), 1)


class AllProcesses(ServeTest):
    def pids(self, address: str) -> set[int]:
        status, body = self.get(address)
        self.assertEqual(status, 200, body)
        return {report["process"]["pid"] for report in json.loads(body)["processes"]}

    def wait_for_pids(self, address: str, pids: set[int]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not pids <= self.pids(address):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def test_one_that_loads_it_late_is_seen_soon(self) -> None:
        process = self.start_plain(find_python(), "-I", "-S", "-c", LOADS_LATE, str(LIBRARY))
        _, address = self.serve("--all")
        begin = time.monotonic()
        self.assertNotIn(process.pid, self.pids(address))
        self.say(process, "go")
        assert process.stdout is not None
        self.assertEqual(process.stdout.readline(), "loaded\n")
        at_once = self.pids(address)
        if time.monotonic() - begin < FIRST_PAUSE_S:
            self.assertNotIn(process.pid, at_once)
        self.wait_for_pids(address, {process.pid})

    def start_sleepers(self, count: int) -> set[int]:
        pids = set()
        for _ in range(count):
            process = subprocess.Popen([COMMAND, "run", "sleep", "600"], text=True, env=clean_environment())
            self.addCleanup(self.end, process)
            pids.add(process.pid)
        return pids

    def test_more_than_the_soft_limit_of_descriptors(self) -> None:
        few, hard = 24, resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if 0 <= hard < 512:
            self.skipTest(f"'ulimit -Hn' is {hard}")
        pids = self.start_sleepers(few + 6)

        def serve_with(most: int) -> Any:
            limits = (few, most)
            return self.serve("--all", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits))

        server, address = serve_with(hard)
        self.wait_for_pids(address, pids)
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.communicate(timeout=WAIT_S), ("", ""))

        server, address = serve_with(few)
        seen = self.pids(address) & pids
        self.assertLess(seen, pids)
        with contextlib.ExitStack() as connections:  # there is room for some more
            host, port = address.split(":")
            for _ in range(4):
                connections.enter_context(socket.create_connection((host, int(port))))
                self.assertLessEqual(seen, self.pids(address))
        server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=WAIT_S)
        self.assertEqual((server.returncode, errors.count("\n")), (0, 1), errors)
        self.assertIn("file descriptor", errors)


class Names(ServeTest):
    def test_a_refusal_says_how_to_listen_under_a_name(self) -> None:
        pid = str(self.start("sh", "-c", "echo ready; read line").pid)
        for host in ("127.0.0.1", "localhost"):
            with self.subTest(host):
                _, address = self.serve(pid, listen=f"{host}:0")
                port = address.partition(":")[2]
                self.assertEqual(self.get(address)[0], 200)
                for wrong in (f"metrics.example:{port}", host):
                    status, body = self.get(address, Host=wrong)
                    self.assertEqual((status, body.count("\n")), (403, 1))
                    self.assertIn(f"this server is {address} ", body)
                    self.assertIn(f"--listen NAME:{port}", body)

    def test_the_port_that_nobody_writes(self) -> None:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", 80))
            except OSError as error:
                self.skipTest(f"port 80 is not to be had: {error}")
        _, address = self.serve(str(self.start("sh", "-c", "echo ready; read line").pid), listen="127.0.0.1:80")
        for host in ("127.0.0.1", "127.0.0.1:80", "localhost"):
            self.assertEqual(self.get(address, Host=host, Origin=f"http://{host}")[0], 200, host)
        for host in ("metrics.example", "127.0.0.1:81", "127.0.0.1:8080", "127.0.0.2", ""):
            self.assertEqual(self.get(address, Host=host)[0], 403, host)
        for origin in ("http://metrics.example", "https://127.0.0.1", "http://127.0.0.1:81"):
            self.assertEqual(self.get(address, Origin=origin)[0], 403, origin)


if __name__ == "__main__":
    unittest.main()
