"""The benchmark's model in PyTorch: a mixture of experts with multi-head attention.

Trains for a number of steps on random tokens and prints the median tokens per second, so that
`against_torch.rs` can alternate it with hadal. Sizes are those of `against_torch.rs`.

    python torch_peer.py [--steps 8] [--bf16]
"""

import argparse
import math
import statistics
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

D, H, E, K, FH, L, V, B, S = 256, 8, 16, 2, 256, 4, 4096, 8, 256


class SwiGlu(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(D, FH, bias=False)
        self.up = nn.Linear(D, FH, bias=False)
        self.down = nn.Linear(FH, D, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


def rms_norm(x, w):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * w


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention_norm = nn.Parameter(torch.ones(D))
        self.feed_forward_norm = nn.Parameter(torch.ones(D))
        self.qkv = nn.Linear(D, 3 * D, bias=False)
        self.output = nn.Linear(D, D, bias=False)
        self.router = nn.Linear(D, E, bias=False)
        self.experts = nn.ModuleList(SwiGlu() for _ in range(E))
        self.shared = SwiGlu()

    def attend(self, h):
        q, k, v = self.qkv(h).view(B, S, 3, H, D // H).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.output(mixed.transpose(1, 2).reshape(B, S, D))

    def forward(self, x):
        x = x + self.attend(rms_norm(x, self.attention_norm))
        h = rms_norm(x, self.feed_forward_norm).view(B * S, D)
        weights, chosen = self.router(h).softmax(-1).topk(K, -1)
        weights = weights / weights.sum(-1, keepdim=True)
        out = self.shared(h)
        for index, expert in enumerate(self.experts):
            token, rank = torch.where(chosen == index)
            if token.numel():
                part = expert(h[token]) * weights[token, rank].unsqueeze(-1)
                out = out.index_add(0, token, part.to(out.dtype))
        return x + out.view(B, S, D)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, D)
        self.layers = nn.ModuleList(Layer() for _ in range(L))
        self.norm = nn.Parameter(torch.ones(D))
        self.head = nn.Linear(D, V, bias=False)

    def forward(self, ids):
        x = self.embedding(ids)
        for layer in self.layers:
            x = layer(x)
        return self.head(rms_norm(x, self.norm))


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--steps", type=int, default=8)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--bf16", action="store_true", help="autocast to bf16")
    arguments = arguments.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    model = Model()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    ids = torch.randint(0, V, (B, S + 1))
    seconds = []
    for _ in range(arguments.steps + 2):
        began = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=arguments.bf16):
            logits = model(ids[:, :-1])
            loss = F.cross_entropy(logits.float().view(-1, V), ids[:, 1:].reshape(-1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seconds.append(time.perf_counter() - began)
    assert math.isfinite(loss.item())
    # The first two steps allocate and are not counted.
    print(f"tokens_per_second {B * S / statistics.median(seconds[2:]):.0f}")


main()
