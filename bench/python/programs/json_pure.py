"""json.dumps and json.loads of a nested document, with the pure-Python encoder, scanner and string reader."""

from __future__ import annotations

import json
import json.decoder
import json.encoder
import json.scanner


class PureDecoder(json.JSONDecoder):
    def __init__(self) -> None:
        super().__init__()
        self.parse_string = json.decoder.py_scanstring
        self.scan_once = json.scanner.py_make_scanner(self)


def make_document(records: int) -> list[dict[str, object]]:
    return [
        {
            "id": index,
            "name": f"customer {index}",
            "balance": index * 1.25,
            "active": index % 3 == 0,
            "tags": [f"tag{index % 7}", f"group{index % 11}", None],
        }
        for index in range(records)
    ]


def run(scale: int) -> object:
    """The length of all texts and the sum of the ids read back."""
    document = make_document(350)
    c_make_encoder = json.encoder.c_make_encoder
    json.encoder.c_make_encoder = None
    try:
        encoder, decoder = json.JSONEncoder(), PureDecoder()
        text_length, id_sum = 0, 0
        for _ in range(scale):
            text = encoder.encode(document)
            text_length += len(text)
            id_sum += sum(record["id"] for record in decoder.decode(text))
    finally:
        json.encoder.c_make_encoder = c_make_encoder
    return text_length, id_sum


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
