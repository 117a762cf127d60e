"""Splits, cleans, formats and joins lines of text."""

from __future__ import annotations

LINE = "  {index};Customer Number {index};{city};  {amount:.2f} EUR ; note {index} with some more text  "
CITIES = ["Amsterdam", "Berlin", "Chur", "Dublin", "Edinburgh", "Firenze"]


def run(scale: int) -> object:
    """The length of the report and the sum of the amounts."""
    length, cents = 0, 0
    for block in range(scale):
        lines = [
            LINE.format(index=index, city=CITIES[index % len(CITIES)], amount=index * 1.5)
            for index in range(block, block + 1000)
        ]
        report = []
        for line in "\n".join(lines).split("\n"):
            number, name, city, amount, note = [part.strip() for part in line.split(";")]
            value = amount.partition(" ")[0]
            cents += int(value.replace(".", ""))
            words = note.title().split()
            report.append(f"{number:>8} {name.upper():<24} {city.lower()[::-1]} {value:>10} {'-'.join(words)}")
        length += len("\n".join(report).encode())
    return length, cents


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
