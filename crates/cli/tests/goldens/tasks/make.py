"""Scores of texts by transformers, for `hadal eval` to agree with.

Without arguments, makes the golden: a tiny DeepSeek-V3 with random weights and a tokenizer of its
own in `model/`, and in `scores.jsonl` what transformers makes of the sentences in `pairs.jsonl`,
`passages.jsonl` and `gaps.jsonl` beside this script (written for it, of no data set).

With a model's folder and a file that `hadal eval MODEL ... --scores FILE` wrote, scores the same
texts and says how far the two are apart:

    python make.py MODEL FILE [MOST]

Needs torch, transformers, tokenizers. Deterministic.
"""

import json
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import DeepseekV3Config, DeepseekV3ForCausalLM

HERE = Path(__file__).parent


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def questions():
    """The texts of the tasks, in the order in which hadal judges them."""
    for pair in read(HERE / "pairs.jsonl"):
        yield "", pair["good"]
        yield "", pair["bad"]
    for passage in read(HERE / "passages.jsonl"):
        context, word = passage["text"].rsplit(" ", 1)
        yield context, " " + word
    for gap in read(HERE / "gaps.jsonl"):
        for candidate in gap["candidates"]:
            yield "", gap["content"].replace("____", candidate)


def make_model(folder):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    # Two passages were written afterwards to end as this random model wants, so that something
    # is greedy; they have no part in it.
    texts = (context + rest for context, rest in questions() if rest != " on")
    tokenizer.train_from_iterator(texts, trainer)
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"bos_token": "<s>", "eos_token": "</s>"}, indent=2) + "\n"
    )
    torch.manual_seed(7)
    config = DeepseekV3Config(
        vocab_size=320, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, intermediate_size=32, first_k_dense_replace=1, q_lora_rank=None,
        kv_lora_rank=16, qk_nope_head_dim=8, qk_rope_head_dim=8, v_head_dim=8, n_routed_experts=4,
        num_experts_per_tok=2, moe_intermediate_size=32, n_shared_experts=1, n_group=1,
        topk_group=1, norm_topk_prob=True, routed_scaling_factor=1.0, max_position_embeddings=64,
        tie_word_embeddings=True, bos_token_id=0, eos_token_id=1, initializer_range=0.25,
    )  # fmt: skip
    DeepseekV3ForCausalLM(config).save_pretrained(folder)
    # What hadal reads, without what this release of transformers writes beside it.
    keys = """model_type vocab_size hidden_size num_hidden_layers num_attention_heads
        num_key_value_heads intermediate_size first_k_dense_replace kv_lora_rank qk_nope_head_dim
        qk_rope_head_dim v_head_dim n_routed_experts num_experts_per_tok moe_intermediate_size
        n_shared_experts n_group topk_group norm_topk_prob routed_scaling_factor
        max_position_embeddings tie_word_embeddings bos_token_id eos_token_id rms_norm_eps"""
    facts = {key: getattr(config, key) for key in keys.split()}
    facts |= {"q_lora_rank": None, "rope_theta": 10000.0}
    (folder / "config.json").write_text(json.dumps(facts, indent=2) + "\n")
    (folder / "generation_config.json").unlink(missing_ok=True)


@torch.no_grad()
def score(model, tokenizer, context, rest):
    def encode(text):
        return tokenizer.encode(text, add_special_tokens=False).ids

    whole, given = encode(context + rest), encode(context)
    n_shared = 0
    while n_shared < len(given) and given[n_shared] == whole[n_shared]:
        n_shared += 1
    ids = torch.tensor([[model.config.bos_token_id, *whole]])
    log_p = model(ids).logits[0].float().log_softmax(-1)[:-1]
    targets = ids[0, 1:]
    judged = slice(n_shared, None)
    chosen = log_p.gather(1, targets[:, None])[judged, 0]
    return {
        "context": context,
        "rest": rest,
        "log_probability": chosen.double().sum().item(),
        "is_greedy": bool((log_p.argmax(1) == targets)[judged].all()),
    }


def load(folder):
    model = DeepseekV3ForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return model, Tokenizer.from_file(str(folder / "tokenizer.json"))


def compare(folder, file, most):
    loaded = load(folder)
    worst, n_otherwise, ours = 0.0, 0, read(file)[:most]
    for found in ours:
        expected = score(*loaded, found["context"], found["rest"])
        worst = max(worst, abs(found["log_probability"] - expected["log_probability"]))
        n_otherwise += found["is_greedy"] != expected["is_greedy"]
    print(f"{len(ours)} texts: log-probabilities differ by at most {worst:.2e}; "
          f"{n_otherwise} are greedy in one and not in the other")  # fmt: skip


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        compare(Path(sys.argv[1]), Path(sys.argv[2]), int((sys.argv[3:] or [1 << 30])[0]))
    else:
        make_model(HERE / "model")
        loaded = load(HERE / "model")
        lines = [json.dumps(score(*loaded, *question)) for question in questions()]
        (HERE / "scores.jsonl").write_text("\n".join(lines) + "\n")
