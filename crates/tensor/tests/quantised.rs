//! The packed number formats, to the bit, against what the package `gguf` makes of the same blocks.

use std::path::Path;
use std::sync::Arc;

use hadal_tensor::{DType, HostBuffer, Tensor};

/// As in `goldens/quantised/make.py`.
const N_BLOCKS: usize = 4;

const PACKED: [DType; 13] = [
    DType::Q8_0,
    DType::Q4_0,
    DType::Q4_1,
    DType::Q5_0,
    DType::Q5_1,
    DType::Q2K,
    DType::Q3K,
    DType::Q4K,
    DType::Q5K,
    DType::Q6K,
    DType::Iq4Nl,
    DType::Iq4Xs,
    DType::Mxfp4,
];

#[test]
fn every_format_is_read_to_the_bit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/quantised");
    for dtype in PACKED {
        let path = folder.join(format!("{}.bin", dtype.name()));
        let golden = std::fs::read(&path).expect("the golden file is there");
        let (packed, expected) = golden.split_at(N_BLOCKS * dtype.block_bytes());
        let cols = 2 * dtype.block_len();
        assert_eq!(expected.len(), N_BLOCKS * dtype.block_len() * 4, "{}", dtype.name());

        // Two rows of two blocks, so that the second row begins where the first ends.
        let memory = Arc::new(HostBuffer::from_bytes(packed));
        let tensor = Tensor::from_memory(memory, 0, dtype, &[2, cols]);
        for (i, (found, expected)) in
            tensor.to_f32_vec().iter().zip(expected.chunks_exact(4)).enumerate()
        {
            let expected = u32::from_le_bytes([expected[0], expected[1], expected[2], expected[3]]);
            assert_eq!(found.to_bits(), expected, "{} weight {i}: {found}", dtype.name());
        }
    }
}
