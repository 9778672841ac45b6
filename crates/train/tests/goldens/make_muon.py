#!/usr/bin/env python3
"""Make the golden file of ten steps by torch.optim.Muon on the model and the batches of ten_steps/.

    ten_steps/muon.safetensors    batches        i32 [10, B, T+1]  those of ten_steps/golden.safetensors, in an order in
                                                                  which all routing is clear
                                  losses         f32 [10]          before the step's update
                                  grad_norms     f32 [10]          global norm before clipping
                                  final.<name>   f32               every parameter after the tenth step

The loss, the clipping and the rates are those of make.py. Every matrix between hidden states, each expert's apart, is
trained by torch.optim.Muon with momentum 0.95 (Nesterov), five iterations of Newton and Schulz, weight decay 0.1 and
adjust_lr_fn="match_rms_adamw"; embedding, output head and router by AdamW with decay, the norms by AdamW without.

torch makes the iterations in bfloat16. Here they are made in float64, by the loop below, so that what is compared is
the method and not the rounding.

Run with: torch 2.15.0, transformers 5.23.0, safetensors 0.8.0, numpy 2.4.6 (CPU, one thread).

    python make_muon.py [--out FOLDER]
"""

import argparse
import math
import pathlib
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from transformers.utils import logging

sys.dont_write_bytecode = True
# In front of this script's own folder, which has a make.py too.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "model/tests/goldens"))
import make as model_goldens  # noqa: E402

ADAMW_MATRICES = ("embed_tokens.weight", "lm_head.weight", "mlp.gate.weight")


def orthogonal(matrix, coefficients, steps, least_norm):
    a, b, c = coefficients
    x = matrix.double()
    x = x / max(x.norm().item(), least_norm)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.to(matrix.dtype)


def train(model, batches, learning_rates):
    """Run the steps; return losses, gradient norms, the trained tensors and the smallest routing gap seen."""
    # Views by published name share the memory of transformers' fused experts.
    views = {
        name: view
        for key, parameter in model.named_parameters()
        for name, view in model_goldens.published(key, parameter.detach())
    }
    decayed = [v for n, v in views.items() if v.ndim == 2 and n.endswith(ADAMW_MATRICES)]
    hidden = [v for n, v in views.items() if v.ndim == 2 and not n.endswith(ADAMW_MATRICES)]
    vectors = [v for v in views.values() if v.ndim < 2]
    optimizers = [
        torch.optim.Muon(hidden, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(
            [dict(params=decayed, weight_decay=0.1), dict(params=vectors, weight_decay=0.0)],
            betas=(0.9, 0.95),
            eps=1e-8,
        ),
    ]
    routers = model_goldens.watch_routers(model)
    losses, norms, gap = [], [], math.inf
    for batch, learning_rate in zip(batches, learning_rates):
        logits = model_goldens.logits_of(model, batch[:, :-1])
        loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), batch[:, 1:].reshape(-1))
        model.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        for key, parameter in model.named_parameters():
            for name, gradient in model_goldens.published(key, parameter.grad):
                views[name].grad = gradient
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
            optimizer.step()
        losses.append(loss.item())
        gap = min(gap, *(model_goldens.check_routing(*router, model.config)[0] for router in routers.values()))
    return losses, norms, views, gap


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent, help="output folder")
    out = parser.parse_args().out / "ten_steps"
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.optim._muon._zeropower_via_newtonschulz = orthogonal

    folder = pathlib.Path(__file__).parent / "ten_steps"
    steps = load_file(folder / "golden.safetensors")
    for seed in range(100):
        order = torch.randperm(len(steps["batches"]), generator=torch.Generator().manual_seed(seed))
        model = model_goldens.load_model(folder)
        batches = steps["batches"][order]
        losses, norms, views, gap = train(model, batches.long(), steps["learning_rates"].tolist())
        if gap > model_goldens.MIN_GAP:
            break
    else:
        raise SystemExit("no order of the batches gives clear routing")
    golden = {f"final.{name}": view.clone() for name, view in views.items()}
    golden |= dict(batches=batches.contiguous(), losses=torch.tensor(losses), grad_norms=torch.tensor(norms))
    model_goldens.write_tensors(out / "muon.safetensors", golden)
    print(f"muon: batches in the order of seed {seed}, smallest routing gap {gap:.2e}")
    for step, (loss, norm) in enumerate(zip(losses, norms), 1):
        print(f"  step {step}: loss {loss:.6f}, norm {norm:.6f}")


if __name__ == "__main__":
    main()
