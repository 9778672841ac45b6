#!/usr/bin/env python3
"""Compare `hadal corpus dedup` with text-dedup on the same records: alternating, so that all meet the
same disturbances, with medians, ratios and the F1 of pairs against the same truth.

    python3 benches/peers/text_dedup.py --data PRETRAIN --hadal target/release/hadal-corpus \\
        --peer "simhash=python -m text_dedup.simhash --path json --data_files {input} --split train
                --column text --output {output} --cache_dir {folder} --debug" \\
        --peer "minhash=python -m text_dedup.minhash" \\
        --config minhash=benches/peers/configs/text_dedup_minhash.toml

The records are English texts of PRETRAIN (`en_*.train.jsonl.zst`) cut into pieces of 100 to 300
words, and copies of one piece in four with seeded edits: up to 10 % of the words replaced, left out
or added, an end cut off, or words of other texts around it. `--input` keeps them in a file.

A peer runs in an empty folder, with the number of cores and without what it cached before.
`--config` names a file that is written there as config.toml; {input}, {output} and {folder} are filled
in, in it as in the command. Its clusters are read from uf.pkl or clusters.pickle in {output}. The
time is that of the process, and beside it that without starting: a process that only imports the
same module is timed each round. Needs zstandard, and what the peers need.
"""

import argparse
import collections
import io
import json
import os
import pathlib
import pickle
import random
import shlex
import statistics
import subprocess
import tempfile
import time


def pieces(data, rng):
    """The words of English texts, 100 to 300 at a time, layout and all."""
    import zstandard

    for path in sorted(pathlib.Path(data).glob("en_*.train.jsonl.zst")):
        with open(path, "rb") as file:
            for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf8"):
                words = json.loads(line)["text"].split(" ")
                start = 0
                while start < len(words):
                    end = start + rng.randint(100, 300)
                    if end <= len(words):
                        yield words[start:end]
                    start = end


def edited(words, others, rng):
    """A near duplicate of `words`."""
    share = rng.uniform(0, 0.1)
    result = []
    for word in words:
        if rng.random() >= share:
            result.append(word)
            continue
        edit = rng.randrange(3)
        if edit == 0:
            result.append(rng.choice(others))
        elif edit == 1:
            result += [word, rng.choice(others)]
    frame = rng.randrange(3)
    if frame == 0:
        result = result[: int(len(result) * rng.uniform(0.8, 1.0))]
    elif frame == 1:
        n_around = rng.randint(1, len(words) // 5)
        result = [rng.choice(others) for _ in range(n_around)] + result
    return result


def write_input(path, data, n_records, seed):
    """Writes the records in random order; `truth` is the cluster of each."""
    rng = random.Random(seed)
    records = []
    originals = list(pieces(data, rng))
    rng.shuffle(originals)
    for truth, words in enumerate(originals):
        others = originals[rng.randrange(len(originals))]
        records.append((truth, words))
        if rng.random() < 0.25:
            records += [(truth, edited(words, others, rng)) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
        if len(records) >= n_records:
            break
    rng.shuffle(records)
    with open(path, "w", encoding="utf8") as file:
        for number, (truth, words) in enumerate(records):
            line = {"id": str(number), "truth": truth, "text": " ".join(words)}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def n_pairs(labels):
    return sum(n * (n - 1) // 2 for n in collections.Counter(labels).values())


def quality(truth, clusters):
    """Precision, recall and F1 of pairs within clusters."""
    both = n_pairs(zip(truth, clusters))
    precision, recall = both / max(n_pairs(clusters), 1), both / n_pairs(truth)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def timed(command, folder, env=None):
    """Seconds that a command takes, or its error."""
    began = time.perf_counter()
    run = subprocess.run(command, capture_output=True, cwd=folder, env=env, text=True)
    seconds = time.perf_counter() - began
    if run.returncode:
        raise SystemExit(f"{shlex.join(command)} failed:\n{run.stderr[-2000:]}")
    return seconds


def of_hadal(args, path):
    """Seconds, seconds without starting, and the cluster of each record."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder, "named.jsonl")
        command = [*shlex.split(args.hadal), "dedup"]
        empty = timed(["sh", "-c", f"{shlex.join(command)} < /dev/null"], None)
        whole = timed(["sh", "-c", f"{shlex.join(command)} < {path} > {output}"], None)
        with open(output, encoding="utf8") as file:
            clusters = [json.loads(line)["cluster"] for line in file]
    return whole, whole - empty, clusters


class Clusters(pickle.Unpickler):
    """Reads what a peer found without its modules."""

    def find_class(self, module, name):
        return type(name, (), {}) if name == "UnionFind" else super().find_class(module, name)


def of_peer(command, config, path, n_records):
    """Seconds, seconds without starting, and the cluster of each record."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder, "output")
        fill = lambda text: text.format(input=path, output=output, folder=folder)
        if config:
            pathlib.Path(folder, "config.toml").write_text(fill(pathlib.Path(config).read_text()))
        env = {**os.environ, "HF_HOME": folder, "HF_HUB_OFFLINE": "1"}
        command = shlex.split(fill(command))
        python, _, module = command[:3]
        start = timed([python, "-c", f"import {module}"], folder, env)
        whole = timed(command, folder, env)
        saved = next(output / name for name in ["uf.pkl", "clusters.pickle"] if (output / name).exists())
        found = Clusters(io.BytesIO(saved.read_bytes())).load()
        parents = getattr(found, "parent", found)

    def first(number):
        while parents.get(number, number) != number:
            number = parents[number]
        return number
    return whole, whole - start, [first(number) for number in range(n_records)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the folder of en_*.train.jsonl.zst")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND", help="python -m MODULE ...")
    parser.add_argument("--config", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--hadal", default="target/release/hadal-corpus", help="the program hadal-corpus, or hadal corpus")
    parser.add_argument("--input", help="the file of records; made where there is none")
    parser.add_argument("--records", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    peers = dict(peer.split("=", 1) for peer in args.peer)
    configs = dict(config.split("=", 1) for config in args.config)
    path = os.path.abspath(args.input or os.path.join(tempfile.mkdtemp(), "records.jsonl"))
    if not os.path.exists(path):
        write_input(path, args.data, args.records, args.seed)
    with open(path, encoding="utf8") as file:
        truth = [json.loads(line)["truth"] for line in file]
    megabytes = os.path.getsize(path) / 1e6
    print(f"{len(truth)} records, {megabytes:.1f} MB, {n_pairs(truth)} pairs of near duplicates", flush=True)
    times = {name: [] for name in ["hadal", *peers]}
    found = {}
    for round_number in range(1, args.rounds + 1):
        line = f"round {round_number}:"
        for name in times:
            if name == "hadal":
                *seconds, found[name] = of_hadal(args, path)
            else:
                *seconds, found[name] = of_peer(peers[name], configs.get(name), path, len(truth))
            times[name].append(seconds)
            line += f" {name} {seconds[0]:.2f} s"
        print(line, flush=True)
    median = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in times.items()}
    for name, (whole, running) in median.items():
        precision, recall, f1 = quality(truth, found[name])
        line = f"{name}: {whole:.2f} s, {running:.2f} s without starting; "
        line += f"pairs F1 {f1:.4f}, precision {precision:.4f}, recall {recall:.4f}"
        if name != "hadal":
            ratio, running_ratio = whole / median["hadal"][0], running / median["hadal"][1]
            line += f"; hadal takes 1/{ratio:.1f} of the time, 1/{running_ratio:.1f} without starting"
        print(line)


if __name__ == "__main__":
    main()
