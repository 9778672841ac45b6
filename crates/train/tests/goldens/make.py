#!/usr/bin/env python3
"""Make the golden file of the training test: ten optimiser steps by torch on a tiny DeepSeek-V3 of transformers.

    ten_steps/config.json         the model tests' `v3` case with one dense and one MoE layer, as transformers saves it
    ten_steps/model.safetensors   its initial weights, with the published per-expert names
    ten_steps/golden.safetensors  batches        i32 [10, B, T+1]  inputs are [..., :-1], targets are [..., 1:]
                                  learning_rates f32 [10]          the rate of each step
                                  losses         f32 [10]          before the step's update
                                  grad_norms     f32 [10]          global norm before clipping
                                  final.<name>   f32               every parameter after the tenth step

Each step, in float32:
 1. loss = mean next-token cross entropy over the B*T targets; no balance loss;
 2. gradients clipped with torch.nn.utils.clip_grad_norm_ at global norm 1: g *= min(1, 1 / (norm + 1e-6));
 3. torch.optim.AdamW, betas 0.9 and 0.95, eps 1e-8, decoupled weight decay 0.1 on tensors of two or more dimensions
    (embeddings, output head, router and experts included), none on the norms;
 4. the rate of step s = 1..10, with peak P = 3e-3 and floor P / 10:
        s <= 3: P * s / 3
        s >  3: floor + (P - floor) * (1 + cos(pi * (s - 3) / 7)) / 2

e_score_correction_bias is not trained. An expert that no token chose in a step has a zero gradient, not a missing one:
its moments still decay and its weights are still updated (transformers keeps all experts in one tensor).

Run with: torch 2.15.0, transformers 5.23.0, safetensors 0.8.0, numpy 2.4.6 (CPU, one thread).

    python make.py [--out FOLDER]
"""

import argparse
import math
import pathlib
import shutil
import sys

import torch
import torch.nn.functional as F
from transformers import DeepseekV3Config
from transformers.utils import logging

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "model/tests/goldens"))
import make as model_goldens  # noqa: E402

STEPS, BATCH, LENGTH = 10, 2, 16
WARM_UP, PEAK, FLOOR = 3, 3e-3, 3e-4
FIRST_SEED = 900


def learning_rate(step):
    if step <= WARM_UP:
        return PEAK * step / WARM_UP
    return FLOOR + (PEAK - FLOOR) * (1 + math.cos(math.pi * (step - WARM_UP) / (STEPS - WARM_UP))) / 2


def train(model, config, batches):
    """Run the steps; return losses, gradient norms and the smallest routing gap seen."""
    groups = [
        dict(params=[p for p in model.parameters() if p.ndim >= 2], weight_decay=0.1),
        dict(params=[p for p in model.parameters() if p.ndim < 2], weight_decay=0.0),
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-8)
    routers = model_goldens.watch_routers(model)
    losses, norms, gap = [], [], math.inf
    for step, batch in enumerate(batches, 1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        logits = model_goldens.logits_of(model, batch[:, :-1])
        loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), batch[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        optimizer.step()
        losses.append(loss.item())
        gap = min(gap, *(model_goldens.check_routing(*router, config)[0] for router in routers.values()))
    return losses, norms, gap


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent, help="output folder")
    folder = parser.parse_args().out / "ten_steps"
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    logging.set_verbosity_error()
    logging.disable_progress_bar()

    config = DeepseekV3Config(**model_goldens.V3 | dict(num_hidden_layers=2))
    for seed in range(FIRST_SEED, FIRST_SEED + 100):
        generator = torch.Generator().manual_seed(seed)
        model = model_goldens.new_model(config)
        model_goldens.fill(model, generator)
        # Tokens of a few kinds, each followed mostly by its successor, so that there is something to learn.
        first = torch.randint(0, config.vocab_size, (STEPS, BATCH, 1), generator=generator)
        jump = torch.randint(0, 24, (STEPS, BATCH, LENGTH + 1), generator=generator)
        strides = torch.where(jump == 0, 7, 1).cumsum(-1)
        batches = (first + strides) % 24
        initial = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        losses, norms, gap = train(model, config, batches)
        if gap > model_goldens.MIN_GAP:
            break
    else:
        raise SystemExit("no seed gives clear routing")

    golden = dict(
        batches=batches.int().contiguous(),
        learning_rates=torch.tensor([learning_rate(step) for step in range(1, STEPS + 1)]),
        losses=torch.tensor(losses),
        grad_norms=torch.tensor(norms),
    )
    for name, parameter in model.named_parameters():
        golden |= {f"final.{key}": value.detach().clone() for key, value in model_goldens.published(name, parameter)}
    model.load_state_dict(initial)
    if folder.exists():
        shutil.rmtree(folder)
    model_goldens.save_checkpoint(model, folder)
    model_goldens.write_tensors(folder / "golden.safetensors", golden)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"ten_steps: seed {seed}, smallest routing gap {gap:.2e}, {size / 1024:.0f} KiB")
    for step in range(STEPS):
        print(f"  step {step + 1}: lr {golden['learning_rates'][step]:.6e}, loss {losses[step]:.6f}, norm {norms[step]:.6f}")


if __name__ == "__main__":
    main()
