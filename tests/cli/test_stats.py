"""The report at exit: where it goes, in which form, and that programs that close stderr still leave one."""

from __future__ import annotations

import json
import os
import subprocess
import time
import unittest

from support import COMMAND, ROOT, TEXT_TITLE, CommandTest, clean_environment, find_python, header_fields, smallblock

# 400,000 floats: about 12 MB in blocks of 32 bytes.
MANY_OBJECTS = "numbers = [float(number) for number in range(400000)]"


class ToStderr(CommandTest):
    def test_text(self) -> None:
        result = smallblock("run", "--stats", "echo", "hello")
        self.assertEqual((result.returncode, result.stdout), (0, "hello\n"))
        self.assertIn(TEXT_TITLE, result.stderr)
        self.assertTrue(result.stderr.startswith("smallblock "), result.stderr)

    def test_json(self) -> None:
        result = smallblock("run", "--stats=json", "echo", "hello")
        self.assertEqual(result.stdout, "hello\n")
        self.assertEqual(json.loads(result.stderr)["process"]["command"], "echo")

    def test_programs_that_close_stderr_before_they_end(self) -> None:
        # Coreutils do so in atexit, to notice a full disk; the shell does it outright.
        for words in (["ls", "-d", "/"], ["sort"], ["bash", "-c", "exec 2>&-"], ["date"]):
            with self.subTest(words=words):
                self.assertIn(TEXT_TITLE, smallblock("run", "--stats", *words).stderr)

    def test_stderr_closed_from_the_start(self) -> None:
        result = subprocess.run(
            ["sh", "-c", 'exec "$0" run --stats sh -c "exit 3" 2>&-', COMMAND], env=clean_environment(), check=False
        )
        self.assertEqual(result.returncode, 3)

    def test_the_copy_of_stderr_is_not_inherited(self) -> None:
        script = "import subprocess; subprocess.run(['ls', '/proc/self/fd'], close_fds=False)"
        plain = smallblock("run", find_python(), "-c", script).stdout
        self.assertEqual(smallblock("run", "--stats", find_python(), "-c", script).stdout, plain)

    def test_exit_code_is_kept(self) -> None:
        self.assertEqual(smallblock("run", "--stats", "sh", "-c", "exit 42").returncode, 42)

    def test_none_from_a_program_that_skips_exit(self) -> None:
        result = smallblock("run", "--stats", find_python(), "-c", "import os; os._exit(6)")
        self.assertEqual((result.returncode, result.stderr), (6, ""))

    def test_nothing_without_being_asked(self) -> None:
        self.assertEqual(smallblock("run", "true").stderr, "")


class ToFile(CommandTest):
    def test_file_alone_means_text(self) -> None:
        result = smallblock("run", "--stats-file", str(self.report_file), "true")
        self.assertEqual((result.stdout, result.stderr), ("", ""))
        self.assertIn(TEXT_TITLE, self.report_file.read_text(encoding="utf-8"))

    def test_json_file(self) -> None:
        with subprocess.Popen(
            [COMMAND, "run", "--stats=json", "--stats-file", self.report_file, "true"], env=clean_environment()
        ) as process:
            process.wait(60)
        self.assertEqual(self.read_report()["process"], {"pid": process.pid, "command": "true"})

    def test_relative_file_survives_a_change_of_directory(self) -> None:
        smallblock("run", "--stats=json", "--stats-file", "report", "bash", "-c", "cd /", cwd=str(self.folder))
        self.read_report()

    def test_an_older_longer_file_is_replaced(self) -> None:
        self.report_file.write_text("x" * 100000, encoding="utf-8")
        smallblock("run", "--stats=json", "--stats-file", str(self.report_file), "true")
        self.read_report()

    def test_an_older_report_does_not_pass_for_this_runs(self) -> None:
        for form in ("text", "json"):
            for words in (["bash", "-c", "kill -9 $$"], [find_python(), "-c", "import os; os._exit(0)"]):
                with self.subTest(form=form, words=words):
                    report_to = ("run", f"--stats={form}", "--stats-file", str(self.report_file))
                    smallblock(*report_to, "true")
                    self.assertTrue(self.report_file.exists())
                    self.assertEqual(smallblock(*report_to, *words).stderr, "")
                    self.assertFalse(self.report_file.exists())

    def test_what_is_no_report_stays(self) -> None:
        objects = ['{\n  "name": "x"\n}\n', '{\n  "schema": 2,\n  "title": "x"\n}\n']
        for text in ("", "notes\n", "smallblock is here\n", *objects):
            with self.subTest(text=text):
                self.report_file.write_text(text, encoding="utf-8")
                smallblock("run", "--stats-file", str(self.report_file), "bash", "-c", "kill -9 $$")
                self.assertEqual(self.report_file.read_text(encoding="utf-8"), text)
        target = self.folder / "target"
        smallblock("run", "--stats-file", str(target), "true")
        link = self.folder / "link"
        link.symlink_to(target)
        smallblock("run", "--stats-file", str(link), "bash", "-c", "kill -9 $$")
        self.assertIn(TEXT_TITLE, link.read_text(encoding="utf-8"))
        self.assertTrue(link.is_symlink())

    def test_an_older_report_stays_if_nothing_was_run(self) -> None:
        script = self.folder / "script"
        script.write_text("#!/no/such/interpreter\n", encoding="utf-8")
        script.chmod(0o755)
        smallblock("run", "--stats-file", str(self.report_file), "true")
        before = self.report_file.read_text(encoding="utf-8")
        for command, code in (("no-such-command", 127), (str(script), 127), (str(self.folder), 126)):
            with self.subTest(command=command):
                result = smallblock("run", "--stats-file", str(self.report_file), command)
                self.assert_one_line_error(result, code)
                self.assertEqual(self.report_file.read_text(encoding="utf-8"), before)

    def test_a_file_that_cannot_be_written_is_said_and_the_exit_code_kept(self) -> None:
        result = smallblock("run", "--stats-file", str(self.folder), "bash", "-c", "exit 3")
        self.assertEqual(result.returncode, 3)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertIn("cannot write", result.stderr)

    def test_a_full_disk_is_said(self) -> None:
        result = smallblock("run", "--stats-file", "/dev/full", "bash", "-c", "exit 3")
        self.assertEqual(result.returncode, 3)
        self.assertIn("incomplete", result.stderr)

    def test_a_pipe_that_nobody_reads_is_said(self) -> None:
        os.mkfifo(self.report_file)
        result = smallblock("run", "--stats-file", str(self.report_file), "bash", "-c", "exit 3")
        self.assertEqual(result.returncode, 3)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertIn("cannot write", result.stderr)

    def test_a_slow_reader_of_a_pipe_gets_the_whole_report(self) -> None:
        os.mkfifo(self.report_file)
        pipe = os.open(self.report_file, os.O_RDWR)
        # Full: a write that does not wait would be refused.
        os.set_blocking(pipe, False)
        try:
            while True:
                os.write(pipe, b" " * 4096)
        except BlockingIOError:
            os.set_blocking(pipe, True)
        words = ["run", "--stats=json", "--stats-file", str(self.report_file), "bash", "-c", "exit 3"]
        with subprocess.Popen([COMMAND, *words], env=clean_environment()) as process:
            time.sleep(0.5)
            self.assertIsNone(process.poll())
            text = b""
            while b"}\n" not in text[-4:]:
                text += os.read(pipe, 65536)
            self.assertEqual(process.wait(), 3)
        os.close(pipe)
        self.assertEqual(json.loads(text)["process"]["command"], "bash")

    def test_options_win_over_the_environment(self) -> None:
        result = smallblock(
            "run",
            "--stats=json",
            "true",
            SMALLBLOCK_STATS="text",
            SMALLBLOCK_STATS_FILE=str(self.report_file),
            SMALLBLOCK_STATS_PID="1",
        )
        json.loads(result.stderr)
        self.assertFalse(self.report_file.exists())


class ByEnvironment(CommandTest):
    def test_words(self) -> None:
        for word, expected in (("text", TEXT_TITLE), ("1", TEXT_TITLE), ("json", '"schema": 2')):
            self.assertIn(expected, smallblock("run", "true", SMALLBLOCK_STATS=word).stderr)
        for word in ("", "0"):
            self.assertEqual(smallblock("run", "true", SMALLBLOCK_STATS=word).stderr, "")

    def test_an_unknown_word_is_said_once(self) -> None:
        result = smallblock("run", "sh", "-c", "true; env true; env true; exit 4", SMALLBLOCK_STATS="yaml")
        self.assertEqual(result.returncode, 4)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertIn("text or json", result.stderr)

    def test_a_path_that_is_too_long_is_said(self) -> None:
        result = smallblock("run", "true", SMALLBLOCK_STATS="text", SMALLBLOCK_STATS_FILE="/" + "x" * 5000)
        self.assertEqual(result.returncode, 0)
        self.assertIn("shorten", result.stderr)


class Figures(CommandTest):
    def run_python(self, script: str, **variables: str) -> dict[str, object]:
        words = ["--stats=json", "--stats-file", str(self.report_file), find_python(), "-I", "-S", "-c", script]
        result = smallblock("run", *words, **variables)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return self.read_report()

    def test_every_key_of_the_header(self) -> None:
        report = self.run_python("pass")
        described_by_schema = {"version", "struct_bytes", "reserved"}
        names = set(header_fields("sb_stats")) - described_by_schema
        self.assertEqual(set(report), names | {"schema", "version", "process", "memory", "classes"})
        memory = report["memory"]
        assert isinstance(memory, dict)
        self.assertEqual(set(memory), set(header_fields("sb_memory")) - described_by_schema)

    def test_the_sums_hold(self) -> None:
        report = self.run_python(MANY_OBJECTS)
        classes = report["classes"]
        assert isinstance(classes, list)
        for figures in classes:
            counted = figures["blocks_in_use"] + figures["blocks_cached"] + figures["blocks_free"]
            self.assertEqual(counted, figures["blocks_capacity"], figures)
        sums = {"live_bytes": "blocks_in_use", "cached_bytes": "blocks_cached", "free_bytes": "blocks_free"}
        for total, part in sums.items():
            self.assertEqual(report[total], sum(figures[part] * figures["block_bytes"] for figures in classes))
        arenas = report["arenas_used"] + report["arenas_kept"]
        self.assertEqual(report["committed_bytes"], arenas * report["arena_bytes"])
        parts = sum(report[f"{part}_bytes"] for part in ("live", "cached", "free", "tail", "empty"))
        self.assertEqual(report["committed_bytes"], parts + report["arenas_kept"] * report["arena_bytes"])

    def test_every_field_is_in_the_documentation(self) -> None:
        documentation = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
        report = self.run_python("pass")
        classes = report["classes"]
        assert isinstance(classes, list)
        for name in [*report, *header_fields("sb_memory"), *classes[0], "pid", "command"]:
            self.assertIn(f"`{name}`", documentation)
        text = smallblock("run", "--stats", "true").stderr
        for line in text.splitlines():
            label = line.split("=")[0].strip()
            if line.startswith("# "):
                self.assertIn(label, documentation.replace(", # ", " | # "))

    def test_python_objects_are_counted_unless_left_alone(self) -> None:
        peaks = []
        for variables in ({}, {"SMALLBLOCK_PYTHON": "0"}):
            memory = self.run_python(MANY_OBJECTS, **variables)["memory"]
            assert isinstance(memory, dict)
            peaks.append(memory["peak_live_bytes"])
        self.assertGreater(peaks[0] - peaks[1], 10 << 20)

    def test_text_is_at_most_80_columns_wide(self) -> None:
        result = smallblock("run", "--stats", find_python(), "-c", MANY_OBJECTS)
        table = result.stderr.splitlines()[1:]
        self.assertLessEqual(max(len(line) for line in table), 80)


if __name__ == "__main__":
    unittest.main()
