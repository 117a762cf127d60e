"""Programs that a preload cannot reach run all the same, with one line of warning."""

from __future__ import annotations

import os
import shutil
import subprocess
import unittest
from pathlib import Path

from support import COMMAND, CommandTest, clean_environment, smallblock

NOBODY = 65534


class Warnings(CommandTest):
    def assert_warned(self, result: subprocess.CompletedProcess[str], *parts: str) -> None:
        warnings = [line for line in result.stderr.splitlines() if line.startswith("smallblock: warning: ")]
        self.assertEqual(len(warnings), 1, result.stderr)
        for part in parts:
            self.assertIn(part, warnings[0])

    def static_program(self) -> str:
        program = os.environ.get("SMALLBLOCK_STATIC_PROGRAM", "")
        if not program:
            self.skipTest("no static libc to build a static program with")
        return program

    def test_a_static_program(self) -> None:
        result = smallblock("run", self.static_program())
        self.assertEqual((result.returncode, result.stdout), (5, "static program ran\n"))
        self.assert_warned(result, "statically linked")

    def test_where_it_cannot_be_said_the_program_runs_all_the_same(self) -> None:
        for redirection in ("2>&-", "2>/dev/full"):
            result = subprocess.run(
                ["sh", "-c", f'exec "$0" run "$1" {redirection}', COMMAND, self.static_program()],
                stdout=subprocess.PIPE,
                text=True,
                env=clean_environment(),
                check=False,
            )
            self.assertEqual((result.returncode, result.stdout), (5, "static program ran\n"), redirection)
        reader, writer = os.pipe()
        os.close(reader)
        with subprocess.Popen(
            [COMMAND, "run", self.static_program()], stdout=subprocess.PIPE, stderr=writer, text=True,
            env=clean_environment(),
        ) as process:
            os.close(writer)
            self.assertEqual(process.communicate(timeout=60), ("static program ran\n", None))
        self.assertEqual(process.returncode, 5)

    def test_a_static_program_by_a_relative_path(self) -> None:
        shutil.copy(self.static_program(), self.folder / "program")
        result = smallblock("run", "./program", cwd=str(self.folder))
        self.assertEqual(result.stdout, "static program ran\n")
        self.assert_warned(result, "./program", "statically linked")

    def test_a_script_whose_interpreter_is_static(self) -> None:
        script = self.folder / "script"
        script.write_text(f"#! {self.static_program()} word\n", encoding="utf-8")
        script.chmod(0o755)
        result = smallblock("run", str(script))
        self.assertEqual((result.returncode, result.stdout), (5, "static program ran\n"))
        self.assert_warned(result, "interpreter", "statically linked")

    def test_a_script_that_env_starts_in_a_static_program(self) -> None:
        program = Path(self.static_program())
        script = self.folder / "script"
        script.write_text(f"#!/usr/bin/env {program.name}\n", encoding="utf-8")
        script.chmod(0o755)
        result = smallblock("run", str(script), PATH=f"{program.parent}:{os.environ['PATH']}")
        self.assert_warned(result, "statically linked")

    def test_a_program_of_another_user(self) -> None:
        if os.geteuid() == 0:
            found = shutil.which("true")
            assert found is not None
            program = self.folder / "true"
            shutil.copy(found, program)
            os.chown(program, NOBODY, NOBODY)
            program.chmod(0o4755)
            self.folder.chmod(0o755)
            result = smallblock("run", str(program))
        else:
            if shutil.which("su") is None:
                self.skipTest("no set-user-id program: su is not installed")
            result = smallblock("run", "su", "--version")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_warned(result, "set-user-id")

    def test_ordinary_programs_are_not_warned_about(self) -> None:
        script = self.folder / "script"
        script.write_text("#!/usr/bin/env sh\nexit 0\n", encoding="utf-8")
        script.chmod(0o755)
        for words in (["true"], [str(script)], ["env", "true"]):
            self.assertEqual(smallblock("run", *words).stderr, "")

    def test_odd_files_do_not_confuse_the_check(self) -> None:
        header = bytearray(Path("/proc/self/exe").read_bytes()[:64])
        header[32:40] = b"\xff" * 8  # program headers far outside the file
        script_alone = b"#!"
        for content in (b"", b"#", script_alone, b"#!\n", b"\x7fELF", bytes(header), b"#! \t \n"):
            file = self.folder / "odd"
            file.write_bytes(content)
            file.chmod(0o755)
            result = smallblock("run", str(file))
            self.assertGreaterEqual(result.returncode, 0, (content, result.stderr))

    def test_a_script_that_is_its_own_interpreter(self) -> None:
        script = self.folder / "loop"
        script.write_text(f"#!{script}\n", encoding="utf-8")
        script.chmod(0o755)
        result = smallblock("run", str(script))
        self.assertEqual(result.returncode, 126)


if __name__ == "__main__":
    unittest.main()
