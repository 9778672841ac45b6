"""Labelled blocks of web pages, to train `hadal corpus filter train` with.

A block is the text between two tags that break lines. It is labelled 1 where four fifths of its
word 4-grams stand in the gold text of its page, 0 where none do, and is left out between. A block of
fewer than 4 words is labelled 1 where it is a whole line of the gold text, 0 where it does not occur
there. Of pages that name strings which must or must not survive, blocks that hold one are labelled
by it, and the others left out. `site` is what to hold out as a whole: pages of one site share their menus.

    zstd -dc article_extraction_benchmark.public.jsonl.zst readability_pages.public.jsonl.zst \\
            trafilatura_eval.public.jsonl.zst |
        python3 benches/noise_blocks.py [--documents FILE...] > blocks.jsonl

`--documents` adds paragraphs of JSON lines with a `text` as blocks labelled 1, one site a document,
at most `--per-file` of each file.
"""

import argparse
import json
import re
import sys
from html.parser import HTMLParser
from urllib.parse import urlsplit

INLINE = set("a abbr b bdi bdo cite code data dfn em font i ins kbd label mark q s samp small span "
             "strike strong sub sup time tt u var wbr del img input".split())
SKIPPED = {"script", "style", "noscript", "template", "svg", "head", "textarea", "iframe"}


class Blocks(HTMLParser):
    """Collects the text of blocks."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.blocks, self.parts, self.depth = [], [], 0

    def cut(self):
        text = re.sub(r"\s+", " ", "".join(self.parts)).strip()
        if text:
            self.blocks.append(text)
        self.parts = []

    def handle_starttag(self, tag, attrs):
        if tag in SKIPPED:
            self.depth += 1
        if tag not in INLINE:
            self.cut()

    def handle_startendtag(self, tag, attrs):
        if tag not in INLINE:
            self.cut()

    def handle_endtag(self, tag):
        if tag in SKIPPED:
            self.depth = max(0, self.depth - 1)
        if tag not in INLINE:
            self.cut()

    def handle_data(self, data):
        if self.depth == 0:
            self.parts.append(data)


def blocks(html):
    parser = Blocks()
    parser.feed(html)
    parser.close()
    parser.cut()
    return parser.blocks


def words(text):
    return re.findall(r"[\u3400-\u9fff]|\w+", text.lower())


def shingles(tokens, n=4):
    return [tuple(tokens[i:i + n]) for i in range(max(1, len(tokens) - n + 1))]


def label(block, lines, gold_text, gold):
    tokens = words(block)
    if not tokens:
        return 0
    if len(tokens) < 4:
        line = " " + " ".join(tokens) + " "
        return 1 if line in lines else None if line in gold_text else 0
    parts = shingles(tokens)
    share = sum(part in gold for part in parts) / len(parts)
    return 1 if share >= 0.8 else 0 if share == 0 else None


def named(page):
    """Blocks of a page that names strings, with their labels."""
    for block in blocks(page["html"]):
        must = any(part in block for part in page["must"])
        must_not = any(part in block for part in page["must_not"])
        yield block, None if must == must_not else int(must)


def labelled(page):
    """Blocks of a page with its gold text, with their labels."""
    gold = page["articleBody"].split("\n") if "articleBody" in page else blocks(page["expected"])
    lines = {" " + " ".join(words(line)) + " " for line in gold}
    tokens = words("\n".join(gold))
    gold_text, gold = " " + " ".join(tokens) + " ", set(shingles(tokens))
    for block in blocks(page.get("html") or page["source"]):
        yield block, label(block, lines, gold_text, gold)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", nargs="*", default=[])
    parser.add_argument("--per-file", type=int, default=1000)
    arguments = parser.parse_args()
    n_between = 0
    for line in sys.stdin:
        page = json.loads(line)
        site = urlsplit(page.get("url") or "").netloc or page["id"]
        seen = set()
        for block, is_gold in named(page) if "must" in page else labelled(page):
            if block in seen:
                continue
            seen.add(block)
            if is_gold is None:
                n_between += 1
                continue
            print(json.dumps({"text": block, "label": is_gold, "site": site}, ensure_ascii=False))
    for path in arguments.documents:
        n = 0
        for number, line in enumerate(open(path, encoding="utf-8")):
            for paragraph in json.loads(line)["text"].split("\n"):
                if len(words(paragraph)) >= 8 and n < arguments.per_file:
                    n += 1
                    print(json.dumps({"text": paragraph, "label": 1, "site": f"{path}:{number}"},
                                     ensure_ascii=False))
            if n >= arguments.per_file:
                break
    print(f"{n_between} blocks were neither", file=sys.stderr)


if __name__ == "__main__":
    main()
