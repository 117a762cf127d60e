"""`smallblock run` becomes the program: exit codes, signals, streams, words, and its own errors."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import unittest
from pathlib import Path

from support import COMMAND, CommandTest, clean_environment, find_python, smallblock


class PassThrough(CommandTest):
    def test_exit_codes(self) -> None:
        for code in (0, 1, 2, 3, 126, 127, 255):
            result = smallblock("run", "sh", "-c", f"exit {code}")
            self.assertEqual((result.returncode, result.stderr), (code, ""))

    def test_a_signal_ends_the_process_itself(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
            result = smallblock("run", "sh", "-c", f"ulimit -c 0; kill -{int(number)} $$")
            self.assertEqual(result.returncode, -number)

    def test_a_signal_from_outside_reaches_the_program(self) -> None:
        script = "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
        with subprocess.Popen(
            [COMMAND, "run", "sh", "-c", script], stdout=subprocess.PIPE, text=True, env=clean_environment()
        ) as process:
            assert process.stdout is not None
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.stdout.read(), "caught\n")
        self.assertEqual(process.returncode, 9)

    def test_the_process_id_stays(self) -> None:
        with subprocess.Popen(
            [COMMAND, "run", "sh", "-c", "echo $$"], stdout=subprocess.PIPE, text=True, env=clean_environment()
        ) as process:
            output, _ = process.communicate(timeout=60)
        self.assertEqual(int(output), process.pid)

    def test_streams(self) -> None:
        result = smallblock("run", "sh", "-c", "cat; echo to-stderr >&2", input_text="line 1\nline 2\n")
        self.assertEqual(result.stdout, "line 1\nline 2\n")
        self.assertEqual(result.stderr, "to-stderr\n")

    def test_a_closed_pipe_ends_the_program_quietly(self) -> None:
        pipeline = f"'{COMMAND}' run yes | head -n 2"
        result = subprocess.run(
            ["bash", "-c", f"{pipeline}; echo ${{PIPESTATUS[0]}}"],
            capture_output=True,
            text=True,
            env=clean_environment(),
            check=False,
        )
        self.assertEqual(result.stdout, f"y\ny\n{128 + signal.SIGPIPE}\n")
        self.assertEqual(result.stderr, "")

    def test_large_data_passes_unchanged(self) -> None:
        data = os.urandom(1 << 20)
        result = subprocess.run(
            [COMMAND, "run", "cat"], input=data, capture_output=True, env=clean_environment(), check=True
        )
        self.assertEqual(result.stdout, data)


class Words(CommandTest):
    SHOW = ("sh", "-c", 'printf "[%s]" "$@"', "sh")

    def test_everything_after_the_command_is_its_own(self) -> None:
        several = (["--stats"], ["--", "x"], ["-h"], ["--help", "--version"], ["run", "doctor"], ["", "a b", "*"])
        for words in several:
            expected = "".join(f"[{word}]" for word in words)
            self.assertEqual(smallblock("run", *self.SHOW, *words).stdout, expected)
            self.assertEqual(smallblock("run", "--", *self.SHOW, *words).stdout, expected)

    def test_options_end_at_the_command(self) -> None:
        result = smallblock("run", "--stats-file", str(self.report_file), "--stats=json", "echo", "--stats=text")
        self.assertEqual((result.stdout, result.stderr), ("--stats=text\n", ""))
        self.assertEqual(self.read_report()["process"]["command"], "echo")

    def test_stats_takes_no_separate_value(self) -> None:
        result = smallblock("run", "--stats-file", str(self.report_file), "--stats", "echo", "json")
        self.assertEqual((result.stdout, result.stderr), ("json\n", ""))

    def test_a_command_may_be_named_like_ours(self) -> None:
        for name in ("run", "doctor"):
            program = self.folder / name
            program.write_text('#!/bin/sh\necho "mine: $*"\n', encoding="utf-8")
            program.chmod(0o755)
            path = f"{self.folder}:{os.environ['PATH']}"
            self.assertEqual(smallblock("run", name, "--json", PATH=path).stdout, "mine: --json\n")

    def test_a_command_may_begin_with_a_dash_after_two(self) -> None:
        self.assert_one_line_error(smallblock("run", "--", "--odd"), 127, "--odd")


class Preload(CommandTest):
    def test_the_library_is_in_the_program(self) -> None:
        result = smallblock("run", "cat", "/proc/self/maps")
        self.assertIn("libsmallblock_preload", result.stdout)

    def test_an_existing_preload_stays_behind_ours(self) -> None:
        for existing in ("libm.so.6", "libm.so.6:libdl.so.2", "libm.so.6 libdl.so.2"):
            result = smallblock("run", "sh", "-c", 'echo "$LD_PRELOAD"', LD_PRELOAD=existing)
            library, _, rest = result.stdout.strip().partition(":")
            self.assertTrue(library.endswith("libsmallblock_preload.so"), result.stdout)
            self.assertEqual(rest, existing)

    def test_a_run_inside_a_run_loads_it_once(self) -> None:
        result = smallblock("run", COMMAND, "run", "sh", "-c", 'echo "$LD_PRELOAD"')
        self.assertEqual(result.stdout.count("libsmallblock_preload"), 1)

    def test_without_stats_nothing_else_is_set(self) -> None:
        result = smallblock("run", "env")
        names = {line.partition("=")[0] for line in result.stdout.splitlines()}
        self.assertFalse({name for name in names if name.startswith("SMALLBLOCK_STATS")})

    def test_python_works_on_it(self) -> None:
        script = "print(sum(len(str(number)) for number in range(100000)))"
        self.assertEqual(smallblock("run", find_python(), "-c", script).stdout, "488890\n")


class Errors(CommandTest):
    def test_command_not_found(self) -> None:
        self.assert_one_line_error(smallblock("run", "no-such-command"), 127, "no-such-command")
        self.assert_one_line_error(smallblock("run", "./no/such/command"), 127, "./no/such/command")
        self.assert_one_line_error(smallblock("run", ""), 127)

    def test_command_not_executable(self) -> None:
        file = self.folder / "data"
        file.write_text("data", encoding="utf-8")
        self.assert_one_line_error(smallblock("run", str(file)), 126, str(file))
        self.assert_one_line_error(smallblock("run", str(self.folder)), 126, str(self.folder))

    def test_interpreter_missing(self) -> None:
        script = self.folder / "script"
        script.write_text("#!/no/such/interpreter\n", encoding="utf-8")
        script.chmod(0o755)
        self.assert_one_line_error(smallblock("run", str(script)), 127, "interpreter")

    def test_wrong_options(self) -> None:
        for words in (
            ["run", "--no-such-option", "true"],
            ["run", "--stats=xml", "true"],
            ["run", "--stats-file"],
            ["run"],
            ["run", "--"],
            ["run", "--stats"],
            ["no-such-subcommand"],
            ["--no-such-option"],
            ["doctor", "--no-such-option"],
            ["doctor", "extra"],
            [""],
            [],
        ):
            with self.subTest(words=words):
                self.assert_one_line_error(smallblock(*words), 2)

    def test_errors_say_what_to_do(self) -> None:
        self.assert_one_line_error(smallblock("ls"), 2, "smallblock run ls")
        self.assert_one_line_error(smallblock("run"), 2, "smallblock run python3 script.py")
        self.assert_one_line_error(smallblock("run", "--stats=xml", "true"), 2, "text,json", "--help")

    def test_without_proc(self) -> None:
        """Another file system lies over /proc in a namespace of its own."""
        unshare = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
        try:
            subprocess.run([*unshare, "true"], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            self.skipTest("no namespace to be had")

        def without_proc(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
            environment = clean_environment(**variables)
            command = [*unshare, COMMAND, *words]
            return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

        for words in (("run", "true"), ("doctor",)):
            self.assert_one_line_error(without_proc(*words), 2, "cannot read /proc/self/exe", "is /proc mounted?")
        library = Path(COMMAND).parents[1] / "lib" / "libsmallblock_preload.so"
        result = without_proc("run", "echo", "here", SMALLBLOCK_LIBRARY=str(library))
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "here\n", ""))

    def test_stats_file_in_no_directory(self) -> None:
        path = str(self.folder / "missing" / "report")
        self.assert_one_line_error(smallblock("run", "--stats-file", path, "true"), 2, "create the directory")

    def test_stats_file_in_a_directory_that_is_gone(self) -> None:
        gone = self.folder / "gone"
        gone.mkdir()
        script = 'rmdir "$1" && exec "$0" run --stats-file report true'
        result = subprocess.run(
            ["sh", "-c", script, COMMAND, gone],
            cwd=gone,
            capture_output=True,
            text=True,
            env=clean_environment(),
            check=False,
        )
        self.assert_one_line_error(result, 2, "the current directory is gone")

    def test_library_named_but_missing(self) -> None:
        result = smallblock("run", "true", SMALLBLOCK_LIBRARY=str(self.folder / "none.so"))
        self.assert_one_line_error(result, 2, "SMALLBLOCK_LIBRARY", "none.so")

    def test_library_path_that_the_loader_would_split(self) -> None:
        for name in ("with space.so", "with:colon.so"):
            library = self.folder / name
            library.write_bytes(b"")
            self.assert_one_line_error(smallblock("run", "true", SMALLBLOCK_LIBRARY=str(library)), 2, name)


class Library(CommandTest):
    """Where the command finds its library. The other tests all use the one beside it."""

    def setUp(self) -> None:
        super().setUp()
        self.library = Path(COMMAND).resolve().parent.parent / "lib" / "libsmallblock_preload.so"

    def loaded_by(self, command: Path, **variables: str) -> str:
        result = subprocess.run(
            [command, "run", "sh", "-c", 'echo "$LD_PRELOAD"'],
            capture_output=True,
            text=True,
            env=clean_environment(**variables),
            check=False,
        )
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout.strip()

    def copy_command(self) -> Path:
        copy = self.folder / "bin" / "smallblock"
        copy.parent.mkdir()
        shutil.copy(COMMAND, copy)
        return copy

    def test_beside_the_command(self) -> None:
        self.assertEqual(self.loaded_by(Path(COMMAND)), str(self.library))

    def test_beside_what_a_link_points_to(self) -> None:
        link = self.folder / "link"
        link.symlink_to(Path(COMMAND).resolve())
        self.assertEqual(self.loaded_by(link), str(self.library))

    def test_in_a_tree_that_was_moved(self) -> None:
        moved = self.folder / "lib" / self.library.name
        moved.parent.mkdir()
        shutil.copy(self.library, moved)
        self.assertEqual(self.loaded_by(self.copy_command()), str(moved))

    def test_named_by_the_environment(self) -> None:
        other = self.folder / "other.so"
        shutil.copy(self.library, other)
        self.assertEqual(self.loaded_by(Path(COMMAND), SMALLBLOCK_LIBRARY=str(other)), str(other))

    def test_nowhere(self) -> None:
        copy = self.copy_command()
        result = subprocess.run(
            [copy, "run", "true"], capture_output=True, text=True, env=clean_environment(), check=False
        )
        if result.returncode == 0:
            self.skipTest("smallblock is installed on this machine, so the copy finds that library")
        self.assert_one_line_error(result, 2, "SMALLBLOCK_LIBRARY", "libsmallblock_preload.so")


class Help(CommandTest):
    def test_version(self) -> None:
        result = smallblock("--version")
        self.assertRegex(result.stdout, r"\Asmallblock \d+\.\d+\.\d+\n\Z")
        self.assertEqual(result.returncode, 0)

    def test_help_is_a_word_too(self) -> None:
        self.assertEqual(smallblock("help").stdout, smallblock("--help").stdout)
        for command in ("run", "view", "top", "trim"):
            self.assertEqual(smallblock("help", command).stdout, smallblock(command, "--help").stdout)
        self.assert_one_line_error(smallblock("help", "nothing"), 2, "there is no 'nothing'")

    def test_help_names_every_option_within_110_columns(self) -> None:
        for words, options in (
            (["--help"], ["run", "doctor", "--version"]),
            (["run", "--help"], ["--stats[=text|json]", "--stats-file FILE", "SMALLBLOCK_LIBRARY"]),
            (["doctor", "--help"], ["--json"]),
        ):
            result = smallblock(*words)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            for option in options:
                self.assertIn(option, result.stdout)
            longest = max(result.stdout.splitlines(), key=len)
            self.assertLessEqual(len(longest), 110, longest)
            self.assertLessEqual(result.stdout.count("\n"), 25)


if __name__ == "__main__":
    unittest.main()
