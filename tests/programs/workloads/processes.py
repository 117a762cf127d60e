"""How Python makes processes: pools (fork, spawn, forkserver), nested forks, vfork, posix_spawn, exec."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys

CHILD = "import sys; print(sum(len(str(number)) for number in range(int(sys.argv[1]))))"


def work(number: int) -> tuple[int, int]:
    words = [str(number + index) * (index % 30) for index in range(3000)]
    return number, len("".join(words[::2]))


def pool_digest(method: str, processes: int, tasks: int) -> int:
    context = multiprocessing.get_context(method)
    with context.Pool(processes, maxtasksperchild=7) as pool:
        return sum(number * length for number, length in pool.imap_unordered(work, range(tasks)))


def nested_forks(depth: int) -> int:
    """A chain of children that each allocate before and after; the number of levels that succeeded."""
    if depth == 0:
        return 0
    kept = [bytes(index % 600) for index in range(2000)]
    child = os.fork()
    if child == 0:
        os._exit(nested_forks(depth - 1) + 1)
    below = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return below if len(kept) == 2000 else -1


def spawned(count: int) -> list[int]:
    """os.posix_spawn; what the children print is passed over."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    command = [sys.executable, "-S", "-c", CHILD]
    children = [
        os.posix_spawn(sys.executable, [*command, str(number)], os.environ, file_actions=quiet)
        for number in range(count)
    ]
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def ran(count: int) -> list[str]:
    """subprocess: vfork where the interpreter has it."""
    command = [sys.executable, "-S", "-c", CHILD]
    return [
        subprocess.run([*command, str(number * 100)], capture_output=True, check=True, text=True).stdout.strip()
        for number in range(count)
    ]


def main() -> int:
    print("nested forks", nested_forks(12))
    print("posix_spawn", spawned(10))
    print("subprocess", ran(20), [subprocess.run(["true"], check=False).returncode for _ in range(100)])
    print("fork", pool_digest("fork", processes=4, tasks=200))
    print("spawn", pool_digest("spawn", processes=2, tasks=20))
    print("forkserver", pool_digest("forkserver", processes=2, tasks=20))
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-S", "-c", CHILD, "1000"])


if __name__ == "__main__":
    sys.exit(main())
