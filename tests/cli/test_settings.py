"""The environment's settings of memory return, each on a real python3: that they do what they say, or are refused.

Huge pages are looked at in smaps, where the kernel counts them; RSS alone does not show them.
"""

from __future__ import annotations

import re
import unittest

from support import CommandTest, find_python, smallblock

# Prints AnonHugePages and Rss of the whole process in KiB, with much held.
HOLD = """
held = [bytes([n % 256]) * 400 for n in range(150000)]
text = open("/proc/self/smaps_rollup").read()
import re
print(*(re.search(rf"^{name}: +(\\d+)", text, re.M)[1] for name in ("AnonHugePages", "Rss")))
"""
# Drops most of it, sleeps, and prints the RSS before and after, in pages.
DROP_AND_SLEEP = """
import time
def rss(): return int(open("/proc/self/statm").read().split()[1])
held = [bytes([n % 256]) * 400 for n in range(150000)]
full = rss()
held = None
time.sleep(1.5)
print(full, rss())
"""
OVER_THE_LIMIT = """
held = []
try:
    while True: held.append(bytes(400))
except MemoryError:
    count = len(held)
    held = None
print("refused after", count)
"""
# Whatever is refused, a dict, a string or the list: there must be room for the exception and its traceback.
RAISE = """
def load():
    rows = []
    while True: rows.append({"id": len(rows), "name": str(len(rows))})
try:
    load()
except MemoryError:
    print("refused")
"""
BYTES_WANTED = "a number of bytes such as 512M or 2G (K, M, G, T)"


# As services do that are to fail rather than to fill the machine.
LIMIT_ITSELF = """
import resource, threading
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 3 << 30))
large = bytearray(100 << 20)
thread = threading.Thread(target=lambda: print(len([bytes(400) for _ in range(200_000)]), "blocks"))
thread.start()
thread.join()
try:
    bytearray(1 << 30)
except MemoryError:
    print("limited")
"""


def run_python(script: str, **variables: str) -> str:
    result = smallblock("run", find_python(), "-c", script, **variables)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return result.stdout


class Settings(CommandTest):
    def test_huge_pages_only_if_wanted(self) -> None:
        plain, _ = map(int, run_python(HOLD).split())
        self.assertEqual(plain, 0)
        with open("/sys/kernel/mm/transparent_hugepage/enabled", encoding="ascii") as file:
            if "[never]" in file.read():
                self.skipTest("this kernel gives no huge pages")
        wanted, resident = map(int, run_python(HOLD, SMALLBLOCK_HUGEPAGES="1").split())
        self.assertGreater(wanted, resident // 2)

    def test_a_refusal_is_a_memory_error_whatever_is_refused(self) -> None:
        for mebibytes in range(20, 60, 3):
            self.assertEqual(run_python(RAISE, SMALLBLOCK_HARD_LIMIT=f"{mebibytes}M"), "refused\n", mebibytes)

    def test_a_background_thread_shrinks_a_process_that_sleeps(self) -> None:
        full, asleep = map(int, run_python(DROP_AND_SLEEP, SMALLBLOCK_BACKGROUND="1", SMALLBLOCK_DECAY_MS="50").split())
        self.assertLess(asleep, full // 3)

    def test_without_decay_nothing_goes_back(self) -> None:
        full, asleep = map(int, run_python(DROP_AND_SLEEP, SMALLBLOCK_BACKGROUND="1", SMALLBLOCK_DECAY_MS="-1").split())
        self.assertGreater(asleep, full * 9 // 10)

    def test_a_hard_limit_is_a_memory_error_and_the_program_goes_on(self) -> None:
        found = re.fullmatch(r"refused after (\d+)\n", run_python(OVER_THE_LIMIT, SMALLBLOCK_HARD_LIMIT="64M"))
        assert found is not None
        self.assertGreater(int(found[1]), 64 * 1024 * 1024 // 500 // 2)
        self.assertLess(int(found[1]), 64 * 1024 * 1024 // 400)

    def test_a_limit_beyond_the_machine_is_none(self) -> None:
        for text in ("1T", "1t", "16777215T"):
            self.assertEqual(run_python("print(len(bytes(400)))", SMALLBLOCK_HARD_LIMIT=text), "400\n")

    def test_a_program_may_limit_its_own_address_space(self) -> None:
        for variables in ({}, {"SMALLBLOCK_CHECK": "1"}, {"SMALLBLOCK_SAMPLE": "1000"}, {"SMALLBLOCK_HUGEPAGES": "1"},
                          {"SMALLBLOCK_ADDRESS_SPACE": "64M"}, {"SMALLBLOCK_ADDRESS_SPACE": "1G"}):
            self.assertEqual(run_python(LIMIT_ITSELF, **variables), "200000 blocks\nlimited\n", variables)

    def test_a_shell_may_limit_its_own_address_space(self) -> None:
        script = "ulimit -v 300000 && exec 2>&1 && text=$(printf '%0*d' 3000000 0) && echo ${#text} && ulimit -v"
        for shell in ("bash", "dash"):
            result = smallblock("run", shell, "-c", script)
            self.assertEqual((result.returncode, result.stdout), (0, "3000000\n300000\n"), result.stderr)

    def test_a_long_value_is_cut(self) -> None:
        result = smallblock("run", "true", SMALLBLOCK_DECAY_MS="9" * 500)
        self.assertEqual(result.stderr, f"smallblock: SMALLBLOCK_DECAY_MS={'9' * 80}... is not a number of milliseconds, "
                                        "-1 for never; it is left out\n")

    def test_empty_is_unset(self) -> None:
        names = ("DECAY_MS", "SOFT_LIMIT", "HARD_LIMIT", "BACKGROUND", "HUGEPAGES", "ADDRESS_SPACE", "CHECK", "PERTURB")
        self.assertEqual(run_python("print(7)", **{f"SMALLBLOCK_{name}": "" for name in names}), "7\n")

    def test_what_cannot_be_understood_is_one_line_and_left_out(self) -> None:
        for name, text, wanted in (
            ("SMALLBLOCK_DECAY_MS", "soon", "a number of milliseconds, -1 for never"),
            ("SMALLBLOCK_DECAY_MS", "-2", "a number of milliseconds, -1 for never"),
            ("SMALLBLOCK_BACKGROUND", "yes", "0 or 1"),
            ("SMALLBLOCK_HUGEPAGES", "2", "0 or 1"),
            ("SMALLBLOCK_HARD_LIMIT", "12Q", BYTES_WANTED),
            ("SMALLBLOCK_HARD_LIMIT", "99999999999999999999", BYTES_WANTED),
            ("SMALLBLOCK_HARD_LIMIT", "16777216T", BYTES_WANTED),
            ("SMALLBLOCK_SOFT_LIMIT", "0", BYTES_WANTED),
            ("SMALLBLOCK_ADDRESS_SPACE", "63M", "at least 64M"),
            ("SMALLBLOCK_ADDRESS_SPACE", "1g1", BYTES_WANTED),
        ):
            with self.subTest(name=name, text=text):
                result = smallblock("run", find_python(), "-c", "print(7)", **{name: text})
                self.assertEqual((result.returncode, result.stdout), (0, "7\n"))
                self.assertEqual(result.stderr, f"smallblock: {name}={text} is not {wanted}; it is left out\n")


if __name__ == "__main__":
    unittest.main()
