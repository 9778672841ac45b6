//! The packed number formats, to the bit, against what the package `gguf` makes of the same blocks.

use std::path::Path;
use std::sync::Arc;

use hadal_tensor::{DType, HostBuffer, Memory, STRIP_ROWS, Tensor};

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

/// The blocks of a format, and the bits of the numbers in them.
fn golden(dtype: DType) -> (Vec<u8>, Vec<u8>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/quantised");
    let path = folder.join(format!("{}.bin", dtype.name()));
    let golden = std::fs::read(&path).expect("the golden file is there");
    let (blocks, numbers) = golden.split_at(N_BLOCKS * dtype.block_bytes());
    assert_eq!(numbers.len(), N_BLOCKS * dtype.block_len() * 4, "{}", dtype.name());
    (blocks.to_vec(), numbers.to_vec())
}

#[test]
fn every_format_is_read_to_the_bit() {
    for dtype in PACKED {
        let (blocks, expected) = golden(dtype);
        let cols = 2 * dtype.block_len();

        // Two rows of two blocks, so that the second row begins where the first ends.
        let memory = Arc::new(HostBuffer::from_bytes(&blocks));
        let tensor = Tensor::from_memory(memory, 0, dtype, &[2, cols]);
        for (i, (found, expected)) in
            tensor.to_f32_vec().iter().zip(expected.chunks_exact(4)).enumerate()
        {
            let expected = u32::from_le_bytes([expected[0], expected[1], expected[2], expected[3]]);
            assert_eq!(found.to_bits(), expected, "{} weight {i}: {found}", dtype.name());
        }
    }
}

#[test]
fn every_format_is_packed_at_its_levels() {
    for dtype in PACKED {
        let (blocks, _) = golden(dtype);
        let (rows, cols) = (2 * STRIP_ROWS, 2 * dtype.block_len());
        let memory = Arc::new(HostBuffer::from_bytes(&blocks.repeat(rows / 2)));
        let tensor = Tensor::from_memory(memory, 0, dtype, &[rows, cols]);
        let packing = dtype.packing().expect("blocks have a packing");
        let dtype_packed = DType::Packed(packing);
        let mut buffer = HostBuffer::zeroed(rows * dtype_packed.row_bytes(cols));
        packing.pack(&tensor, buffer.bytes_mut().expect("host memory"));
        let packed = Tensor::from_memory(Arc::new(buffer), 0, dtype_packed, &[rows, cols]);
        let (expected, found) = (tensor.to_f32_vec(), packed.to_f32_vec());
        let groups = expected.chunks_exact(packing.group());
        let mut n_compared = 0;
        for (expected, found) in groups.zip(found.chunks_exact(packing.group())) {
            let largest = expected.iter().fold(0f32, |m, x| m.max(x.abs()));
            // The goldens have exponents of MXFP4 that f16 has not.
            if !(1e-4..1e4).contains(&largest) {
                continue;
            }
            // The scales of a super-block's groups are rounded.
            let most = if dtype.block_len() == 32 { 0.0 } else { largest / 1024.0 };
            for (x, y) in expected.iter().zip(found) {
                assert!((x - y).abs() <= most, "{}: {x} became {y}", dtype.name());
            }
            n_compared += 1;
        }
        assert!(n_compared > 0, "{}", dtype.name());
    }
}
