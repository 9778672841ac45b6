//! Rotary position embedding: each pair of numbers is a complex number that turns with position.

use crate::differentiable::Gradient;
use crate::specification::{RotaryLayout, RotarySpec};
use crate::tensor::Tensor;

use super::grid::{Grid, values};

pub(super) fn rotary(x: &Tensor, spec: &RotarySpec, positions: &Tensor) -> Tensor {
    turned(x, spec, positions, 1.0).into_tensor()
}

/// The transpose of a rotation turns back.
pub(super) fn rotary_backward(
    d_out: &Tensor,
    spec: &RotarySpec,
    positions: &Tensor,
    d_x: &mut Gradient,
) {
    turned(d_out, spec, positions, -1.0).write_to(d_x);
}

fn turned(x: &Tensor, spec: &RotarySpec, positions: &Tensor, direction: f64) -> Grid {
    let mut x = Grid::read(x);
    let (cos, sin) = (Grid::read(&spec.cos), Grid::read(&spec.sin));
    let n_pairs = cos.cols;
    for (t, &position) in values::<i32>(positions).iter().enumerate() {
        let (cos, sin) = (cos.row(position as usize), sin.row(position as usize));
        for head in x.row_mut(t).chunks_exact_mut(spec.head_dim) {
            let turning = &mut head[spec.head_dim - spec.rotary_dim()..];
            for pair in 0..n_pairs {
                let (a, b) = match spec.layout {
                    RotaryLayout::Interleaved => (2 * pair, 2 * pair + 1),
                    RotaryLayout::HalfSplit => (pair, pair + n_pairs),
                };
                let (re, im) = (turning[a], turning[b]);
                let (c, s) = (cos[pair], direction * sin[pair]);
                turning[a] = re * c - im * s;
                turning[b] = im * c + re * s;
            }
        }
    }
    x
}
