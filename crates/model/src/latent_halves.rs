//! The projection from the latent to keys and values: one matrix in published checkpoints, two in
//! newer GGUF files. The half for keys also stands in packed models, for decoding folds it into the
//! query.

use hadal_tensor::Tensor;
use half::{bf16, f16};

/// The sizes of the projection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LatentSizes {
    /// `H`.
    pub(crate) n_heads: usize,
    /// Key numbers of a head that do not carry position.
    pub(crate) nope: usize,
    /// Value numbers of a head.
    pub(crate) value: usize,
    /// `R`.
    pub(crate) rank: usize,
}

impl LatentSizes {
    /// The shape of the half for keys, each head transposed.
    pub(crate) fn key_dims(self) -> [usize; 3] {
        [self.n_heads, self.rank, self.nope]
    }

    /// The shape of the half for values.
    pub(crate) fn value_dims(self) -> [usize; 3] {
        [self.n_heads, self.value, self.rank]
    }

    /// `[H · (nope + value), R]` from both halves.
    pub(crate) fn join(self, keys: &Tensor, values: &Tensor) -> Tensor {
        let LatentSizes { n_heads, nope, value, rank } = self;
        let mut whole = vec![0.0; n_heads * (nope + value) * rank];
        let mut key_row = vec![0.0; nope];
        for (head, whole) in whole.chunks_exact_mut((nope + value) * rank).enumerate() {
            let (head_keys, head_values) = whole.split_at_mut(nope * rank);
            for r in 0..rank {
                keys.read_row(head * rank + r, &mut key_row);
                for (i, x) in key_row.iter().enumerate() {
                    head_keys[i * rank + r] = *x;
                }
            }
            for (i, row) in head_values.chunks_exact_mut(rank).enumerate() {
                values.read_row(head * value + i, row);
            }
        }
        narrowest(&whole, &[n_heads * (nope + value), rank])
    }

    /// The half for keys, `[H, R, nope]`.
    pub(crate) fn keys(self, whole: &Tensor) -> Tensor {
        let LatentSizes { n_heads, nope, value, rank } = self;
        let mut keys = vec![0.0; n_heads * rank * nope];
        let mut row = vec![0.0; rank];
        for (head, keys) in keys.chunks_exact_mut(rank * nope).enumerate() {
            for i in 0..nope {
                whole.read_row(head * (nope + value) + i, &mut row);
                for (r, x) in row.iter().enumerate() {
                    keys[r * nope + i] = *x;
                }
            }
        }
        narrowest(&keys, &self.key_dims())
    }

    /// The rows of the half for values, one view a head.
    pub(crate) fn values(self, whole: &Tensor) -> Vec<Tensor> {
        let head_rows = self.nope + self.value;
        (1..=self.n_heads)
            .map(|head| whole.row_range(head * head_rows - self.value..head * head_rows))
            .collect()
    }
}

/// The numbers in half the room where that loses none of them.
fn narrowest(values: &[f32], dims: &[usize]) -> Tensor {
    let same = |narrow: f32, x: f32| narrow.to_bits() == x.to_bits();
    if values.iter().all(|x| same(bf16::from_f32(*x).to_f32(), *x)) {
        let narrow: Vec<bf16> = values.iter().map(|x| bf16::from_f32(*x)).collect();
        return Tensor::from_slice(&narrow, dims);
    }
    if values.iter().all(|x| same(f16::from_f32(*x).to_f32(), *x)) {
        let narrow: Vec<f16> = values.iter().map(|x| f16::from_f32(*x)).collect();
        return Tensor::from_slice(&narrow, dims);
    }
    Tensor::from_slice(values, dims)
}
