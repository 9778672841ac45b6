#!/usr/bin/env python3
"""Compare `hadal bench` with the llama-bench of llama.cpp or of a program made from it, on one GGUF
file: alternating, so that all meet the same disturbances, with the medians and their ratios.

    python3 benches/peers/llama_bench.py MODEL.gguf \\
        --peer "llama.cpp=PATH/llama-bench -fa 1" \\
        --peer "ik=OTHER/llama-bench -rtr 1 -fa 1 -mla 3 -fmoe 1"

Every peer is measured with one sample a round, after a warm-up of its own. `--hadal-model` gives
hadal another file, such as a folder that `hadal pack` made of the same weights. The peers' figures
come from their own `-o json`. With `--depth`, ik_llama.cpp wants `--gp`. With `--batch`, several
sequences are written at once, and the peers are their llama-batched-bench. Needs nothing beside
Python.
"""

import argparse
import json
import shlex
import statistics
import subprocess


def output(command, stderr=subprocess.PIPE):
    """What a command prints, or its error."""
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
    if run.returncode:
        raise SystemExit(f"{shlex.join(command)} failed:\n{(run.stderr or run.stdout)[-2000:]}")
    return run.stdout


def of_hadal(args):
    """Tokens per second of prompt and answer, the memory's bytes per second beside them, and the
    share of what it allows that the answer reached."""
    command = [
        args.hadal, "bench", args.hadal_model or args.model, "--json", "--rounds", "1",
        "--threads", str(args.threads), "--prompt", str(args.prompt),
        "--generate", str(args.generate), "--depth", str(args.depth), "--batch", str(args.batch),
    ]
    report = json.loads(output(command))
    decode = report["decode"]
    speeds = report["prefill"]["tokens_per_second"], decode["tokens_per_second"]
    return speeds, decode["probe"], decode["roofline_share"]


def of_peer(command, args):
    """Tokens per second of prompt and answer."""
    generate = ["-n", str(args.generate)]
    if args.depth and args.gp:
        generate = ["-n", "0", "-gp", f"{args.depth},{args.generate}"]
    elif args.depth:
        generate += ["-d", str(args.depth)]
    command = shlex.split(command) + [
        "-m", args.model, "-t", str(args.threads), "-r", "1", "-o", "json",
        "-p", str(args.prompt), *generate,
    ]
    runs = json.loads(output(command))
    prompt = next(run["avg_ts"] for run in runs if not run["n_gen"])
    answer = next(run["avg_ts"] for run in runs if run["n_gen"])
    return prompt, answer


def of_batched_peer(command, args):
    """Tokens per second of all prompts and of all answers, from the table's one row, which some
    print on standard error."""
    room = args.batch * (args.prompt + args.generate)
    command = shlex.split(command) + [
        "-m", args.model, "-t", str(args.threads), "-c", str(room), "-npp", str(args.prompt),
        "-ntg", str(args.generate), "-npl", str(args.batch),
    ]
    lines = output(command, stderr=subprocess.STDOUT).splitlines()
    rows = [line.split("|") for line in lines if line.startswith("|")]
    names, figures = [name.strip() for name in rows[0]], rows[-1]
    return tuple(float(figures[names.index(name)]) for name in ["S_PP t/s", "S_TG t/s"])


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
    parser.add_argument("--gp", action="store_true", help="the peers take the depth by -gp, not -d")
    parser.add_argument("--batch", type=int, default=1, help="sequences that are written at once")
    args = parser.parse_args()
    measure_peer = of_batched_peer if args.batch > 1 else of_peer
    peers = dict(peer.split("=", 1) for peer in args.peer)
    figures = {name: [] for name in ["hadal", *peers]}
    for round_number in range(1, args.rounds + 1):
        speeds, probe, share = of_hadal(args)
        figures["hadal"].append(speeds)
        line = f"round {round_number}: memory {probe / 1e9:.1f} GB/s ({share:.0%} used)"
        line += f", hadal {speeds[0]:.1f} / {speeds[1]:.1f}"
        for name, command in peers.items():
            figures[name].append(measure_peer(command, args))
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
