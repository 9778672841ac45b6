#!/usr/bin/env python3
"""Make the golden files of the model tests with Hugging Face transformers.

Each case is a tiny random checkpoint and what transformers computes with it:

    <case>/config.json         as transformers saves it
    <case>/config.classic.json (two cases) the same model in the style of DeepSeek's published checkpoints
    <case>/model.safetensors   as transformers saves it, with the published per-expert names
    <case>/golden.safetensors  input_ids, logits, loss, grad.<parameter>, router.<layer>.{indices,weights}

README.md lists the cases and the tensors. Everything is float32, eager attention, eager experts, one thread.

Run with: torch 2.15.0, transformers 5.23.0, safetensors 0.8.0, numpy 2.4.6 (CPU).

    python make.py [--out FOLDER] [CASE ...]
"""

import argparse
import json
import math
import pathlib
import shutil
import tempfile

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    DeepseekV2Config,
    DeepseekV3Config,
    LlamaConfig,
    Qwen2Config,
    Qwen3Config,
    Qwen3MoeConfig,
)
from transformers.models.llama.modeling_llama import LlamaAttention, LlamaMLP, LlamaRMSNorm, LlamaRotaryEmbedding
from transformers.utils import logging

BATCH, LENGTH, VOCAB = 2, 24, 96
# A token whose routing hangs on a smaller difference than this would make the golden depend on rounding.
MIN_GAP = 2e-4

BASE = dict(
    vocab_size=VOCAB,
    hidden_size=32,
    intermediate_size=24,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=4,
    kv_lora_rank=16,
    qk_nope_head_dim=12,
    qk_rope_head_dim=8,
    v_head_dim=6,
    first_k_dense_replace=1,
    max_position_embeddings=640,
    rope_parameters=dict(rope_type="default", rope_theta=10000.0),
    bos_token_id=0,
    eos_token_id=1,
)
V2 = BASE | dict(moe_intermediate_size=8, n_routed_experts=8, n_shared_experts=2, num_experts_per_tok=3)
V2_LITE = V2 | dict(q_lora_rank=None, topk_method="greedy", n_group=1, topk_group=1, routed_scaling_factor=1.0)
V3 = BASE | dict(
    moe_intermediate_size=6,
    n_routed_experts=12,
    n_shared_experts=1,
    num_experts_per_tok=4,
    q_lora_rank=20,
    n_group=4,
    topk_group=2,
    norm_topk_prob=True,
    routed_scaling_factor=2.5,
    num_nextn_predict_layers=0,
)


def yarn(theta, mscale, mscale_all_dim):
    """YaRN from 16 to 640 positions, so that LENGTH goes beyond the original range.

    With 8 rotary dimensions, theta 10 puts one frequency strictly inside the ramp; with theta 10000 the ramp is a step.
    """
    return dict(
        rope_parameters=dict(
            rope_type="yarn",
            rope_theta=theta,
            factor=40.0,
            original_max_position_embeddings=16,
            beta_fast=32,
            beta_slow=1,
            mscale=mscale,
            mscale_all_dim=mscale_all_dim,
        )
    )


# Families with plain multi-head attention: two query heads to each key head.
PLAIN = dict(
    vocab_size=VOCAB,
    hidden_size=32,
    intermediate_size=24,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=640,
    rope_parameters=dict(rope_type="default", rope_theta=10000.0),
    bos_token_id=0,
    eos_token_id=1,
)
# With 16 dimensions and theta 100, wavelengths from 6 to 352 positions: some below 32 / 4, some between, some above 32.
LLAMA3 = dict(
    rope_parameters=dict(
        rope_type="llama3",
        rope_theta=100.0,
        factor=8.0,
        low_freq_factor=1.0,
        high_freq_factor=4.0,
        original_max_position_embeddings=32,
    )
)

# model_type "deepseek" (DeepSeek-MoE-16B), with the keys of its published config.json.
MOE_MHA = dict(
    model_type="deepseek",
    vocab_size=VOCAB,
    hidden_size=32,
    intermediate_size=24,
    moe_intermediate_size=8,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=4,
    n_shared_experts=2,
    n_routed_experts=8,
    num_experts_per_tok=3,
    moe_layer_freq=1,
    first_k_dense_replace=1,
    norm_topk_prob=False,
    scoring_func="softmax",
    aux_loss_alpha=0.001,
    hidden_act="silu",
    max_position_embeddings=640,
    rms_norm_eps=1e-06,
    rope_theta=10000,
    attention_bias=False,
)

# Case name -> (first seed to try, configuration).
CASES = {
    "v2_grouped": (
        100,
        DeepseekV2Config(
            **V2
            | dict(
                q_lora_rank=20, topk_method="group_limited_greedy", n_group=4, topk_group=2, routed_scaling_factor=4.0
            )
        ),
    ),
    "v2_lite": (200, DeepseekV2Config(**V2_LITE)),
    "v2_lite_yarn": (300, DeepseekV2Config(**V2_LITE | yarn(10.0, 0.707, 0.707))),
    "v3": (400, DeepseekV3Config(**V3)),
    "v3_yarn": (500, DeepseekV3Config(**V3 | yarn(10.0, 1.0, 1.0))),
    "v3_yarn_mscale": (600, DeepseekV3Config(**V3 | yarn(10000.0, 1.0, 0.5))),
    "sliding": (
        700,
        DeepseekV3Config(
            **V3
            | dict(layer_types=["full_attention", "sliding_attention", "full_attention"], sliding_window=5)
        ),
    ),
    "moe_mha": (800, MOE_MHA),
    "llama": (900, LlamaConfig(**PLAIN)),
    "llama3": (1000, LlamaConfig(**PLAIN | LLAMA3 | dict(tie_word_embeddings=True, head_dim=16))),
    "llama_linear": (
        1100,
        LlamaConfig(**PLAIN | dict(rope_parameters=dict(rope_type="linear", rope_theta=100.0, factor=2.5))),
    ),
    "qwen2": (1200, Qwen2Config(**PLAIN | dict(tie_word_embeddings=True, sliding_window=5, max_window_layers=1))),
    "qwen2_sliding": (
        1300,
        Qwen2Config(**PLAIN | dict(use_sliding_window=True, sliding_window=5, max_window_layers=1)),
    ),
    "qwen3": (1400, Qwen3Config(**PLAIN | dict(head_dim=12))),
    "qwen3_yarn": (
        1500,
        Qwen3Config(
            **PLAIN
            | dict(
                head_dim=16,
                max_position_embeddings=16,
                rope_parameters=dict(
                    rope_type="yarn", rope_theta=10.0, factor=4.0, original_max_position_embeddings=16
                ),
            )
        ),
    ),
    "qwen3_moe": (
        1600,
        Qwen3MoeConfig(
            **PLAIN
            | dict(
                head_dim=12, moe_intermediate_size=8, num_experts=8, num_experts_per_tok=3, norm_topk_prob=True,
                use_sliding_window=True, sliding_window=7,
            )
        ),
    ),
}
CLASSIC = ("v2_lite_yarn", "v3_yarn")


# --- DeepSeek-MoE-16B, which transformers does not have --------------------------------------------------------------


class MoeMha(nn.Module):
    """Softmax router, greedy top-k without renormalisation nor scale, plus always-on shared experts."""

    class Gate(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(config["n_routed_experts"], config["hidden_size"]))
            self.k = config["num_experts_per_tok"]

        def forward(self, x):
            logits = F.linear(x, self.weight)
            weights, indices = logits.softmax(-1).topk(self.k, dim=-1)
            return logits, weights, indices

    def __init__(self, config, llama):
        super().__init__()
        width = config["moe_intermediate_size"]
        self.gate = self.Gate(config)
        self.experts = nn.ModuleList(LlamaMLP(resized(llama, width)) for _ in range(config["n_routed_experts"]))
        self.shared_experts = LlamaMLP(resized(llama, width * config["n_shared_experts"]))

    def forward(self, x):
        flat = x.view(-1, x.shape[-1])
        _, weights, indices = self.gate(flat)
        every = torch.stack([expert(flat) for expert in self.experts], dim=1)
        chosen = every.gather(1, indices[..., None].expand(-1, -1, flat.shape[-1]))
        return (chosen * weights[..., None]).sum(1).view_as(x) + self.shared_experts(x)


class MoeMhaLayer(nn.Module):
    def __init__(self, config, llama, index):
        super().__init__()
        self.self_attn = LlamaAttention(llama, index)
        dense = index < config["first_k_dense_replace"]
        self.mlp = LlamaMLP(llama) if dense else MoeMha(config, llama)
        self.input_layernorm = LlamaRMSNorm(llama.hidden_size, llama.rms_norm_eps)
        self.post_attention_layernorm = LlamaRMSNorm(llama.hidden_size, llama.rms_norm_eps)

    def forward(self, x, position_embeddings, mask):
        x = x + self.self_attn(self.input_layernorm(x), position_embeddings, mask)[0]
        return x + self.mlp(self.post_attention_layernorm(x))


class MoeMhaForCausalLM(nn.Module):
    """Llama's attention (half-split rotary) and norms from transformers, with DeepSeek-MoE's feed-forward."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        llama = LlamaConfig(
            hidden_size=config["hidden_size"],
            intermediate_size=config["intermediate_size"],
            num_attention_heads=config["num_attention_heads"],
            num_key_value_heads=config["num_key_value_heads"],
            rms_norm_eps=config["rms_norm_eps"],
            rope_parameters=dict(rope_type="default", rope_theta=float(config["rope_theta"])),
            attn_implementation="eager",
        )
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.model.layers = nn.ModuleList(MoeMhaLayer(config, llama, i) for i in range(config["num_hidden_layers"]))
        self.model.norm = LlamaRMSNorm(llama.hidden_size, llama.rms_norm_eps)
        self.lm_head = nn.Linear(config["hidden_size"], config["vocab_size"], bias=False)
        self.rotary = LlamaRotaryEmbedding(llama)

    def forward(self, ids):
        x = self.model.embed_tokens(ids)
        positions = self.rotary(x, torch.arange(ids.shape[1])[None])
        for layer in self.model.layers:
            x = layer(x, positions, causal_mask(ids.shape[1]))
        return self.lm_head(self.model.norm(x))


def resized(llama, width):
    return LlamaConfig(**llama.to_dict() | dict(intermediate_size=width))


# --- Models, weights, names ------------------------------------------------------------------------------------------


def causal_mask(length, window=None):
    """Additive 4D mask; with a window, a position sees only the last `window` positions, itself included."""
    query, key = torch.arange(length)[:, None], torch.arange(length)[None]
    hidden = key > query
    if window is not None:
        hidden |= key <= query - window
    return torch.zeros(1, 1, length, length).masked_fill(hidden, torch.finfo(torch.float32).min)


def use_windows(model):
    """Give the layers that `layer_types` calls sliding a windowed mask; transformers' DeepSeek models ignore the key."""
    if not model.config.model_type.startswith("deepseek"):
        return
    kinds = getattr(model.config, "layer_types", None) or []

    def replace_mask(_module, args, kwargs):
        length = kwargs["hidden_states"].shape[1]
        return args, kwargs | dict(attention_mask=causal_mask(length, model.config.sliding_window))

    for layer, kind in zip(model.model.layers, kinds):
        if kind == "sliding_attention":
            layer.self_attn.register_forward_pre_hook(replace_mask, with_kwargs=True)


def new_model(config):
    if isinstance(config, dict):
        return MoeMhaForCausalLM(config).eval()
    model = AutoModelForCausalLM.from_config(
        config, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager"
    ).eval()
    use_windows(model)
    return model


def load_model(folder):
    """Open a checkpoint folder the way `new_model` builds one."""
    folder = pathlib.Path(folder)
    config = json.loads((folder / "config.json").read_text())
    if config["model_type"] == "deepseek":
        model = MoeMhaForCausalLM(config).eval()
        weights = {k: v for file in sorted(folder.glob("*.safetensors")) for k, v in load_file(file).items()}
        model.load_state_dict({k: weights[k] for k in model.state_dict()})
        return model
    model, report = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=torch.float32,
        attn_implementation="eager",
        experts_implementation="eager",
        output_loading_info=True,
    )
    # transformers leaves out the layer that predicts the token after next.
    after_last = f"model.layers.{config['num_hidden_layers']}."
    report["unexpected_keys"] = {k for k in report["unexpected_keys"] if not k.startswith(after_last)}
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not report[problem], f"{problem}: {report[problem]}"
    use_windows(model)
    return model.eval()


def logits_of(model, ids):
    return model(ids) if isinstance(model, MoeMhaForCausalLM) else model(ids, use_cache=False).logits


def fill(model, generator):
    """Random weights large enough to matter: attention that is not flat, logits of a few units, clear routing."""
    with torch.no_grad():
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if "inv_freq" in name:
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("e_score_correction_bias"):
                # Both signs, and below zero often enough that some chosen experts have a negative biased score: there
                # a router that fills masked groups with 0 instead of -inf chooses others.
                tensor.copy_(0.4 * noise - 0.35)
            elif name.endswith(".bias"):
                tensor.copy_(0.3 * noise)
            elif tensor.ndim == 1:
                tensor.copy_(1 + 0.1 * noise)
            elif any(part in name for part in (".q_", ".k_proj", ".kv_", ".gate.weight", "embed_tokens", "lm_head")):
                tensor.copy_(0.3 * noise)
            else:
                tensor.copy_(0.15 * noise)


def published(name, tensor):
    """Yield (published name, tensor): fused [experts, ...] tensors become one tensor per expert and projection."""
    if name.endswith("mlp.experts.gate_up_proj"):
        stem = name.removesuffix(".gate_up_proj")
        for expert, both in enumerate(tensor):
            gate, up = both.chunk(2)
            yield f"{stem}.{expert}.gate_proj.weight", gate.contiguous()
            yield f"{stem}.{expert}.up_proj.weight", up.contiguous()
    elif name.endswith("mlp.experts.down_proj"):
        stem = name.removesuffix(".down_proj")
        for expert, down in enumerate(tensor):
            yield f"{stem}.{expert}.down_proj.weight", down.contiguous()
    else:
        yield name, tensor.contiguous()


# --- Routing ---------------------------------------------------------------------------------------------------------


def watch_routers(model):
    """Return a dict that each forward pass fills: layer -> (router module, logits, weights, indices)."""
    seen = {}
    for index, layer in enumerate(model.model.layers):
        if hasattr(layer.mlp, "gate"):
            layer.mlp.gate.register_forward_hook(
                lambda module, _args, out, index=index: seen.__setitem__(
                    index, (module, *(part.detach() for part in out))
                )
            )
    return seen


def masked_groups(choice, groups, keep, group_scores, value):
    chosen = group_scores.topk(keep, dim=-1).indices
    mask = torch.ones_like(group_scores, dtype=torch.bool).scatter(1, chosen, False)
    return choice.masked_fill(mask.repeat_interleave(choice.shape[1] // groups, 1), value)


def last_gap(scores, k):
    """Smallest difference between the k-th and the next score."""
    if k >= scores.shape[-1]:
        return math.inf
    best = scores.sort(dim=-1, descending=True).values
    return (best[:, k - 1] - best[:, k]).min().item()


def check_routing(module, logits, weights, indices, config):
    """Recompute one layer's routing from its logits; return (smallest gap, tokens that a 0-filled mask would change)."""
    get = config.get if isinstance(config, dict) else lambda key, default=None: getattr(config, key, default)
    bias = getattr(module, "e_score_correction_bias", None)
    scores = logits.softmax(-1) if bias is None else logits.sigmoid()
    choice = scores if bias is None else scores + bias
    k, gaps, differ = weights.shape[1], [], 0
    groups, keep = get("n_group") or 1, get("topk_group") or 1
    if groups > 1:
        per_group = choice.view(len(choice), groups, -1)
        group_scores = per_group.amax(-1) if bias is None else per_group.topk(2, -1).values.sum(-1)
        gaps.append(last_gap(group_scores, keep))
        zero = masked_groups(choice, groups, keep, group_scores, 0.0)
        choice = masked_groups(choice, groups, keep, group_scores, -math.inf)
        same = zero.topk(k).indices.sort(-1).values == choice.topk(k).indices.sort(-1).values
        differ = (~same.all(-1)).sum().item()
    gaps.append(last_gap(choice, k))
    expected = choice.topk(k).indices
    assert torch.equal(expected.sort(-1).values, indices.sort(-1).values), "routing differs from the rules"
    expected = scores.gather(1, indices)
    if get("norm_topk_prob"):
        expected = expected / expected.sum(-1, keepdim=True)
    torch.testing.assert_close(weights, expected * (get("routed_scaling_factor", None) or 1.0))
    # The golden lists experts by descending weight, so that order must be clear too.
    ordered = weights.sort(dim=-1, descending=True).values
    gaps.append((ordered[:, :-1] - ordered[:, 1:]).min().item())
    return min(gaps), differ


def check_yarn(model, config):
    """DeepSeek's rules: softmax scale times m(mscale_all_dim)^2, cos/sin times m(mscale) / m(mscale_all_dim).

    Ports have dropped one or the other. The transformers named above follows both, for V2 as for V3, so nothing is
    patched here; should another version differ, this stops it from writing a golden.
    """
    if isinstance(config, dict) or not config.model_type.startswith("deepseek"):
        return
    rope = config.rope_parameters
    scale, factor = config.qk_head_dim**-0.5, 1.0
    if rope["rope_type"] == "yarn":
        m, m_all = (0.1 * rope[key] * math.log(rope["factor"]) + 1 for key in ("mscale", "mscale_all_dim"))
        scale, factor = scale * m_all**2, m / m_all
    assert math.isclose(model.model.rotary_emb.attention_scaling, factor, rel_tol=1e-12), "cos/sin factor"
    for layer in model.model.layers:
        assert math.isclose(layer.self_attn.scaling, scale, rel_tol=1e-12), "softmax scale"


# --- Cases -----------------------------------------------------------------------------------------------------------


def classic_config(config):
    """The configuration in the style of DeepSeek's published config.json files."""
    v3 = config.model_type == "deepseek_v3"
    rope = dict(config.rope_parameters)
    theta = rope.pop("rope_theta")
    rope["type"] = rope.pop("rope_type")
    rope["factor"] = int(rope["factor"])
    name = "V3" if v3 else "V2"
    keys = """attention_bias attention_dropout bos_token_id eos_token_id first_k_dense_replace hidden_act hidden_size
        initializer_range intermediate_size kv_lora_rank max_position_embeddings model_type moe_intermediate_size n_group
        n_routed_experts n_shared_experts norm_topk_prob num_attention_heads num_experts_per_tok num_hidden_layers
        num_key_value_heads pretraining_tp q_lora_rank qk_nope_head_dim qk_rope_head_dim rms_norm_eps
        routed_scaling_factor tie_word_embeddings topk_group use_cache v_head_dim vocab_size""".split()
    classic = {key: getattr(config, key) for key in keys} | dict(
        architectures=[f"Deepseek{name}ForCausalLM"],
        auto_map=dict(
            AutoConfig=f"configuration_deepseek.Deepseek{name}Config",
            AutoModel=f"modeling_deepseek.Deepseek{name}Model",
            AutoModelForCausalLM=f"modeling_deepseek.Deepseek{name}ForCausalLM",
        ),
        aux_loss_alpha=0.001,
        moe_layer_freq=1,
        rope_scaling=rope,
        rope_theta=int(theta),
        scoring_func="sigmoid" if v3 else "softmax",
        seq_aux=True,
        topk_method="noaux_tc" if v3 else config.topk_method,
        torch_dtype="float32",
        transformers_version="4.33.1",
    )
    if v3:
        classic |= dict(ep_size=1, num_nextn_predict_layers=config.num_nextn_predict_layers)
    return classic


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")


def write_tensors(path, tensors):
    save_file(tensors, path, metadata={"format": "pt"})
    path.chmod(0o644)


def save_checkpoint(model, folder):
    """Write config.json and model.safetensors; the file must hold exactly the published names and our values."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {k: v for name, tensor in model.state_dict().items() for k, v in published(name, tensor)}
    if getattr(model.config, "tie_word_embeddings", False):
        del state["lm_head.weight"]
    if isinstance(model, MoeMhaForCausalLM):
        write_json(folder / "config.json", model.config)
        write_tensors(folder / "model.safetensors", state)
    else:
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "model.safetensors").chmod(0o644)
    saved = load_file(folder / "model.safetensors")
    assert saved.keys() == state.keys(), saved.keys() ^ state.keys()
    assert all(torch.equal(saved[name], state[name]) for name in state)


def make_case(name, folder):
    first_seed, config = CASES[name]
    for seed in range(first_seed, first_seed + 100):
        generator = torch.Generator().manual_seed(seed)
        model = new_model(config)
        fill(model, generator)
        check_yarn(model, config)
        ids = torch.randint(0, VOCAB, (BATCH, LENGTH), generator=generator)
        routers = watch_routers(model)
        logits = logits_of(model, ids)
        checks = [check_routing(*router, config) for router in routers.values()]
        gap, differ = min((c[0] for c in checks), default=math.inf), sum(c[1] for c in checks)
        biased = any("e_score_correction_bias" in key for key in model.state_dict())
        if gap > MIN_GAP and (differ > 0 or not biased):
            break
    else:
        raise SystemExit(f"{name}: no seed gives clear routing")

    loss = F.cross_entropy(logits[:, :-1].reshape(-1, VOCAB), ids[:, 1:].reshape(-1))
    loss.backward()

    if folder.exists():
        shutil.rmtree(folder)
    save_checkpoint(model, folder)
    golden = dict(input_ids=ids.int(), logits=logits.detach().contiguous(), loss=loss.detach().reshape(1))
    for parameter, tensor in model.named_parameters():
        golden |= {f"grad.{key}": grad for key, grad in published(parameter, tensor.grad)}
    used = []
    for layer, (module, _logits, weights, indices) in routers.items():
        weights, order = weights.sort(dim=-1, descending=True)
        indices = indices.gather(1, order)
        golden[f"router.{layer}.weights"] = weights.contiguous()
        golden[f"router.{layer}.indices"] = indices.int().contiguous()
        used.append(f"{indices.unique().numel()}/{module.weight.shape[0]}")
    write_tensors(folder / "golden.safetensors", golden)

    with torch.no_grad():
        assert torch.equal(logits_of(load_model(folder), ids), logits), "the saved checkpoint gives other logits"
        if name in CLASSIC:
            write_json(folder / "config.classic.json", classic_config(config))
            with tempfile.TemporaryDirectory() as other:
                shutil.copy(folder / "config.classic.json", f"{other}/config.json")
                shutil.copy(folder / "model.safetensors", other)
                assert torch.equal(logits_of(load_model(other), ids), logits), "config.classic.json gives other logits"
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(
        f"{name}: seed {seed}, loss {loss.item():.6f}, |logits| mean {logits.abs().mean():.2f} max {logits.abs().max():.2f},"
        f" smallest routing gap {gap:.2e}, tokens a 0-filled mask would change {differ},"
        f" experts used {' '.join(used)}, {size / 1024:.0f} KiB"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent, help="output folder")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"cases to make (default all): {', '.join(CASES)}")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(CASES):
        parser.error(f"unknown case: {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for name in arguments.cases or CASES:
        make_case(name, arguments.out / name)


if __name__ == "__main__":
    main()
