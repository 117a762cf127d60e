"""Builds the package: CMake builds the engine and the preload library, setuptools the extension module.

SMALLBLOCK_BUILD names the folder for CMake's part, so that wheels for several interpreters share it (./build-wheel
sets it).
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.command.install import install

try:  # setuptools finds it by itself only if it sees wheel's metadata
    from wheel.bdist_wheel import bdist_wheel
except ImportError:
    from setuptools.command.bdist_wheel import bdist_wheel

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
OFF = [f"-DSMALLBLOCK_{part}=OFF" for part in ("TESTS", "BENCH", "CLI")]


def version() -> str:
    header = (ROOT / "include" / "smallblock" / "smallblock.h").read_text()
    return header.split('#define SB_VERSION_STRING "')[1].split('"')[0]


def description() -> str:
    return ast.get_docstring(ast.parse((HERE / "smallblock" / "__init__.py").read_text())) or ""


def check_needs() -> None:
    if sys.implementation.name != "cpython":
        raise SystemExit(f"smallblock: {sys.implementation.name} keeps its own heap; use CPython 3.9 to 3.13")
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise SystemExit("smallblock: a free-threaded CPython keeps its own allocator; use a build with the GIL")
    if shutil.which("cmake") is None:
        raise SystemExit("smallblock: CMake builds the engine and is not in PATH; install cmake")


def build_engine(folder: Path) -> None:
    # Not the cache, which a configuration that failed, or was interrupted, leaves too.
    if not any((folder / name).exists() for name in ("build.ninja", "Makefile")):
        subprocess.run(
            ["cmake", "-S", str(ROOT), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Release",
             "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG", *OFF],
            check=True,
        )
    targets = ["smallblock_python", "smallblock_preload", "smallblock_image"]
    subprocess.run(["cmake", "--build", str(folder), "--target", *targets], check=True)


def introspection_source(folder: Path) -> str:
    """A file that includes all of them: the compiler spends most of its time in the headers that they share."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "introspection.cpp"
    sources = [*sorted((HERE / "src" / "introspection").glob("*.cpp")), ROOT / "cli" / "target" / "process_memory.cpp"]
    target.write_text("".join(f'#include "{source}"\n' for source in sources))
    return str(target)


class PackageFiles(build_py):
    """Adds the file that SMALLBLOCK=1 needs, beside the package, and the licence."""

    def run(self) -> None:
        super().run()
        self.copy_file(str(HERE / "smallblock.pth"), str(Path(self.build_lib) / "smallblock.pth"))
        self.copy_file(str(ROOT / "LICENSE"), str(Path(self.build_lib) / "smallblock" / "LICENSE"))


class AnyLayout(install):
    """Debian's setuptools asks every interpreter's distutils for what only Debian's has."""

    install_layout = None
    prefix_option = None


class WithEngine(build_ext):
    def run(self) -> None:
        check_needs()
        named = os.environ.get("SMALLBLOCK_BUILD")
        folder = Path(named).resolve() if named else Path(self.build_temp).resolve() / "engine"
        build_engine(folder)
        for extension, library in zip(self.extensions, ("libsmallblock_python.a", "libsmallblock_image.a")):
            extension.extra_objects = [str(folder / "lib" / library)]
        self.extensions[1].sources = [introspection_source(Path(self.build_temp))]
        super().run()
        package = Path(self.build_lib) / "smallblock"
        shutil.copy2(folder / "lib" / "libsmallblock_preload.so", package)


setup(
    name="smallblock",
    version=version(),
    description="A small-object allocator that serves CPython's objects and gives memory back",
    long_description=description(),
    long_description_content_type="text/markdown",
    license="MIT",
    platforms=["Linux"],
    python_requires=">=3.9,<3.14",
    packages=["smallblock"],
    package_data={"smallblock": ["py.typed", "*.pyi"]},
    ext_modules=[
        Extension(
            "smallblock._smallblock",
            [f"src/{name}.cpp" for name in ("engine", "figures", "limit", "module")],
            language="c++",
            include_dirs=[str(ROOT / "include"), str(ROOT / "src")],
            extra_compile_args=["-std=c++20", "-O2", "-fvisibility=hidden", "-fno-exceptions", "-fno-rtti"],
            extra_link_args=["-Wl,--exclude-libs,ALL", "-Wl,-z,nodelete", "-Wl,--as-needed", "-pthread"],
        ),
        Extension(
            "smallblock._introspection",
            [],
            language="c++",
            include_dirs=[str(ROOT), str(ROOT / "include"), str(ROOT / "src")],
            extra_compile_args=["-std=c++20", "-O2", "-g0", "-fvisibility=hidden"],
            # The machine that runs it need not have this compiler's C++ library.
            extra_link_args=["-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL", "-Wl,-z,nodelete",
                             "-Wl,-Bsymbolic", "-s"],
        ),
    ],
    cmdclass={"build_py": PackageFiles, "build_ext": WithEngine, "bdist_wheel": bdist_wheel, "install": AnyLayout},
    zip_safe=False,
)
