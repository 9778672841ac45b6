#!/usr/bin/env python3
"""Compare `hadal bench` with the llama-bench of llama.cpp or of a program made from it, on one GGUF
file: alternating, so that all meet the same disturbances, with the medians and their ratios.

    python3 benches/peers/llama_bench.py MODEL.gguf \\
        --peer "llama.cpp=PATH/llama-bench -fa 1" \\
        --peer "ik=OTHER/llama-bench -rtr 1 -fa 1 -mla 3 -fmoe 1"

Every peer is measured with one sample a round, after a warm-up of its own. `--hadal-model` gives
hadal another file, such as a folder that `hadal pack` made of the same weights. The peers' figures
come from their own `-o json`. Needs nothing beside Python.
"""

import argparse
import json
import shlex
import statistics
import subprocess


def output(command):
    """What a command prints, or its error."""
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"{shlex.join(command)} failed:\n{run.stderr[-2000:]}")
    return run.stdout


def of_hadal(args):
    """Tokens per second of prompt and answer, and the memory's bytes per second beside them."""
    command = [
        args.hadal, "bench", args.hadal_model or args.model, "--json", "--rounds", "1",
        "--threads", str(args.threads), "--prompt", str(args.prompt),
        "--generate", str(args.generate), "--depth", str(args.depth),
    ]
    report = json.loads(output(command))
    probe = report["decode"]["probe"]
    return report["prefill"]["tokens_per_second"], report["decode"]["tokens_per_second"], probe


def of_peer(command, args):
    """Tokens per second of prompt and answer."""
    depth = ["-d", str(args.depth)] if args.depth else []
    command = shlex.split(command) + [
        "-m", args.model, "-t", str(args.threads), "-r", "1", "-o", "json",
        "-p", str(args.prompt), "-n", str(args.generate), *depth,
    ]
    runs = json.loads(output(command))
    prompt = next(run["avg_ts"] for run in runs if run["n_prompt"] and not run["n_gen"])
    answer = next(run["avg_ts"] for run in runs if run["n_gen"] and not run["n_prompt"])
    return prompt, answer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a GGUF file")
    parser.add_argument("--peer", action="append", required=True, metavar="NAME=COMMAND")
    parser.add_argument("--hadal", default="target/release/hadal", help="the program hadal")
    parser.add_argument("--hadal-model", help="what hadal opens instead of the file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=128)
    parser.add_argument("--depth", type=int, default=0)
    args = parser.parse_args()
    peers = dict(peer.split("=", 1) for peer in args.peer)
    figures = {name: [] for name in ["hadal", *peers]}
    for round_number in range(1, args.rounds + 1):
        *speeds, probe = of_hadal(args)
        figures["hadal"].append(speeds)
        line = f"round {round_number}: memory {probe / 1e9:.1f} GB/s, hadal {speeds[0]:.1f} / {speeds[1]:.1f}"
        for name, command in peers.items():
            figures[name].append(of_peer(command, args))
            line += f", {name} {figures[name][-1][0]:.1f} / {figures[name][-1][1]:.1f}"
        print(line, flush=True)
    median = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in figures.items()}
    for place, what in enumerate([f"prompt of {args.prompt}", f"{args.generate} tokens after {args.depth}"]):
        ours = median["hadal"][place]
        print(f"{what}: hadal {ours:.1f} tokens/s", end="")
        for name in peers:
            print(f", {name} {median[name][place]:.1f} (hadal {ours / median[name][place]:.2f}×)", end="")
        print()


if __name__ == "__main__":
    main()
