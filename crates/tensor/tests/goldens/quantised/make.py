"""Makes the golden blocks of the packed number formats with the package `gguf` (0.17 or newer).

    python make.py

Each `FORMAT.bin` holds N_BLOCKS blocks of random bytes with scales that are finite numbers, then
the f32 values that `gguf.quants.dequantize` makes of them, little-endian.
"""

from pathlib import Path

import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

N_BLOCKS = 4

# Where each format keeps its f16 numbers.
SCALES = {
    "Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
    "IQ4_NL": [0], "IQ4_XS": [0], "MXFP4": [],
}

random = np.random.default_rng(7)
for name, offsets in SCALES.items():
    kind = GGMLQuantizationType[name]
    _, n_bytes = GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (N_BLOCKS, n_bytes), dtype=np.uint8)
    for offset in offsets:
        # The last block has a subnormal scale.
        scales = np.append(random.normal(0, 0.05, N_BLOCKS - 1), 3e-6).astype(np.float16)
        blocks[:, offset : offset + 2] = scales.view(np.uint8).reshape(N_BLOCKS, 2)
    if name == "MXFP4":
        # Exponents, the two subnormal ones among them.
        blocks[:, 0] = [0, 1, 2, 121]
    values = dequantize(blocks, kind).astype("<f4")
    path = Path(__file__).parent / f"{name.lower()}.bin"
    path.write_bytes(blocks.tobytes() + values.tobytes())
