"""A mixture of experts against a dense model of equal active FLOPs; see the README beside this.

    python3 recipes/moe-vs-dense/run.py --hadal target/release/hadal --data ../shared/data

Standard library only. A run that is finished is not done again, one that was interrupted goes on
from its last checkpoint: call it again with the same arguments. `--quick` trains a few steps of
each, to see that all of it works.
"""

import argparse
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SEEDS = [1, 2, 3]
CAPACITY_FACTORS = [2.0, 1.25, 1.0]
VALIDATION = ["en_books", "en_docs", "en_kids", "zh_classical_modern", "zh_docs"]
# The first steps pay for caches and page faults, and say little about the speed.
UNTIMED_STEPS = 10


def set_key(recipe, key, value):
    """The text of a recipe with one scalar changed; the key must be there once."""
    line = re.compile(rf"^{key} = .*$", re.M)
    changed, n_changed = line.subn(lambda _: f"{key} = {json.dumps(value)}", recipe)
    if n_changed != 1:
        sys.exit(f"the recipe has `{key}` {n_changed} times; run.py changes it where it is once")
    return changed


class Run:
    """One training run in a folder of its own, and what was measured on it."""

    def __init__(self, options, kind, seed, steps, name, capacity_factor=None):
        self.options, self.kind, self.seed, self.steps = options, kind, seed, steps
        self.capacity_factor = capacity_factor
        self.folder = options.output / name
        self.name = name

    def recipe(self):
        text = (HERE / f"{self.kind}.toml").read_text()
        text = set_key(text, "seed", self.seed)
        text = set_key(text, "steps", self.steps)
        text = set_key(text, "warm_up", min(50, self.steps // 4))
        text = set_key(text, "tokenizer", str(ROOT / "recipes/hadal-nano/tokenizer"))
        text = set_key(text, "folder", str(self.folder / "training"))
        if self.options.quick:
            text = set_key(text, "length", 64)
            text = set_key(text, "sequences", 4)
        if self.capacity_factor is not None:
            text = text.replace("[model]\n", f"[model]\ncapacity_factor = {self.capacity_factor}\n")
        pretrain = self.options.data / "pretrain"
        return text.replace('"../../../shared/data/pretrain/', f'"{pretrain}/')

    def result(self):
        """Trains and measures, unless that was done before by the same recipe."""
        done, recipe = self.folder / "result.json", self.folder / "recipe.toml"
        if done.exists() and recipe.exists() and recipe.read_text() == self.recipe():
            return json.loads(done.read_text())
        training = self.folder / "training"
        if recipe.exists() and recipe.read_text() != self.recipe():
            sys.exit(f"{self.folder} holds a run by another recipe; move it away or choose another "
                     "--output")  # fmt: skip
        self.folder.mkdir(parents=True, exist_ok=True)
        recipe.write_text(self.recipe())
        # The packed tokens are the same for all runs.
        shards = self.options.output / "shards"
        if shards.exists() and not (training / "shards").exists():
            shutil.copytree(shards, training / "shards", copy_function=os.link)
        print(f"{self.name}: {self.steps} steps", file=sys.stderr, flush=True)
        begun = any(training.glob("checkpoint-*[0-9]"))
        trained = self.hadal("train", str(recipe), *(["--resume"] if begun else []))
        if not shards.exists():
            shutil.copytree(training / "shards", shards, copy_function=os.link)
        checkpoint = Path(trained["checkpoint"])
        result = {
            "name": self.name, "kind": self.kind, "seed": self.seed, "steps": self.steps,
            "capacity_factor": self.capacity_factor, "loss": trained["loss"],
            **self.speed(training), **self.measure(checkpoint),
        }  # fmt: skip
        done.write_text(json.dumps(result, indent=2) + "\n")
        return result

    def speed(self, training):
        steps = {}
        for line in (training / "metrics.jsonl").read_text().splitlines():
            event = json.loads(line)
            if event["event"] == "step":
                # Of a step that was done twice, because the run went on from before it, the last.
                steps[event["step"]] = event
        recipe = tomllib.loads(self.recipe())
        tokens = recipe["batch"]["sequences"] * recipe["batch"]["length"]
        speeds = [step["tokens_per_second"] for step in steps.values()]
        timed = speeds[UNTIMED_STEPS:] or speeds
        routers = [step["router"] for step in steps.values() if step["router"]]
        assigned = self.assignments(recipe) * tokens * len(routers)
        n_dropped = sum(router["n_dropped"] for router in routers)
        return {
            "tokens": tokens * self.steps,
            # By the median step: other work on the machine, or a night's sleep, is not counted.
            "seconds": tokens * self.steps / statistics.median(timed),
            "tokens_per_second": statistics.median(timed),
            "dropped_share": n_dropped / assigned if routers else None,
        }

    @staticmethod
    def assignments(recipe):
        """Of a token to an expert, in all layers."""
        model = recipe["model"]
        n_layers = model["num_hidden_layers"] - model.get("first_k_dense_replace", 0)
        return n_layers * model.get("num_experts_per_tok", 0)

    def measure(self, checkpoint):
        """Measures without a capacity: what is dropped depends on what else is in the batch, and a
        held-out text should not."""
        measured = self.folder / "measured"
        shutil.rmtree(measured, ignore_errors=True)
        measured.mkdir()
        for file in checkpoint.iterdir():
            if not file.name.startswith("training."):
                shutil.copy(file, measured)
        config = json.loads((measured / "config.json").read_text())
        config.pop("capacity_factor", None)
        (measured / "config.json").write_text(json.dumps(config))
        files = [self.options.data / f"pretrain/{name}.val.jsonl.zst" for name in VALIDATION]
        limits = ["--max-tokens", "2000"] if self.options.quick else []
        found = self.hadal(
            "eval", str(measured), *map(str, files), *limits, "--context", "256",
            "--minimal-pairs", str(self.options.pairs),
        )  # fmt: skip
        shutil.rmtree(measured)
        return {
            "bits_per_byte": found["bits_per_byte"],
            "minimal_pairs": found["minimal_pairs"]["accuracy"],
        }

    def hadal(self, command, *args):
        ran = subprocess.run(
            [self.options.hadal, command, *args, "--json"], stdout=subprocess.PIPE, text=True
        )
        if ran.returncode != 0:
            sys.exit(f"hadal {command} failed for {self.name}; its sentence is above")
        return json.loads(ran.stdout)


def mean_and_error(values):
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
    return statistics.mean(values), error


def cell(values, scale=1.0, digits=4):
    mean, error = mean_and_error([scale * value for value in values])
    return f"{mean:.{digits}f}" + (f" ± {error:.{digits}f}" if error is not None else "")


def table(title, rows):
    lines = [f"### {title}", "", "| model | seeds | tokens, M | seconds | tokens/s | dropped | "
             "bits per byte | minimal pairs, % |", "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for name, runs in rows:
        def of(key, runs=runs):
            return [run[key] for run in runs]

        dropped = [share for share in of("dropped_share") if share is not None]
        lines.append(
            f"| {name} | {len(runs)} | {statistics.mean(of('tokens')) / 1e6:.2f} | "
            f"{statistics.mean(of('seconds')):.0f} | "
            f"{statistics.mean(of('tokens_per_second')):.0f} | "
            + (f"{100 * statistics.mean(dropped):.1f} %" if dropped else "")
            + f" | {cell(of('bits_per_byte'))} | {cell(of('minimal_pairs'), 100, 1)} |"
        )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hadal", default=str(ROOT / "target/release/hadal"))
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--output", type=Path, help="default: runs/moe-vs-dense, or -quick")
    parser.add_argument("--quick", action="store_true", help="a few steps, to see that it works")
    options = parser.parse_args()
    options.hadal = str(Path(options.hadal).resolve())
    options.data = options.data.resolve()
    name = "moe-vs-dense-quick" if options.quick else "moe-vs-dense"
    options.output = (options.output or ROOT / "runs" / name).resolve()
    options.output.mkdir(parents=True, exist_ok=True)
    options.pairs = options.data / "lmeval/blimp.public.jsonl.zst"
    if options.quick:
        options.pairs = ROOT / "crates/cli/tests/goldens/tasks/pairs.jsonl"
    recipe = tomllib.loads((HERE / "mixture.toml").read_text())
    steps = 12 if options.quick else recipe["schedule"]["steps"]

    equal_tokens = {
        kind: [Run(options, kind, seed, steps, f"{kind}-{seed}").result() for seed in SEEDS]
        for kind in ["dense", "mixture"]
    }
    results = {"equal_tokens": equal_tokens}
    write(options.output, results)
    # The faster kind gets as many more steps as fit into the seconds of the slower.
    speed = {
        kind: statistics.median(run["tokens_per_second"] for run in runs)
        for kind, runs in equal_tokens.items()
    }
    faster, slower = sorted(speed, key=speed.get, reverse=True)
    # Kept in a file: the speed of a later call must not ask for other runs.
    plan = options.output / "plan.json"
    if not plan.exists():
        extended = round(steps * speed[faster] / speed[slower])
        plan.write_text(json.dumps({"faster": faster, "steps": extended}) + "\n")
    decided = json.loads(plan.read_text())
    faster = decided["faster"]
    slower = next(kind for kind in equal_tokens if kind != faster)
    extended = [
        Run(options, faster, seed, decided["steps"], f"{faster}-{seed}-extended").result()
        for seed in SEEDS
    ]
    results["equal_seconds"] = {slower: equal_tokens[slower], faster: extended}
    results["capacity"] = [equal_tokens["mixture"][0]]
    write(options.output, results)
    for factor in CAPACITY_FACTORS:
        name = f"mixture-{SEEDS[0]}-capacity-{factor}"
        results["capacity"].append(Run(options, "mixture", SEEDS[0], steps, name, factor).result())
        write(options.output, results)
    print((options.output / "results.md").read_text(), end="")


def write(folder, results):
    """Writes what is known so far."""
    (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    report = [table("Equal tokens", results["equal_tokens"].items())]
    if "equal_seconds" in results:
        report.append(table("Equal seconds", results["equal_seconds"].items()))
        capacity = [
            ("dropless" if run["capacity_factor"] is None else f"{run['capacity_factor']}", [run])
            for run in results["capacity"]
        ]
        report.append(table("Capacity factor of the mixture, one seed", capacity))
    (folder / "results.md").write_text("\n".join(report))


if __name__ == "__main__":
    main()
