"""Training steps of a mixture of experts in PyTorch, to put beside hadal's.

Takes steps on random tokens and prints the median tokens per second, the first two not counted:
`tokens_per_second N`, which `hadal bench train --peer` reads. Each shape is the model of a file in
`configs/`:

    nano  configs/moe-16m.json   16 million parameters, multi-head attention, softmax router
    100m  configs/moe-100m.json  104 million parameters, DeepSeek-V3's latent attention and sigmoid router

    hadal bench train --peer "python benches/peers/torch_train.py --bf16"
    hadal bench train --model-config benches/peers/configs/moe-100m.json \
        --peer "python benches/peers/torch_train.py --shape 100m --bf16"

The nano shape leaves rotary positions out, which hadal computes.
"""

import argparse
import json
import math
import pathlib
import statistics
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

CONFIGS = {"nano": "moe-16m.json", "100m": "moe-100m.json"}


class SwiGlu(nn.Module):
    def __init__(self, hidden, width):
        super().__init__()
        self.gate = nn.Linear(hidden, width, bias=False)
        self.up = nn.Linear(hidden, width, bias=False)
        self.down = nn.Linear(width, hidden, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class RmsNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class MultiHead(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads = c["num_attention_heads"]
        self.qkv = nn.Linear(c["hidden_size"], 3 * c["hidden_size"], bias=False)
        self.output = nn.Linear(c["hidden_size"], c["hidden_size"], bias=False)

    def forward(self, h):
        b, s, d = h.shape
        q, k, v = self.qkv(h).view(b, s, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.output(mixed.transpose(1, 2).reshape(b, s, d))


class Latent(nn.Module):
    """Multi-head latent attention, unabsorbed (DeepSeek-V2, section 2.1)."""

    def __init__(self, c, length):
        super().__init__()
        self.heads, self.rank = c["num_attention_heads"], c["kv_lora_rank"]
        self.nope, self.rope, self.value = (
            c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"],
        )
        hidden = c["hidden_size"]
        self.query = nn.Linear(hidden, self.heads * (self.nope + self.rope), bias=False)
        self.kv_down = nn.Linear(hidden, self.rank + self.rope, bias=False)
        self.kv_norm = RmsNorm(self.rank)
        self.kv_up = nn.Linear(self.rank, self.heads * (self.nope + self.value), bias=False)
        self.output = nn.Linear(self.heads * self.value, hidden, bias=False)
        frequency = c["rope_theta"] ** (-torch.arange(0, self.rope, 2) / self.rope)
        angle = torch.outer(torch.arange(length), frequency)
        self.register_buffer("cos", angle.cos())
        self.register_buffer("sin", angle.sin())

    def rotate(self, x):
        a, b = x[..., 0::2], x[..., 1::2]
        turned = torch.stack((a * self.cos - b * self.sin, a * self.sin + b * self.cos), -1)
        return turned.flatten(-2).to(x.dtype)

    def forward(self, h):
        b, s, _ = h.shape
        q = self.query(h).view(b, s, self.heads, -1).transpose(1, 2)
        q_nope, q_rope = q.split((self.nope, self.rope), -1)
        latent, k_rope = self.kv_down(h).split((self.rank, self.rope), -1)
        kv = self.kv_up(self.kv_norm(latent)).view(b, s, self.heads, -1).transpose(1, 2)
        k_nope, v = kv.split((self.nope, self.value), -1)
        k_rope = self.rotate(k_rope).unsqueeze(1).expand(-1, self.heads, -1, -1)
        q = torch.cat((q_nope, self.rotate(q_rope)), -1)
        k = torch.cat((k_nope, k_rope.to(k_nope.dtype)), -1)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.output(mixed.transpose(1, 2).reshape(b, s, -1))


class Mixture(nn.Module):
    def __init__(self, c):
        super().__init__()
        hidden, width = c["hidden_size"], c["moe_intermediate_size"]
        self.active = c["num_experts_per_tok"]
        self.is_sigmoid = c["model_type"] == "deepseek_v3"
        self.router = nn.Linear(hidden, c["n_routed_experts"], bias=False)
        self.experts = nn.ModuleList(SwiGlu(hidden, width) for _ in range(c["n_routed_experts"]))
        self.shared = SwiGlu(hidden, width * c["n_shared_experts"])

    def forward(self, x):
        h = x.reshape(-1, x.shape[-1])
        scores = self.router(h)
        scores = scores.sigmoid() if self.is_sigmoid else scores.softmax(-1)
        weights, chosen = scores.topk(self.active, -1)
        weights = weights / weights.sum(-1, keepdim=True)
        out = self.shared(h)
        for index, expert in enumerate(self.experts):
            token, rank = torch.where(chosen == index)
            if token.numel():
                part = expert(h[token]) * weights[token, rank].unsqueeze(-1)
                out = out.index_add(0, token, part.to(out.dtype))
        return out.view(x.shape)


class Layer(nn.Module):
    def __init__(self, c, index, length):
        super().__init__()
        hidden = c["hidden_size"]
        self.attention_norm, self.feed_forward_norm = RmsNorm(hidden), RmsNorm(hidden)
        self.attention = Latent(c, length) if "kv_lora_rank" in c else MultiHead(c)
        is_dense = index < c["first_k_dense_replace"]
        self.feed_forward = SwiGlu(hidden, c["intermediate_size"]) if is_dense else Mixture(c)

    def forward(self, x):
        x = x + self.attention(self.attention_norm(x))
        return x + self.feed_forward(self.feed_forward_norm(x))


class Model(nn.Module):
    def __init__(self, c, length):
        super().__init__()
        hidden, vocabulary = c["hidden_size"], c["vocab_size"]
        self.embedding = nn.Embedding(vocabulary, hidden)
        layers = range(c["num_hidden_layers"])
        self.layers = nn.ModuleList(Layer(c, index, length) for index in layers)
        self.norm = RmsNorm(hidden)
        self.head = nn.Linear(hidden, vocabulary, bias=False)
        if c.get("tie_word_embeddings"):
            nn.init.normal_(self.embedding.weight, std=0.02)
            self.head.weight = self.embedding.weight

    def forward(self, ids):
        x = self.embedding(ids)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x))


def main():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--shape", choices=CONFIGS, default="nano")
    arguments.add_argument("--sequences", type=int, default=8)
    arguments.add_argument("--length", type=int, default=256)
    arguments.add_argument("--steps", type=int, default=8)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--bf16", action="store_true", help="autocast to bf16")
    arguments = arguments.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    configs = pathlib.Path(__file__).parent / "configs"
    config = json.loads((configs / CONFIGS[arguments.shape]).read_text())
    sequences, length, vocabulary = arguments.sequences, arguments.length, config["vocab_size"]
    model = Model(config, length)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    ids = torch.randint(0, vocabulary, (sequences, length + 1))
    seconds = []
    for _ in range(arguments.steps + 2):
        began = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=arguments.bf16):
            logits = model(ids[:, :-1])
            loss = F.cross_entropy(logits.float().view(-1, vocabulary), ids[:, 1:].reshape(-1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seconds.append(time.perf_counter() - began)
    assert math.isfinite(loss.item())
    # The first two steps allocate and are not counted.
    print(f"tokens_per_second {sequences * length / statistics.median(seconds[2:]):.0f}")


main()
