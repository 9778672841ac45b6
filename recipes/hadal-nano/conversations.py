#!/usr/bin/env python3
"""Write the conversations that hadal-nano is fine-tuned on: one JSON line each, `messages`, `licence`
and `src`. Everything is drawn from permissive sources and from everyday.jsonl beside this file; the
README says which. The same seed writes the same bytes.

    python3 conversations.py DATA TRAIN.jsonl VALIDATION.jsonl

needs PyPI `zstandard`.
"""

import io
import json
import random
import re
import sys
from pathlib import Path

import zstandard

SEED = 20261124
VALIDATION_SHARE = 0.02
LONGEST_ANSWER = 600  # characters; a window of the recipe holds about twice as many

HERE = Path(__file__).parent


def records(path):
    """The records of a JSON-lines file, compressed or not."""
    with open(path, "rb") as file:
        stream = zstandard.ZstdDecompressor().stream_reader(file) if path.suffix == ".zst" else file
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            if line.strip():
                yield json.loads(line)


def conversation(turns, licence, src):
    """Turns that alternate from the user's first, as a record."""
    roles = ["user", "assistant"]
    messages = [{"role": roles[i % 2], "content": text} for i, text in enumerate(turns)]
    return {"messages": messages, "licence": licence, "src": src}


def spaced(text):
    """English without the spaces that a word tokenizer left."""
    text = re.sub(r" (n't|'s|'m|'re|'ve|'ll|'d)\b", r"\1", text)
    text = re.sub(r" ([.,?!;:)])", r"\1", text)
    return re.sub(r"\s+", " ", text.replace("( ", "(")).strip()


def dialogues(path, licence, name):
    """Task-oriented dialogues, user first, whole exchanges only."""
    for record in records(path):
        turns = []
        system_first = "system" in record["turns"][0] and list(record["turns"][0])[0] == "system"
        said = [
            (turn["system"], turn["user"]) if system_first else (turn["user"], turn["system"])
            for turn in record["turns"]
        ]
        flat = [spaced(text) for pair in said for text in pair]
        flat = flat[1:] if system_first else flat
        flat = flat[: len(flat) // 2 * 2]
        for user, answer in zip(flat[::2], flat[1::2]):
            if not user or not answer:
                break
            turns += [user, answer]
        if turns:
            yield conversation(turns, licence, f"{name}/{record['id']}")


def trees(path):
    """The path of first replies of each tree, where it speaks of no other assistant."""
    for record in records(path):
        turns, node = [], record["prompt"]
        while node:
            turns.append(node["text"].strip())
            node = node["replies"][0] if node["replies"] else None
        turns = turns[: len(turns) // 2 * 2]
        others = re.search(r"ChatGPT|OpenAI|GPT|Open ?Assistant|LAION", " ".join(turns))
        if turns and not others and max(map(len, turns)) <= 2 * LONGEST_ANSWER:
            yield conversation(turns, "Apache-2.0", f"oasst/{record['message_tree_id']}")


def seed_tasks(path):
    """Instructions with an answer of moderate length."""
    for record in records(path):
        instance = record["instances"][0]
        question = "\n".join(filter(None, [record["instruction"], instance["input"]]))
        if len(question) <= LONGEST_ANSWER and len(instance["output"]) <= LONGEST_ANSWER:
            turns = [question, instance["output"].strip()]
            yield conversation(turns, "Apache-2.0", f"self-instruct/{record['id']}")


TO_MODERN = [
    "把下面的古文翻译成现代文：\n{}",
    "请用白话文解释：{}",
    "“{}”是什么意思？",
    "翻译成现代汉语：{}",
]
TO_CLASSICAL = ["把下面的话翻译成古文：\n{}", "用文言文怎么说：{}"]


def translations(path, rng, n_modern, n_classical):
    """Sentences of classical Chinese and what they mean, both ways."""
    pairs = []
    for record in records(path):
        found = re.findall(r"古文：(.+)\n现代文：(.+)", record["text"])
        pairs += [(old, new, record["src"]) for old, new in found if 8 <= len(old) and len(new) <= 120]
    chosen = rng.sample(pairs, n_modern + n_classical)
    for i, (old, new, src) in enumerate(chosen):
        asked = rng.choice(TO_MODERN).format(old) if i < n_modern else rng.choice(TO_CLASSICAL).format(new)
        yield conversation([asked, new if i < n_modern else old], "MIT", src)


POEM = ["写一首《{}》。", "请以“{}”为题写一首词。", "给我写一首词，题目是《{}》。"]


def poems(path, rng, n):
    """Poems by their title."""
    found = []
    for record in records(path):
        for poem in record["text"].split("\n\n"):
            title, _, lines = poem.partition("\n")
            if lines and len(title) <= 20 and 20 <= len(lines) <= 200:
                found.append((title, lines.strip(), record["src"]))
    for title, lines, src in rng.sample(found, n):
        yield conversation([rng.choice(POEM).format(title), lines], "MIT", src)


STORY = ["Tell me a story called {}.", "Write a short story for children: {}", "Can you tell me the story of {}?"]


def stories(path, rng):
    """Children's stories by their title, as far as an answer goes."""
    for record in records(path):
        title, _, body = record["text"].partition("\n")
        body = re.sub(r"\n##.*", "\n", body).split("* License")[0]
        paragraphs = [" ".join(p.split()) for p in body.split("\n\n") if p.strip()]
        told = ""
        for paragraph in paragraphs:
            if len(told) + len(paragraph) > LONGEST_ANSWER:
                break
            told += ("\n\n" if told else "") + paragraph
        if len(told) >= 100:
            turns = [rng.choice(STORY).format(title.lstrip("# ").strip()), told]
            yield conversation(turns, record["licence"], record["src"])


CONTINUE = ["Continue this text:\n{}", "What could come next?\n{}", "Go on from here: {}"]


def continuations(path, rng, n):
    """Passages of books, cut between two sentences."""
    passages = []
    for record in records(path):
        for paragraph in record["text"].replace("\r\n", "\n").split("\n\n"):
            sentences = re.split(r"(?<=[.!?]) +", " ".join(paragraph.split()))
            if 4 <= len(sentences) and len(paragraph) <= LONGEST_ANSWER and paragraph[0].isalpha():
                cut = len(sentences) // 2
                passages.append((" ".join(sentences[:cut]), " ".join(sentences[cut:]), record["src"]))
    for begun, rest, src in rng.sample(passages, n):
        yield conversation([rng.choice(CONTINUE).format(begun), rest], "public domain (US)", src)


SUMS = ["What is {} {} {}?", "{} {} {} = ?", "Calculate {} {} {}.", "{} {} {} 等于多少？", "计算：{} {} {}"]


def sums(rng, n):
    """Sums and differences up to 20, and products up to 10 × 10."""
    for i in range(n):
        sign = rng.choice("+-×")
        a, b = (rng.randint(1, 10), rng.randint(1, 10)) if sign == "×" else (rng.randint(0, 20), rng.randint(0, 20))
        if sign == "-" and b > a:
            a, b = b, a
        answer = {"+": a + b, "-": a - b, "×": a * b}[sign]
        turns = [rng.choice(SUMS).format(a, sign, b), f"{a} {sign} {b} = {answer}"]
        yield conversation(turns, "MIT OR Apache-2.0", f"sums/{i}")


def everyday(rng, n):
    """Greetings, questions about itself and small facts, in turns of one to four exchanges."""
    exchanges = {}
    for record in records(HERE / "everyday.jsonl"):
        exchanges.setdefault(record["lang"], []).append(record)
    for i in range(n):
        kept = rng.sample(exchanges[rng.choice(sorted(exchanges))], rng.randint(1, 4))
        kept.sort(key=lambda exchange: exchange.get("place", 1))
        turns = [text for e in kept for text in (rng.choice(e["user"]), rng.choice(e["assistant"]))]
        yield conversation(turns, "MIT OR Apache-2.0", f"everyday/{i}")


def joined(conversations, rng, n):
    """Conversations of two or three unrelated exchanges, so that an answer goes by its own question."""
    short = [c for c in conversations if sum(len(m["content"]) for m in c["messages"]) <= 300]
    for _ in range(n):
        parts = rng.sample(short, rng.randint(2, 3))
        licences = " AND ".join(sorted({part["licence"] for part in parts}))
        messages = [message for part in parts for message in part["messages"]]
        yield {"messages": messages, "licence": licences, "src": " + ".join(p["src"] for p in parts)}


def main(data, train, validation):
    rng = random.Random(SEED)
    pretrain = data / "pretrain"
    single = [
        *translations(pretrain / "zh_classical_modern.train.jsonl.zst", rng, 5000, 1500),
        *poems(pretrain / "zh_poetry.train.jsonl.zst", rng, 1200),
        *stories(pretrain / "en_kids.train.jsonl.zst", rng),
        *continuations(pretrain / "en_books.train.jsonl.zst", rng, 2000),
        *seed_tasks(data / "instruct/self_instruct_seed_tasks.jsonl"),
        *sums(rng, 1500),
        *everyday(rng, 2500),
    ]
    whole = [
        *single,
        *joined(single, rng, 2000),
        *dialogues(data / "dst/multiwoz21/val.jsonl.zst", "MIT", "multiwoz21"),
        *dialogues(data / "dst/multiwoz_zh/val.jsonl.zst", "Apache-2.0", "multiwoz_zh"),
        *dialogues(data / "dst/crosswoz/val.jsonl.zst", "Apache-2.0", "crosswoz"),
        *dialogues(data / "dst/woz20/train.jsonl.zst", "Apache-2.0", "woz20"),
        *trees(data / "instruct/oasst_en_100_trees.jsonl.zst"),
    ]
    rng.shuffle(whole)
    n_validation = int(len(whole) * VALIDATION_SHARE)
    for path, part in [(validation, whole[:n_validation]), (train, whole[n_validation:])]:
        with open(path, "w", encoding="utf-8") as out:
            for record in part:
                out.write(json.dumps(record, ensure_ascii=False) + "\n")
        print(f"{path}: {len(part)} conversations")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
