"""Servers and a multithreaded build under the preload library, all at once, killed and started again.

  server_storm.py --preload LIBRARY --seconds N    redis-server with its benchmark, memcached, ninja with clang++

Clients keep what they wrote and compare it with what they read. After each life a server is ended in turn by SIGKILL
and by SIGTERM; after SIGTERM it must have left a report that smallblock served it, and redis its data on the disk. The
build must produce a program that runs. The exit status is 77 if a program is missing and nothing failed.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from preload_run import SKIP, Failure, existing_library, plain_environment, preloaded, read_reports, run, served

LIFE_S = 5.0
KEYS = 2000
VALUE_BYTES = (1, 40, 200, 500, 3000, 20000, 100000)
SOURCE = """
#include <algorithm>
#include <map>
#include <string>
#include <vector>
int part{part}() {{
  std::map<std::string, std::vector<int>> table;
  for (int i = 0; i < 1000; ++i) table[std::to_string(i * {part} % 97)].push_back(i);
  return std::all_of(table.begin(), table.end(), [](const auto& entry) {{ return !entry.second.empty(); }}) ? 0 : 1;
}}
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def value_of(key: int, version: int) -> bytes:
    return (b"%d.%d." % (key, version) * (1 + VALUE_BYTES[key % len(VALUE_BYTES)] // 6))[: VALUE_BYTES[key % 7] + 8]


class Client:
    """One connection; `encode` and `decode` are the protocol's. Writes, and reads what it wrote."""

    def __init__(self, port: int) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.stream = self.connection.makefile("rb")

    def line(self) -> bytes:
        line: bytes = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server has gone")
        return line[:-2]

    def body(self, length: int) -> bytes:
        body: bytes = self.stream.read(length + 2)
        if len(body) != length + 2:
            raise ConnectionError("the server has gone")
        return body[:-2]


class Redis(Client):
    name = "redis-server"

    @staticmethod
    def command(port: int, folder: Path) -> list[str]:
        options = ["--bind", "127.0.0.1", "--save", "3600 1", "--daemonize", "no"]  # saves when it is told to end
        return ["redis-server", *options, "--port", str(port), "--dir", str(folder)]

    def is_ready(self) -> bool:
        self.send(b"PING")
        return self.line() == b"+PONG"

    def send(self, *words: bytes) -> None:
        parts = [b"*%d\r\n" % len(words), *(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)]
        self.connection.sendall(b"".join(parts))

    def put(self, key: int, value: bytes) -> None:
        self.send(b"SET", b"key:%d" % key, value)
        if (answer := self.line()) != b"+OK":
            raise Failure(f"redis answers SET with {answer[:80]!r}")

    def get(self, key: int) -> bytes | None:
        self.send(b"GET", b"key:%d" % key)
        length = int(self.line()[1:])
        return None if length < 0 else self.body(length)


class Memcached(Client):
    name = "memcached"

    @staticmethod
    def command(port: int, folder: Path) -> list[str]:
        del folder
        return ["memcached", "-u", "root", "-l", "127.0.0.1", "-U", "0", "-t", "4", "-m", "512", "-p", str(port)]

    def is_ready(self) -> bool:
        return True

    def put(self, key: int, value: bytes) -> None:
        self.connection.sendall(b"set key:%d 0 0 %d\r\n%s\r\n" % (key, len(value), value))
        if (answer := self.line()) != b"STORED":
            raise Failure(f"memcached answers set with {answer[:80]!r}")

    def get(self, key: int) -> bytes | None:
        self.connection.sendall(b"get key:%d\r\n" % key)
        first = self.line()
        if first == b"END":
            return None
        value = self.body(int(first.split()[3]))
        if self.line() != b"END":
            raise Failure("memcached's answer has no end")
        return value


def programs() -> dict[str, str]:
    """Where each program is. Debian's redis-tools has the server under the name of its checker."""
    wanted = {"redis-server": ("redis-server", "redis-check-rdb"), "memcached": ("memcached",)}
    wanted.update({name: (name,) for name in ("redis-benchmark", "ninja", "clang++")})
    found = {}
    for name, names in wanted.items():
        place = next((path for word in names if (path := shutil.which(word))), None)
        if place is not None:
            found[name] = place
    return found


class Storm:
    def __init__(self, preload: Path, scratch: Path, seconds: float) -> None:
        self.preload, self.scratch = preload, scratch
        self.where = programs()
        self.end = time.monotonic() + seconds
        self.failures: list[str] = []
        self.counts: dict[str, int] = {}
        self.counting = threading.Lock()

    def add(self, name: str, count: int = 1) -> None:
        with self.counting:
            self.counts[name] = self.counts.get(name, 0) + count

    def running(self) -> bool:
        return time.monotonic() < self.end and not self.failures

    def start(self, kind: type[Redis | Memcached], folder: Path, port: int, life: int) -> subprocess.Popen[bytes]:
        report = folder / f"report.{life}"
        environment = preloaded(plain_environment(), [self.preload], report)
        log = (folder / "log").open("ab")
        with log:
            process = subprocess.Popen(
                kind.command(port, folder),
                executable=self.where[kind.name],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        for _ in range(400):
            try:
                if kind(port).is_ready():
                    return process
            except OSError:
                if process.poll() is not None:
                    break
            time.sleep(0.05)
        process.kill()
        process.wait()
        raise Failure(f"{kind.name} does not come up; its log ends:\n{(folder / 'log').read_text()[-2000:]}")

    def use(self, kind: type[Redis | Memcached], port: int, known: dict[int, bytes], until: float) -> None:
        """Writes and reads until then; `known` is what the server must have."""
        client = kind(port)
        step = 0
        while time.monotonic() < until and self.running():
            step += 1
            key = step * 7919 % KEYS
            expected = known.get(key)
            if expected is not None and (got := client.get(key)) != expected:
                raise Failure(f"{kind.name}: key {key} has {str(got)[:60]}, not {str(expected)[:60]}")
            value = value_of(key, step)
            known[key] = value
            client.put(key, value)
        self.add(f"{kind.name} requests", 2 * step)

    def live(self, kind: type[Redis | Memcached]) -> None:
        """One life after the other."""
        folder = self.scratch / kind.name
        folder.mkdir()
        known: dict[int, bytes] = {}
        life = 0
        while self.running():
            port = free_port()
            process = self.start(kind, folder, port, life)
            try:
                benchmark = self.start_benchmark(port) if kind is Redis else None
                self.use(kind, port, known, min(self.end, time.monotonic() + LIFE_S))
                if benchmark is not None:
                    benchmark.terminate()
                    benchmark.wait()
                if process.poll() is not None:
                    raise Failure(f"{kind.name} ended by itself with {process.returncode}")
            finally:
                gentle = life % 2 == 1
                process.send_signal(signal.SIGTERM if gentle else signal.SIGKILL)
                status = process.wait(timeout=60)
            if gentle and (status != 0 or not any(map(served, read_reports(folder / f"report.{life}")))):
                raise Failure(f"{kind.name} ended with {status} and says not that smallblock served it")
            if kind is Memcached or not gentle:
                known.clear()
            life += 1
        self.add(f"{kind.name} lives", life)
        if life < 2:
            raise Failure(f"{kind.name} lived only {life} times; give it more --seconds")

    def start_benchmark(self, port: int) -> subprocess.Popen[bytes]:
        words = ["-p", str(port), "-c", "20", "-P", "8", "-r", "100000", "-n", "100000000", "-q"]
        return subprocess.Popen(
            [self.where["redis-benchmark"], *words, "-t", "set,get,incr,lpush,rpop,sadd,hset,zadd"],
            env=plain_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def build(self) -> None:
        """A program of many files, again and again."""
        folder = self.scratch / "build"
        folder.mkdir()
        parts = range(1, 9)
        for part in parts:
            (folder / f"part{part}.cpp").write_text(SOURCE.format(part=part))
        calls = " + ".join(f"part{part}()" for part in parts)
        declarations = "".join(f"int part{part}();\n" for part in parts)
        (folder / "main.cpp").write_text(f"{declarations}int main() {{ return {calls}; }}\n")
        rules = [f"rule cc\n  command = {self.where['clang++']} -O1 -c $in -o $out"]
        rules.append(f"rule ld\n  command = {self.where['clang++']} $in -o $out")
        names = ["main", *(f"part{part}" for part in parts)]
        rules += [f"build {name}.o: cc {name}.cpp" for name in names]
        rules.append("build program: ld " + " ".join(f"{name}.o" for name in names))
        (folder / "build.ninja").write_text("\n".join(rules) + "\n")
        report = folder / "reports" / "report"
        report.parent.mkdir()
        environment = preloaded(plain_environment(), [self.preload], report)
        builds = 0
        while self.running() or builds == 0:
            for words in ([self.where["ninja"], "-j2", "program"], [str(folder / "program")]):
                outcome = run(words, folder, environment, timeout_s=300)
                if outcome.status != 0:
                    raise Failure(f"{Path(words[0]).name} ended with {outcome.status}:\n{outcome.stdout.decode()[-2000:]}")
            builds += 1
            for path in folder.glob("*.o"):
                path.unlink()
            (folder / "program").unlink()
        compilers = sum(served(entry) for entry in read_reports(report))
        if compilers < builds * len(names):
            raise Failure(f"{builds} builds of {len(names)} files, but smallblock served only {compilers} processes")
        self.add("builds", builds)

    def guarded(self, work: Callable[[], None]) -> Callable[[], None]:
        def call() -> None:
            try:
                work()
            except Exception as error:  # whatever it is, the others must stop and the caller must know
                self.failures.append(f"{type(error).__name__}: {error}")

        return call

    def run(self) -> list[str]:
        """What is missing."""
        tasks: list[tuple[Sequence[str], Callable[[], None]]] = [
            (("redis-server", "redis-benchmark"), lambda: self.live(Redis)),
            (("memcached",), lambda: self.live(Memcached)),
            (("ninja", "clang++"), self.build),
        ]
        missing = [name for needed, _ in tasks for name in needed if name not in self.where]
        ready = [work for needed, work in tasks if all(name in self.where for name in needed)]
        threads = [threading.Thread(target=self.guarded(work)) for work in ready]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return missing


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preload", type=existing_library, metavar="LIBRARY", required=True)
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="smallblock-storm-") as scratch:
        storm = Storm(arguments.preload, Path(scratch), arguments.seconds)
        missing = storm.run()
    print(", ".join(f"{count} {name}" for name, count in sorted(storm.counts.items())))
    for failure in storm.failures:
        print(f"FAILED  {failure}")
    if missing and not storm.failures:
        print(f"skipped: there is no {' '.join(missing)}")
    return 1 if storm.failures else SKIP if missing else 0


if __name__ == "__main__":
    sys.exit(main())
