#!/usr/bin/env python3
"""Open a checkpoint folder written by hadal with transformers and compare logits.

    python check_ours.py FOLDER LOGITS.safetensors [--tolerance 1e-4]

LOGITS.safetensors holds `ids` (integers, [B, T]) and `logits` (float32, [B, T, V]) as hadal computed them. Prints the
largest absolute difference and exits with status 1 above the tolerance. Model type "deepseek" and sliding windows,
which transformers lacks, go through the models of make.py.
"""

import argparse
import sys

import torch
from safetensors.torch import load_file
from transformers.utils import logging

sys.dont_write_bytecode = True
from make import load_model, logits_of  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="checkpoint folder: config.json and *.safetensors")
    parser.add_argument("logits", help="safetensors file with `ids` and `logits`")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="largest |difference| allowed (default 1e-4)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()

    ours = load_file(arguments.logits)
    with torch.no_grad():
        ids = ours["ids"].long()
        # `hadal logits` writes one text, without a dimension for the batch.
        theirs = logits_of(load_model(arguments.folder), ids.reshape(-1, ids.shape[-1]))
        theirs = theirs.reshape(*ids.shape, theirs.shape[-1])
    if ours["logits"].shape != theirs.shape:
        sys.exit(f"shapes differ: ours {tuple(ours['logits'].shape)}, transformers {tuple(theirs.shape)}")
    difference = (ours["logits"].float() - theirs).abs().max().item()
    print(f"max |Δ| = {difference:.3e} (tolerance {arguments.tolerance:.1e}, max |logit| {theirs.abs().max():.3f})")
    # Written so that a NaN fails.
    sys.exit(0 if difference <= arguments.tolerance else 1)


if __name__ == "__main__":
    main()
