#!/usr/bin/env python3
"""Writes small Parquet files by pyarrow, one a packing, and the records that are in them, as JSON
lines. Needs pyarrow."""

import datetime
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet

HERE = Path(__file__).parent
ROWS = [
    {"id": "a", "text": "The deepest part of the sea is dark.", "n": [1, 2], "meta": {"lang": "en", "score": 0.5}},
    {"id": "b", "text": "深海的光很少。", "n": [], "meta": {"lang": "zh", "score": 1.0}},
    {"id": None, "text": "Without a name.", "n": None, "meta": None},
    {"id": "d", "text": "", "n": [3], "meta": {"lang": None, "score": None}},
    {"id": "e", "text": "Line\nbreaks and \"quotes\".", "n": [4, None], "meta": {"lang": "en", "score": 2.0}},
]
SCHEMA = pyarrow.schema([
    ("id", pyarrow.string()),
    ("text", pyarrow.large_string()),
    ("n", pyarrow.list_(pyarrow.int64())),
    ("meta", pyarrow.struct([("lang", pyarrow.string()), ("score", pyarrow.float64())])),
    ("day", pyarrow.date32()),
])


def main():
    days = [datetime.date(2021, 5, number + 1) for number in range(len(ROWS))]
    rows = [{**row, "day": day} for row, day in zip(ROWS, days)]
    table = pyarrow.Table.from_pylist(rows, schema=SCHEMA)
    for codec in ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]:
        # Groups of two rows, so that a file has three.
        pyarrow.parquet.write_table(table, HERE / f"{codec}.parquet", compression=codec, row_group_size=2)
    with open(HERE / "parquet.jsonl", "w", encoding="utf-8") as lines:
        for row in table.to_pylist():
            row["day"] = row["day"].isoformat()
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
