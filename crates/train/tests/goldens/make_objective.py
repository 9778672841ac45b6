#!/usr/bin/env python3
"""Make the golden file of the objective's test: a tiny DeepSeek-V3 of transformers with the multi-token-prediction
module written here from the V3 report (section 2.2), trained by torch on the whole objective.

    objective/config.json         the `v3` case with one dense and one MoE layer, num_nextn_predict_layers 1
    objective/model.safetensors   the initial weights; the module's under model.layers.2, as published
    objective/golden.safetensors  batches      i32 [10, B, T+1]   inputs are [..., :-1], targets are [..., 1:]
                                  losses, multi_token_losses, balance_losses, z_losses, totals, grad_norms   f32 [10]
                                  grad.<name>  f32                of the total at step 1, every parameter

The objective, in float32, with every mean over the whole batch:

    total = CE(t+1) + 0.3 CE(t+2) + 0.01 balance + 0.001 z

CE(t+2) is a mean over the T-1 positions of a row that have such a target. balance is equations 17 to 20 without α,
a mean over rows and a sum over the routers, the module's included; z is the mean of (log Z)^2 of the main logits.
α and z are larger than in practice, so that an error in either would show.

The module: eh_proj(concat(enorm(Emb(t+1)), hnorm(h))) -> a decoder layer -> shared_head.norm -> the main model's head,
with h the main model's output after its last norm. The steps are those of make.py.

Run with: torch 2.15.0, transformers 5.23.0, safetensors 0.8.0, numpy 2.4.6 (CPU, one thread).

    python make_objective.py [--out FOLDER]
"""

import argparse
import importlib.util
import json
import math
import pathlib
import shutil

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn
from transformers import AutoModelForCausalLM, DeepseekV3Config
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3DecoderLayer, DeepseekV3RMSNorm
from transformers.utils import logging

# make.py under another name: it imports the model tests' make.py, which it is called after.
SPEC = importlib.util.spec_from_file_location("ten_steps", pathlib.Path(__file__).with_name("make.py"))
ten_steps = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(ten_steps)
model_goldens, BATCH, LENGTH, STEPS = ten_steps.model_goldens, ten_steps.BATCH, ten_steps.LENGTH, ten_steps.STEPS

MULTI_TOKEN, BALANCE, Z = 0.3, 0.01, 0.001
FIRST_SEED = 1100


class SecondPredictor(DeepseekV3DecoderLayer):
    """The parameters' names below model.layers.N are the published ones."""

    def __init__(self, config):
        super().__init__(config, config.num_hidden_layers)
        hidden, epsilon = config.hidden_size, config.rms_norm_eps
        self.enorm = DeepseekV3RMSNorm(hidden, epsilon)
        self.hnorm = DeepseekV3RMSNorm(hidden, epsilon)
        self.eh_proj = nn.Linear(2 * hidden, hidden, bias=False)
        self.shared_head = nn.Module()
        self.shared_head.norm = DeepseekV3RMSNorm(hidden, epsilon)

    def predict(self, model, hidden, following):
        """Logits of the token after `following`."""
        both = torch.cat([self.enorm(model.model.embed_tokens(following)), self.hnorm(hidden)], dim=-1)
        x = self.eh_proj(both)
        positions = torch.arange(x.shape[1])[None]
        x = self(
            x,
            attention_mask=model_goldens.causal_mask(x.shape[1]),
            position_ids=positions,
            position_embeddings=model.model.rotary_emb(x, positions),
        )
        return model.lm_head(self.shared_head.norm(x))


def balance_loss(logits, indices, config):
    """Equations 17 to 20 of one router, without α: the mean over rows."""
    experts, active = config.n_routed_experts, config.num_experts_per_tok
    scores = logits.sigmoid().view(BATCH, LENGTH, experts)
    parts = scores / scores.sum(-1, keepdim=True)
    chosen = F.one_hot(indices.view(BATCH, LENGTH, active), experts).sum(2)
    frequency = experts / (active * LENGTH) * chosen.sum(1)
    return (frequency * parts.mean(1)).sum(-1).mean()


def watch(model, predictor):
    """Keep each router's outputs with their gradients: layer -> (module, logits, weights, indices)."""
    seen = {}
    for index, layer in enumerate([*model.model.layers, predictor]):
        if hasattr(layer.mlp, "gate"):
            layer.mlp.gate.register_forward_hook(
                lambda module, _args, out, index=index: seen.__setitem__(index, (module, *out))
            )
    return seen


def objective(model, predictor, batch, seen, config):
    inputs, targets = batch[:, :-1], batch[:, 1:]
    hidden = model.model(inputs, use_cache=False).last_hidden_state
    logits = model.lm_head(hidden)
    vocab = logits.shape[-1]
    loss = F.cross_entropy(logits.reshape(-1, vocab), targets.reshape(-1))
    second = predictor.predict(model, hidden, targets)[:, :-1]
    multi_token = F.cross_entropy(second.reshape(-1, vocab), batch[:, 2:].reshape(-1))
    balance = sum(balance_loss(out[1], out[3], config) for out in seen.values())
    z = logits.logsumexp(-1).square().mean()
    total = loss + MULTI_TOKEN * multi_token + BALANCE * balance + Z * z
    return dict(totals=total, losses=loss, multi_token_losses=multi_token, balance_losses=balance, z_losses=z)


def named(model, predictor, config, of=lambda parameter: parameter):
    """Every parameter by its published name."""
    both = [*model.named_parameters()]
    both += [(f"model.layers.{config.num_hidden_layers}.{name}", p) for name, p in predictor.named_parameters()]
    return {key: value for name, p in both for key, value in model_goldens.published(name, of(p))}


def train(model, predictor, config, batches):
    parameters = [*model.parameters(), *predictor.parameters()]
    groups = [
        dict(params=[p for p in parameters if p.ndim >= 2], weight_decay=0.1),
        dict(params=[p for p in parameters if p.ndim < 2], weight_decay=0.0),
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-8)
    seen = watch(model, predictor)
    found, gradients, gap = {}, None, math.inf
    for step, batch in enumerate(batches, 1):
        for group in optimizer.param_groups:
            group["lr"] = ten_steps.learning_rate(step)
        terms = objective(model, predictor, batch, seen, config)
        optimizer.zero_grad()
        terms["totals"].backward()
        if gradients is None:
            gradients = {f"grad.{k}": v.clone() for k, v in named(model, predictor, config, lambda p: p.grad).items()}
        terms["grad_norms"] = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        for name, value in terms.items():
            found.setdefault(name, []).append(value.item())
        checks = [model_goldens.check_routing(out[0], *(x.detach() for x in out[1:]), config) for out in seen.values()]
        gap = min(gap, *(check[0] for check in checks))
    return found, gradients, gap


def check_opens(folder, model, ids):
    """Transformers opens the folder, ignoring the module's weights, and computes what the main model computes."""
    opened, report = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=torch.float32,
        attn_implementation="eager",
        experts_implementation="eager",
        output_loading_info=True,
    )
    assert not report["missing_keys"] and not report["mismatched_keys"], report
    with torch.no_grad():
        assert torch.equal(model_goldens.logits_of(opened.eval(), ids), model_goldens.logits_of(model, ids))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent, help="output folder")
    folder = parser.parse_args().out / "objective"
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    logging.set_verbosity_error()
    logging.disable_progress_bar()

    config = DeepseekV3Config(**model_goldens.V3 | dict(num_hidden_layers=2, num_nextn_predict_layers=1))
    for seed in range(FIRST_SEED, FIRST_SEED + 100):
        generator = torch.Generator().manual_seed(seed)
        model = model_goldens.new_model(config)
        predictor = SecondPredictor(model.config).eval()
        model_goldens.fill(model, generator)
        model_goldens.fill(predictor, generator)
        first = torch.randint(0, config.vocab_size, (STEPS, BATCH, 1), generator=generator)
        jump = torch.randint(0, 24, (STEPS, BATCH, LENGTH + 1), generator=generator)
        batches = (first + torch.where(jump == 0, 7, 1).cumsum(-1)) % 24
        initial = [{k: v.clone() for k, v in module.state_dict().items()} for module in (model, predictor)]
        found, gradients, gap = train(model, predictor, config, batches)
        if gap > model_goldens.MIN_GAP:
            break
    else:
        raise SystemExit("no seed gives clear routing")

    golden = dict(batches=batches.int().contiguous()) | gradients
    golden |= {name: torch.tensor(values) for name, values in found.items()}
    model.load_state_dict(initial[0])
    predictor.load_state_dict(initial[1])
    if folder.exists():
        shutil.rmtree(folder)
    model_goldens.save_checkpoint(model, folder)
    weights = load_file(folder / "model.safetensors")
    for name, tensor in predictor.state_dict().items():
        weights |= dict(model_goldens.published(f"model.layers.{config.num_hidden_layers}.{name}", tensor))
    model_goldens.write_tensors(folder / "model.safetensors", weights)
    model_goldens.write_tensors(folder / "golden.safetensors", golden)
    assert json.loads((folder / "config.json").read_text())["num_nextn_predict_layers"] == 1
    check_opens(folder, model, batches[0, :, :-1])
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"objective: seed {seed}, smallest routing gap {gap:.2e}, {size / 1024:.0f} KiB")
    for step in range(STEPS):
        print(f"  step {step + 1}: " + ", ".join(f"{name} {values[step]:.6f}" for name, values in found.items()))


if __name__ == "__main__":
    main()
