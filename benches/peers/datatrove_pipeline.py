#!/usr/bin/env python3
"""Compare `hadal corpus run` with datatrove, from web archives to token shards: extraction, the
rules of Gopher, C4 and FineWeb, MinHash de-duplication, and tokens by one tokenizer.

    python3 benches/peers/datatrove_pipeline.py PAGES.jsonl... --tokenizer models/hadal-nano --rounds 3

PAGES are JSON lines with `html` or `source` (a page), and where they have it `articleBody` (the text
that should come of it). They become two WARC files, which both read on two cores, in turn.
Seconds are of the whole command, the start of the interpreter included; `datatrove, inside` are those
between its first and last pipeline. Each side's quality is the F1 of four-word shingles of what it
kept against `articleBody`, over the pages that have one and that both kept.

Needs the packages datatrove[io,processing], lxml_html_clean, spacy and tokenizers. Of what is timed
hadal alone normalises; its quality is of a run without.
"""

import argparse
import gzip
import io
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def pages(paths):
    """Every page of the files: an address for it, its HTML, and the text that should come of it."""
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                page = json.loads(line)
                html = page.get("html") or page.get("source")
                if html:
                    yield f"https://example.org/{number}/{Path(path).stem}", html, page.get("articleBody")


def write_archives(paths, folder, copies):
    """Two WARC files of all pages; gives the text that should come of each address."""
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    files = [open(folder / f"{n}.warc.gz", "wb") for n in range(2)]
    writers = [WARCWriter(file, gzip=True) for file in files]
    truth, n_bytes, n_pages = {}, 0, 0
    for copy in range(copies):
        for number, (address, html, article) in enumerate(pages(paths)):
            # Copies differ in a word of each paragraph, so that de-duplication has what to find.
            body = html.replace("<p", f"<p data-copy='{copy}'", 5 * copy).encode()
            url = f"{address}?copy={copy}"
            head = StatusAndHeaders("200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1")
            # As Common Crawl says it; without, datatrove guesses and passes pages over.
            kind = {"WARC-Identified-Payload-Type": "text/html"}
            record = writers[number % 2].create_warc_record(
                url, "response", payload=io.BytesIO(body), http_headers=head, warc_headers_dict=kind
            )
            writers[number % 2].write_record(record)
            n_bytes += len(body)
            n_pages += 1
            if article:
                truth[url] = article
    for file in files:
        file.close()
    return truth, n_bytes, n_pages


def run_datatrove(archives, out, tokenizer):
    """datatrove's pipelines, as its FineWeb example has them, on two local workers."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature,
    )
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import (
        C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter,
    )
    from datatrove.pipeline.readers import JsonlReader, WarcReader
    from datatrove.pipeline.tokens import DocumentTokenizer
    from datatrove.pipeline.writers.jsonl import JsonlWriter

    config = MinhashConfig(num_buckets=14, hashes_per_bucket=8, n_grams=5)

    def run(name, pipeline, tasks=2):
        LocalPipelineExecutor(
            pipeline=pipeline, tasks=tasks, workers=2, logging_dir=f"{out}/logs/{name}", skip_completed=False
        ).run()

    begun = time.time()
    run("base", [
        WarcReader(archives, glob_pattern="*.warc.gz"),
        Trafilatura(favour_precision=True, timeout=10),
        GopherRepetitionFilter(),
        GopherQualityFilter(),
        C4QualityFilter(filter_no_terminal_punct=False),
        FineWebQualityFilter(),
        JsonlWriter(f"{out}/base"),
    ])
    run("signatures", [JsonlReader(f"{out}/base"), MinhashDedupSignature(f"{out}/signatures", config=config)])
    run("buckets", [MinhashDedupBuckets(f"{out}/signatures", f"{out}/buckets", config=config)], tasks=14)
    run("cluster", [MinhashDedupCluster(f"{out}/buckets", f"{out}/remove", config=config)], tasks=1)
    run("filter", [
        JsonlReader(f"{out}/base"),
        MinhashDedupFilter(f"{out}/remove"),
        JsonlWriter(f"{out}/kept"),
        DocumentTokenizer(
            f"{out}/tokens", local_working_dir=f"{out}/scratch",
            tokenizer_name_or_path=f"{tokenizer}/tokenizer.json", shuffle_documents=True,
        ),
    ])
    print(json.dumps({"inside": time.time() - begun}))


RECIPE = """\
output = "out"
[[source]]
name = "web"
paths = ["{archives}"]
[extract]
[filter]
rules = ["gopher_repetition", "gopher_quality", "c4", "fineweb"]
[dedup]
{normalise}
[pack]
tokenizer = "{tokenizer}"
"""


NORMALISE = """\
[normalise]
reference = "2026-01-01"
"""


def timed(command):
    begun = time.time()
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{run.stderr[-3000:]}")
    return time.time() - begun, run.stdout


def kept_by_datatrove(out):
    kept = {}
    for path in Path(out, "kept").glob("*.jsonl.gz"):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                kept[record["metadata"]["url"]] = record["text"]
    return kept


def kept_by_hadal(out):
    import pyarrow.parquet

    kept = {}
    for path in Path(out, "texts").glob("*.parquet"):
        table = pyarrow.parquet.read_table(path, columns=["url", "text"])
        kept.update(zip(*table.to_pydict().values()))
    return kept


def shingles(text):
    words = re.findall(r"\w+", text)
    return {tuple(words[i : i + 4]) for i in range(max(1, len(words) - 3))}


def f1(found, true):
    found, true = shingles(found), shingles(true)
    shared = len(found & true)
    return 2 * shared / (len(found) + len(true)) if shared else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--hadal", default="target/release/hadal-corpus")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--copies", type=int, default=2, help="how often each page stands in the archives")
    parser.add_argument("--peer", nargs=2, metavar=("ARCHIVES", "OUT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        return run_datatrove(*args.peer, args.tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        archives = folder / "archives"
        archives.mkdir()
        truth, n_bytes, n_pages = write_archives(args.pages, archives, args.copies)
        tokenizer = Path(args.tokenizer).resolve()
        recipe = folder / "recipe.toml"
        recipe.write_text(RECIPE.format(archives=archives, tokenizer=tokenizer, normalise=NORMALISE))
        peer = [sys.executable, __file__, "--tokenizer", args.tokenizer, "--peer", str(archives), str(folder / "peer")]
        seconds = {"hadal": [], "datatrove": [], "datatrove, inside": []}
        for _ in range(args.rounds):
            shutil.rmtree(folder / "out", ignore_errors=True)
            seconds["hadal"].append(timed([args.hadal, "run", str(recipe)])[0])
            shutil.rmtree(folder / "peer", ignore_errors=True)
            whole, said = timed(peer)
            seconds["datatrove"].append(whole)
            seconds["datatrove, inside"].append(json.loads(said.strip().splitlines()[-1])["inside"])
        print(f"{n_pages} pages, {n_bytes / 1e6:.0f} MB of HTML, {args.rounds} rounds in turn")
        ours = statistics.median(seconds["hadal"])
        for name, all_ in seconds.items():
            median = statistics.median(all_)
            print(f"{name:20} {median:8.2f} s ({min(all_):.2f} to {max(all_):.2f}), {n_pages / median:7.0f} pages/s, {median / ours:6.1f} times hadal's")
        # A text in one form is not the one it came from, so that quality is of texts as they are.
        recipe.write_text(RECIPE.format(archives=archives, tokenizer=tokenizer, normalise=""))
        shutil.rmtree(folder / "out")
        timed([args.hadal, "run", str(recipe)])
        kept = {"hadal": kept_by_hadal(folder / "out"), "datatrove": kept_by_datatrove(folder / "peer")}
        both = [url for url in truth if all(url in texts for texts in kept.values())]
        for name, texts in kept.items():
            scores = [f1(texts[url], truth[url]) for url in both]
            mean = statistics.mean(scores) if scores else float("nan")
            print(f"{name:20} kept {len(texts)} pages; F1 of {len(both)} that both kept: {mean:.3f}")


if __name__ == "__main__":
    main()
