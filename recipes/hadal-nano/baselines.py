"""What simple methods make of the held-out documents that `hadal eval` measures: bits per byte.

    python3 recipes/hadal-nano/baselines.py DATA/pretrain [MEGABYTES]

Reads recipe.toml beside it for the licences; share-alike documents are left out, as in training.
Compressors see each set as one stream, documents joined by a zero byte, so that they profit from
one document for the next, which a language model in windows does not. The n-gram model is over
bytes, of order 6, interpolated by Witten and Bell (1990), and learns from
the first MEGABYTES (20) of the training documents, an equal share of each set; a set that is
smaller is read whole.

Needs `zstandard` and `numpy`. Deterministic.
"""

import json
import lzma
import sys
import tomllib
from pathlib import Path

import numpy
import zstandard

HERE = Path(__file__).parent
ORDER = 6
RECIPE = tomllib.loads((HERE / "recipe.toml").read_text(encoding="utf-8"))


def documents(path):
    licences = set(RECIPE["data"]["licences"])
    with path.open("rb") as packed:
        lines = zstandard.ZstdDecompressor().stream_reader(packed).read().splitlines()
    for line in lines:
        document = json.loads(line)
        if document["licence"] in licences:
            yield document["text"].encode()


def sets(folder, kind):
    """The documents of the recipe's sets that have any, by the set's name."""
    found = {}
    for path in RECIPE["data"][kind]:
        name = Path(path).name
        texts = list(documents(folder / name))
        if texts:
            found[name.split(".")[0]] = texts
    return found


def contexts(stream, length):
    """For each byte of a stream, the number that the `length` bytes up to and with it spell."""
    keys = numpy.zeros(len(stream), dtype=numpy.uint64)
    for back in range(length):
        keys[back:] |= stream[: len(stream) - back].astype(numpy.uint64) << numpy.uint64(8 * back)
    return keys


def padded(texts):
    """Each document after ORDER zero bytes, which stand for its beginning."""
    stream = numpy.frombuffer(b"".join(bytes(ORDER) + text for text in texts), dtype=numpy.uint8)
    is_text = numpy.concatenate(
        [numpy.r_[numpy.zeros(ORDER, bool), numpy.ones(len(text), bool)] for text in texts]
    )
    return stream, is_text


class NGrams:
    """Counts of n-grams of bytes, for each length those that occur, sorted."""

    def __init__(self, texts):
        stream, is_text = padded(texts)
        self.tables = []
        for length in range(1, ORDER + 1):
            grams = contexts(stream, length)[is_text]
            keys, counts = numpy.unique(grams, return_counts=True)
            # Of each context: how often it was seen, and with how many different bytes after it.
            before, first = numpy.unique(keys >> numpy.uint64(8), return_index=True)
            totals = numpy.add.reduceat(counts, first)
            kinds = numpy.diff(numpy.append(first, len(keys)))
            self.tables.append((keys, counts, before, totals, kinds))

    def bits(self, texts):
        """The bits that each text costs."""
        stream, is_text = padded(texts)
        p = numpy.full(int(is_text.sum()), 1 / 256)
        for length, (keys, counts, before, totals, kinds) in enumerate(self.tables, start=1):
            grams = contexts(stream, length)[is_text]
            count = look_up(keys, grams, counts)
            context = grams >> numpy.uint64(8)
            total, kind = look_up(before, context, totals), look_up(before, context, kinds)
            seen = total > 0
            # Witten and Bell: a new byte is as likely as there were different ones.
            p[seen] = ((count + kind * p) / numpy.maximum(total + kind, 1))[seen]
        lengths = [len(text) for text in texts]
        return numpy.add.reduceat(-numpy.log2(p), numpy.cumsum([0, *lengths[:-1]]))


def look_up(keys, wanted, values):
    at = numpy.minimum(numpy.searchsorted(keys, wanted), len(keys) - 1)
    return numpy.where(keys[at] == wanted, values[at], 0)


def training_texts(folder, budget):
    """An equal share of each set, of the smaller ones all, up to `budget` bytes together."""
    found = sorted(sets(folder, "train").values(), key=lambda texts: sum(map(len, texts)))
    kept = []
    for n_done, texts in enumerate(found):
        share = budget // (len(found) - n_done)
        for text in texts:
            text = text[:share]
            share -= len(text)
            budget -= len(text)
            if text:
                kept.append(text)
    return kept


def compressed(texts):
    stream = b"\0".join(texts)
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]
    return {
        "zstd -19": len(zstandard.ZstdCompressor(level=19).compress(stream)),
        "zstd --ultra -22": len(zstandard.ZstdCompressor(level=22).compress(stream)),
        "xz -9e": len(lzma.compress(stream, lzma.FORMAT_XZ, lzma.CHECK_NONE, filters=filters)),
    }


def main():
    folder = Path(sys.argv[1])
    budget = int((sys.argv[2:] or [20])[0]) * 1_000_000
    trained_on = training_texts(folder, budget)
    n_bytes = sum(map(len, trained_on))
    print(f"n-grams of {n_bytes / 1e6:.1f} MB, {len(trained_on)} documents\n")
    ngrams = NGrams(trained_on)
    held_out = sets(folder, "validation")
    held_out["all together"] = [text for texts in list(held_out.values()) for text in texts]
    methods = ["zstd -19", "zstd --ultra -22", "xz -9e", f"{ORDER}-gram"]
    print(f"| documents | bytes | {' | '.join(methods)} |")
    print("|---|---|" + "---|" * len(methods))
    for name, texts in held_out.items():
        n_bytes = sum(map(len, texts))
        bits = {method: 8 * size for method, size in compressed(texts).items()}
        bits[f"{ORDER}-gram"] = float(ngrams.bits(texts).sum())
        row = " | ".join(f"{bits[method] / n_bytes:.3f}" for method in methods)
        print(f"| {name} | {n_bytes} | {row} |", flush=True)


if __name__ == "__main__":
    main()
