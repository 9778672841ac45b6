#!/usr/bin/env python3
"""Write the documents that hadal-nano learns from, and those it is measured on, with one kind of
line end and without the licence blocks at the end of children's stories, so that the model writes
neither.

    python3 documents.py DATA OUT

reads DATA/pretrain/*.{train,val}.jsonl.zst and writes files of the same names to OUT; needs PyPI
`zstandard`.
"""

import json
import sys
from pathlib import Path

from conversations import records
import zstandard


def cleaned(text):
    """The text with Unix line ends, up to the block of credits."""
    return text.replace("\r\n", "\n").split("\n##\n* License:")[0]


def main(data, out):
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted((data / "pretrain").glob("*.jsonl.zst")):
        lines = (json.dumps(r | {"text": cleaned(r["text"])}, ensure_ascii=False) for r in records(path))
        packed = zstandard.ZstdCompressor(level=9).compress("".join(l + "\n" for l in lines).encode())
        (out / path.name).write_bytes(packed)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
