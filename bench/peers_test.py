"""What the comparisons share: which runs are refused, and what they see of the caller's environment."""

from __future__ import annotations

import argparse
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))

import options  # noqa: E402
import peers  # noqa: E402
from peers import Peer, UsageError  # noqa: E402


class Environment(unittest.TestCase):
    def test_what_is_told_to_allocators_is_left_out_and_said(self) -> None:
        told = {"SMALLBLOCK_CHECK": "1", "MALLOC_CONF": "x", "LD_PRELOAD": "/a.so", "MIMALLOC_VERBOSE": "1"}
        with mock.patch.dict(peers.os.environ, {**told, "PYTHONMALLOC": "debug", "HOME": "/h"}, clear=True):
            self.assertEqual(peers.clean_environment(), {"HOME": "/h"})
            (line,) = peers.dropped_settings()
            for name in told:
                self.assertIn(name, line)

    def test_where_nothing_is_told_nothing_is_said(self) -> None:
        with mock.patch.dict(peers.os.environ, {"PYTHONPATH": "/p", "HOME": "/h"}, clear=True):
            self.assertEqual(peers.dropped_settings(), [])


class Libraries(unittest.TestCase):
    def test_a_name_stands_for_one_allocator(self) -> None:
        for definitions in (["glibc=/a.so"], ["smallblock_no_decay=/a.so"], ["x=/a.so", "x=/b.so"], ["x"], ["=/a.so"]):
            with self.subTest(definitions), self.assertRaises(UsageError):
                peers.parse_libraries(definitions)
        self.assertEqual(peers.parse_libraries(["jemalloc=/a.so"]), {"jemalloc": Path("/a.so")})

    def test_without_ldconfig_a_library_can_be_named(self) -> None:
        with tempfile.NamedTemporaryFile() as library, mock.patch.object(peers.shutil, "which", return_value=None):
            found, missing = peers.preloaded_peers(Path("/none"), {"jemalloc": Path(library.name)})
        self.assertEqual([peer.name for peer in found], ["glibc", "jemalloc"])
        self.assertIn("mimalloc: there is no ldconfig to find it; --library mimalloc=FILE names it", missing)

    def test_a_path_that_the_loader_would_split_is_refused(self) -> None:
        with tempfile.TemporaryDirectory(prefix="with space ") as folder:
            library = Path(folder) / "x.so"
            library.touch()
            with self.assertRaisesRegex(UsageError, "a space or a colon"):
                peers.preloaded_peers(Path("/none"), {"x": library})

    def test_our_own_variants_are_no_rivals(self) -> None:
        self.assertTrue(Peer(peers.WITHOUT_DECAY).ours and Peer(peers.SAMPLED).ours and not Peer("glibc").ours)


class Choice(unittest.TestCase):
    def test_each_name_must_be_known(self) -> None:
        self.assertEqual(peers.chosen([], ["a", "b"], "peer"), ["a", "b"])
        self.assertEqual(peers.chosen(["b"], ["a", "b"], "peer"), ["b"])
        with self.assertRaisesRegex(UsageError, "no peer 'c' here; there are: a, b"):
            peers.chosen(["a", "c"], ["a", "b"], "peer")


class Options(unittest.TestCase):
    def test_numbers(self) -> None:
        self.assertEqual((options.positive("0.5"), options.whole("7")), (0.5, 7))
        for kind, texts in ((options.positive, ("0", "-1", "nan", "inf", "x")), (options.whole, ("0", "-1", "1.5", "x"))):
            for text in texts:
                with self.subTest(text), self.assertRaises(argparse.ArgumentTypeError):
                    kind(text)

    def test_a_file_that_cannot_be_written_is_refused_at_once(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(options.output_file(f"{folder}/new.json"), Path(folder) / "new.json")
            for text in (folder, f"{folder}/none/new.json"):
                with self.subTest(text), self.assertRaises(argparse.ArgumentTypeError):
                    options.output_file(text)


if __name__ == "__main__":
    unittest.main()
