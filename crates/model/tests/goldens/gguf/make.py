"""Makes GGUF files of golden models with the package `gguf`, as the converter of llama.cpp does.

    python make.py

`moe_mha.gguf` is of the architecture `deepseek`, whose rows of queries and keys the converter
reorders to neighbouring rotary pairs. `v2_lite-*.gguf` is of `deepseek2` in the older layout, whose
projection from the latent is one matrix; it lies in two files. `llama3.gguf` has reordered rows too,
and a tensor for the stretching of positions. The logits are those of the folders beside this one,
but for `qwen3_moe.gguf`: GGUF has no window for it.
"""

import json
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file

GOLDENS = Path(__file__).parent.parent

NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "self_attn.o_proj": "attn_output",
    "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa",
    "self_attn.kv_a_layernorm": "attn_kv_a_norm",
    "self_attn.kv_b_proj": "attn_kv_b",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "mlp.gate": "ffn_gate_inp",
    "mlp.shared_experts.gate_proj": "ffn_gate_shexp",
    "mlp.shared_experts.up_proj": "ffn_up_shexp",
    "mlp.shared_experts.down_proj": "ffn_down_shexp",
}


def pairs(weight: np.ndarray, n_heads: int) -> np.ndarray:
    """What the converter does to queries and keys: from halves of a head to neighbouring pairs."""
    rows, cols = weight.shape
    return weight.reshape(n_heads, 2, rows // n_heads // 2, cols).swapaxes(1, 2).reshape(rows, cols)


def rope_divisors(config: dict, head_dim: int) -> np.ndarray:
    """As the converter computes them for Llama 3.1."""
    rope = config["rope_parameters"]
    factor, old = rope["factor"], rope["original_max_position_embeddings"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    divisors = []
    for i in range(0, head_dim, 2):
        wavelength = 2 * np.pi * rope["rope_theta"] ** (i / head_dim)
        if wavelength < old / high:
            divisors.append(1)
        elif wavelength > old / low:
            divisors.append(factor)
        else:
            smooth = (old / wavelength - low) / (high - low)
            divisors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(divisors, np.float32)


def write(case: str, architecture: str) -> None:
    config = json.loads((GOLDENS / case / "config.json").read_text())
    rope = config.get("rope_parameters", {"rope_theta": config.get("rope_theta")})
    tensors = load_file(GOLDENS / case / "model.safetensors")
    most = 30 if architecture == "deepseek2" else 0
    path = Path(__file__).parent / f"{case}.gguf"
    writer = gguf.GGUFWriter(path, architecture, split_max_tensors=most)
    n_layers, n_heads = config["num_hidden_layers"], config["num_attention_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // n_heads
    writer.add_block_count(n_layers)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(n_heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope.get("rope_type") == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    n_experts = config.get("n_routed_experts") or config.get("num_local_experts")
    if n_experts:
        writer.add_expert_count(n_experts)
        writer.add_expert_used_count(config["num_experts_per_tok"])
        writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    if architecture.startswith("deepseek"):
        writer.add_leading_dense_block_count(config["first_k_dense_replace"])
        writer.add_expert_shared_count(config["n_shared_experts"])
    if architecture == "deepseek2":
        nope, rotary = config["qk_nope_head_dim"], config["qk_rope_head_dim"]
        writer.add_kv_lora_rank(config["kv_lora_rank"])
        writer.add_key_length(nope + rotary)
        writer.add_value_length(config["v_head_dim"])
        writer.add_rope_dimension_count(rotary)
        writer.add_expert_weights_scale(config["routed_scaling_factor"])
    elif "head_dim" in config:
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    else:
        writer.add_rope_dimension_count(head_dim)

    def add(name: str, tensor: np.ndarray) -> None:
        writer.add_tensor(name, np.ascontiguousarray(tensor.astype(np.float32)))

    if rope.get("rope_type") == "llama3":
        add("rope_freqs.weight", rope_divisors(config, head_dim))
    add("token_embd.weight", tensors["model.embed_tokens.weight"])
    add("output_norm.weight", tensors["model.norm.weight"])
    if not config.get("tie_word_embeddings", False):
        add("output.weight", tensors["lm_head.weight"])
    for layer in range(n_layers):
        published = f"model.layers.{layer}."
        for name, tensor in tensors.items():
            rest, _, kind = name.removeprefix(published).rpartition(".")
            if not name.startswith(published) or rest not in NAMES:
                continue
            if architecture in ["deepseek", "llama"] and rest == "self_attn.q_proj":
                tensor = pairs(tensor, n_heads)
            if architecture in ["deepseek", "llama"] and rest == "self_attn.k_proj":
                tensor = pairs(tensor, config["num_key_value_heads"])
            add(f"blk.{layer}.{NAMES[rest]}.{kind}", tensor)
        for projection in ["gate", "up", "down"]:
            expert = published + "mlp.experts.{}." + projection + "_proj.weight"
            if expert.format(0) in tensors:
                stacked = [tensors[expert.format(i)] for i in range(n_experts)]
                add(f"blk.{layer}.ffn_{projection}_exps.weight", np.stack(stacked))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


write("moe_mha", "deepseek")
write("v2_lite", "deepseek2")
write("llama3", "llama")
write("qwen2", "qwen2")
write("qwen3_yarn", "qwen3")
write("qwen3_moe", "qwen3moe")
