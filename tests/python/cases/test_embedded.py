"""Interpreters in a C program: linked with it and started again and again, and opened by dlopen."""

from __future__ import annotations

import subprocess
import sysconfig
import tempfile
import unittest
from pathlib import Path
from typing import List

import smallblock

STARTS = """
#include <Python.h>
int main(int count, char** arguments) {
  for (int start = 0; count == 3 && start < 3; ++start) {
    Py_InitializeEx(0);
    PyObject* folder = PyUnicode_FromString(arguments[1]);
    PyList_Insert(PySys_GetObject("path"), 0, folder);
    Py_DECREF(folder);
    if (PyRun_SimpleString(arguments[2]) != 0 || Py_FinalizeEx() != 0) return 1;
  }
  return count == 3 ? 0 : 1;
}
"""
STARTED = """
import smallblock
early = [[i] for i in range(60_000)]  # above the limit of the start before, whose callback is gone
for i in range(1000): pass
del early
if not smallblock.installed(): smallblock.install()
early = smallblock.stats().memory.live_bytes
kept = [[i] for i in range(1_000)]
memory = smallblock.stats().memory
assert smallblock.installed() and memory.live_bytes > early + 50_000, (memory, early)
called = []
live = memory.live_bytes + memory.cached_bytes + memory.next_bytes
smallblock.limit(soft=live + 1_000_000, callback=lambda: called.append(1))
kept = [[i] for i in range(50_000)]
for i in range(1000): pass
assert called == [1], called
"""
OPENS = """
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char** arguments) {
  void* python = count == 3 ? dlopen(arguments[1], RTLD_NOW | RTLD_GLOBAL) : NULL;
  if (python == NULL) return puts("no libpython"), 1;
  void (*start)(int);
  int (*run)(const char*);
  int (*end)(void);
  *(void**)&start = dlsym(python, "Py_InitializeEx");
  *(void**)&run = dlsym(python, "PyRun_SimpleString");
  *(void**)&end = dlsym(python, "Py_FinalizeEx");
  start(0);
  return run(arguments[2]) != 0 || end() != 0;
}
"""
OPENED = """
import sys
sys.path.insert(0, {folder!r})
import smallblock
print(smallblock.installed())
try: smallblock.install()
except RuntimeError as error: print(error)
print(smallblock.installed())
"""


class Embedded(unittest.TestCase):
    library = Path(sysconfig.get_config_var("LIBDIR")) / sysconfig.get_config_var("LDLIBRARY")
    folder_of_package = Path(smallblock.__file__).parents[1]

    def setUp(self) -> None:
        if self.library.suffix != ".so" or not self.library.exists():
            self.skipTest("this CPython has no shared libpython for a C program")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.program = Path(folder.name) / "program"

    def build(self, code: str, options: List[str]) -> None:
        source = self.program.with_suffix(".c")
        source.write_text(code)
        subprocess.run(["cc", str(source), "-o", str(self.program), *options], check=True, timeout=60)

    def test_install_and_limits_in_each_start(self) -> None:
        include = sysconfig.get_path("include")
        self.build(STARTS, [f"-I{include}", str(self.library), f"-Wl,-rpath,{self.library.parent}"])
        done = subprocess.run([self.program, self.folder_of_package, STARTED], stderr=subprocess.PIPE, text=True,
                              timeout=60, check=False)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_opened_under_the_preload_it_keeps_its_allocator(self) -> None:
        self.build(OPENS, ["-ldl"])
        preload = str(self.folder_of_package / "smallblock" / "libsmallblock_preload.so")
        for library, answer in (("", "True"), (preload, "False")):
            environment = {"PYTHONHOME": sysconfig.get_config_var("prefix"), "LD_PRELOAD": library}
            code = OPENED.format(folder=str(self.folder_of_package))
            text = subprocess.check_output([self.program, self.library, code], env=environment, text=True, timeout=60)
            self.assertEqual((text.split()[0], text.split()[-1]), ("False", answer), text)
            self.assertEqual("opened libpython by dlopen" in text, bool(library), text)


if __name__ == "__main__":
    unittest.main()
