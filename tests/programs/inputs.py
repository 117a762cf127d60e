"""Input files for the cases, made from fixed seeds: every call writes the same bytes."""

from __future__ import annotations

import json
import random
from pathlib import Path

SYLLABLES = "an ber co dra el fu gor hin ist jol ka lem mo nir os pel qua ru sil tor um vex wy xan yor zet".split()


def words(seed: int, count: int) -> list[str]:
    """`count` words over a vocabulary of about 18,000, the short ones more often."""
    chance = random.Random(seed)
    return ["".join(chance.choices(SYLLABLES, k=chance.choice((1, 2, 2, 3)))) for _ in range(count)]


def text_file(path: Path, seed: int, lines: int) -> None:
    """Lines of ten words."""
    all_words = words(seed, lines * 10)
    text = "\n".join(" ".join(all_words[start : start + 10]) for start in range(0, len(all_words), 10))
    path.write_text(text + "\n")


def table_file(path: Path, seed: int, rows: int) -> None:
    """Tab-separated: number, name, city, amount; in random order."""
    chance = random.Random(seed)
    names = words(seed + 1, rows)
    cities = words(seed + 2, 200)
    numbers = list(range(rows))
    chance.shuffle(numbers)
    with path.open("w") as file:
        for number, name in zip(numbers, names):
            file.write(f"{number}\t{name}\t{chance.choice(cities)}\t{chance.randrange(100_000) / 100:.2f}\n")


def records_file(path: Path, seed: int, records: int) -> None:
    """A JSON array of nested records."""
    chance = random.Random(seed)
    names = words(seed + 1, records)
    cities = words(seed + 2, 50)
    document = [
        {
            "id": number,
            "name": name,
            "address": {"city": chance.choice(cities), "zip": f"{chance.randrange(100_000):05}"},
            "tags": words(chance.randrange(1_000_000), chance.randrange(6)),
            "scores": [chance.random() * 100 for _ in range(chance.randrange(1, 8))],
        }
        for number, name in enumerate(names)
    ]
    path.write_text(json.dumps(document))


def bytes_file(path: Path, seed: int, size_bytes: int) -> None:
    """Half noise, half text, in turns of 4 KiB: something to find for a compressor, and something not to."""
    chance = random.Random(seed)
    text = " ".join(words(seed + 1, 200_000)).encode()
    chunk_bytes = 4096
    with path.open("wb") as file:
        for chunk in range(size_bytes // chunk_bytes):
            start = chance.randrange(len(text) - chunk_bytes)
            file.write(text[start : start + chunk_bytes] if chunk % 2 else chance.randbytes(chunk_bytes))


def history_stream(path: Path, seed: int, commits: int) -> None:
    """A stream for git fast-import: every commit rewrites a few lines of one of 40 files and adds one."""
    chance = random.Random(seed)
    files = {f"src/part{number % 8}/file{number}.txt": words(seed + number, 300) for number in range(40)}
    with path.open("w") as file:
        for commit in range(commits):
            name = chance.choice(sorted(files))
            for _ in range(5):
                files[name][chance.randrange(300)] = f"change{commit}"
            files[name].append(f"line{commit}")
            content = "\n".join(files[name]) + "\n"
            message = f"Change {name}, step {commit}\n"
            file.write(
                f"commit refs/heads/main\n"
                f"committer Smallblock Test <test@example.org> {1_700_000_000 + commit * 60} +0000\n"
                f"data {len(message)}\n{message}"
                f"M 100644 inline {name}\ndata {len(content)}\n{content}\n"
            )
