//! The order of the rows of query and key projections.
//!
//! Published checkpoints of models whose rotary pairs lie half a head apart have the rows of a
//! head as `[2, d / 2]`; the converter of llama.cpp writes them as `[d / 2, 2]` for the
//! architectures that it rotates in neighbouring pairs. Rows move whole, so that packed ones can.

use std::sync::Arc;

use hadal_tensor::{HostBuffer, Tensor};

/// From neighbouring pairs, as GGUF has them, to halves.
pub(super) fn to_halves(tensor: &Tensor, n_heads: usize) -> Tensor {
    reorder(tensor, n_heads, |i, half| i % half * 2 + i / half)
}

/// A copy whose row `i` of each head is row `from(i, half a head)` of the same head.
fn reorder(tensor: &Tensor, n_heads: usize, from: impl Fn(usize, usize) -> usize) -> Tensor {
    let head_dim = tensor.rows() / n_heads;
    let bytes: Vec<u8> = (0..tensor.rows())
        .flat_map(|row| {
            let (head, i) = (row / head_dim, row % head_dim);
            tensor.packed_row(head * head_dim + from(i, head_dim / 2))
        })
        .copied()
        .collect();
    let memory = Arc::new(HostBuffer::from_bytes(&bytes));
    Tensor::from_memory(memory, 0, tensor.dtype(), tensor.dims())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the converter does: from halves to neighbouring pairs.
    fn to_pairs(tensor: &Tensor, n_heads: usize) -> Tensor {
        reorder(tensor, n_heads, |i, half| i % 2 * half + i / 2)
    }

    #[test]
    fn rows_go_there_and_back() {
        // Two heads of six rows; the converter's reshape(2, 2, 3).swapaxes(1, 2) by hand.
        let rows: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let halves = Tensor::from_slice(&rows, &[12, 1]);
        let pairs = to_pairs(&halves, 2);
        assert_eq!(pairs.to_f32_vec(), [0., 3., 1., 4., 2., 5., 6., 9., 7., 10., 8., 11.]);
        assert_eq!(to_halves(&pairs, 2).to_f32_vec(), rows);
    }
}
