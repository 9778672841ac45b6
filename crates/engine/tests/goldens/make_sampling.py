"""Writes sampling.json: next-token distributions by transformers' own logits processors.

Run with: python make_sampling.py (made with transformers 5.23 and torch 2.15).
"""

import json
from pathlib import Path

import torch
from transformers.generation.logits_process import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

CASES = [
    {"temperature": 0.7},
    {"top_k": 5},
    {"top_k": 1000},
    {"top_p": 0.9},
    {"top_p": 0.3},
    {"top_p": 0.001},
    {"min_p": 0.1},
    {"min_p": 1.0},
    {"repetition_penalty": 1.3},
    {"repetition_penalty": 0.8},
    {"temperature": 1.7, "top_k": 20, "top_p": 0.85},
    {"temperature": 0.6, "top_p": 0.95, "min_p": 0.05},
    {"repetition_penalty": 1.2, "temperature": 0.9, "top_k": 12, "top_p": 0.9, "min_p": 0.08},
]


def processors(case):
    """In the order of GenerationMixin: the penalty first, then the warpers."""
    if "repetition_penalty" in case:
        yield RepetitionPenaltyLogitsProcessor(case["repetition_penalty"])
    if "temperature" in case:
        yield TemperatureLogitsWarper(case["temperature"])
    if "top_k" in case:
        yield TopKLogitsWarper(case["top_k"])
    if "top_p" in case:
        yield TopPLogitsWarper(case["top_p"])
    if "min_p" in case:
        yield MinPLogitsWarper(case["min_p"])


def main():
    generator = torch.Generator().manual_seed(11)
    vocab_size = 48
    out = []
    for case in CASES:
        logits = torch.randn(vocab_size, generator=generator) * 2
        seen = torch.randint(0, vocab_size, (1, 9), generator=generator)
        scores = logits[None].clone()
        for processor in processors(case):
            scores = processor(seen, scores)
        probabilities = torch.softmax(scores.double(), -1)[0]
        kept = torch.isfinite(scores[0])
        out.append(
            {
                "sampling": case,
                "seen": seen[0].tolist(),
                "logits": [round(x, 6) for x in logits.tolist()],
                "ids": kept.nonzero()[:, 0].tolist(),
                "probabilities": [round(x, 9) for x in probabilities[kept].tolist()],
            }
        )
    lines = ",\n".join(json.dumps(case) for case in out)
    Path(__file__).with_name("sampling.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
