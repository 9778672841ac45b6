//! Operations that move numbers and compute nothing but sums.

use half::bf16;

use crate::differentiable::Gradient;
use crate::dtype::DType;
use crate::specification::LatentDims;
use crate::tensor::Tensor;

use super::grid::{Grid, add_scaled, values};

pub(super) fn store_rows(cache: &mut Tensor, at: usize, rows: &Tensor) {
    let rows = rows.matrix::<f32>();
    for row in 0..rows.rows {
        if cache.dtype() == DType::Bf16 {
            let rounded: Vec<bf16> = rows.row(row).iter().map(|x| bf16::from_f32(*x)).collect();
            cache.matrix_mut::<bf16>().row_mut(at + row).copy_from_slice(&rounded);
        } else {
            cache.matrix_mut::<f32>().row_mut(at + row).copy_from_slice(rows.row(row));
        }
    }
}

pub(super) fn widen(x: &Tensor) -> Tensor {
    if x.dtype() == DType::F32 { x.clone() } else { Tensor::from_slice(&x.to_f32_vec(), x.dims()) }
}

/// The values of an `f32` tensor as `dtype`, `f32` or `bf16`.
fn rounded(x: Tensor, dtype: DType) -> Tensor {
    if dtype != DType::Bf16 {
        return x;
    }
    let rounded: Vec<bf16> = x.as_slice::<f32>().iter().map(|x| bf16::from_f32(*x)).collect();
    Tensor::from_slice(&rounded, x.dims())
}

pub(super) fn embedding(table: &Tensor, ids: &Tensor) -> Tensor {
    let ids = values::<i32>(ids);
    let mut out = vec![0f32; ids.len() * table.cols()];
    for (&id, out) in ids.iter().zip(out.chunks_exact_mut(table.cols())) {
        table.read_row(id as usize, out);
    }
    Tensor::from_slice(&out, &[ids.len(), table.cols()])
}

pub(super) fn embedding_backward(d_out: &Tensor, ids: &Tensor, d_table: &mut Gradient) {
    let d_out = Grid::read(d_out);
    let mut sums = Grid::zeros_like(d_table.tensor());
    for (t, &id) in values::<i32>(ids).iter().enumerate() {
        add_scaled(sums.row_mut(id as usize), 1.0, d_out.row(t));
    }
    sums.write_to(d_table);
}

pub(super) fn add(a: &Tensor, b: &Tensor) -> Tensor {
    assert_eq!(a.dims(), b.dims(), "the shapes of two terms");
    let mut sum = Grid::read(a);
    let b_values = Grid::read(b);
    for row in 0..sum.rows {
        add_scaled(sum.row_mut(row), 1.0, b_values.row(row));
    }
    sum.into_shaped(a.dims())
}

pub(super) fn add_row(x: &Tensor, row: &Tensor) -> Tensor {
    let (mut sum, row) = (Grid::read(x), Grid::read(row));
    for i in 0..sum.rows {
        add_scaled(sum.row_mut(i), 1.0, row.row(0));
    }
    sum.into_shaped(x.dims())
}

pub(super) fn add_row_backward(d_out: &Tensor, d_row: &mut Gradient) {
    let (d_out, mut sum) = (Grid::read(d_out), Grid::zeros_like(d_row.tensor()));
    for i in 0..d_out.rows {
        add_scaled(sum.row_mut(0), 1.0, d_out.row(i));
    }
    sum.write_to(d_row);
}

pub(super) fn pass_gradient(gradient: &Tensor, into: &mut Gradient) {
    Grid::read(gradient).write_to(into);
}

pub(super) fn columns_backward(d_out: &Tensor, start: usize, d_x: &mut Gradient) {
    let d_out = Grid::read(d_out);
    let mut whole = Grid::zeros_like(d_x.tensor());
    for row in 0..d_out.rows {
        whole.row_mut(row)[start..start + d_out.cols].copy_from_slice(d_out.row(row));
    }
    whole.write_to(d_x);
}

pub(super) fn join_columns(a: &Tensor, b: &Tensor) -> Tensor {
    let (a, b) = (Grid::read(a), Grid::read(b));
    let mut joined = Grid::zeros(a.rows, a.cols + b.cols);
    for row in 0..a.rows {
        let (left, right) = joined.row_mut(row).split_at_mut(a.cols);
        left.copy_from_slice(a.row(row));
        right.copy_from_slice(b.row(row));
    }
    joined.into_tensor()
}

/// `kv` holds, head after head, first the key's `nope` numbers and then the value's.
pub(super) fn join_keys(kv: &Tensor, k_rope: &Tensor, dims: LatentDims) -> (Tensor, Tensor) {
    let LatentDims { n_heads, nope, rope, value } = dims;
    let dtype = k_rope.dtype();
    let (kv, k_rope) = (Grid::read(kv), Grid::read(k_rope));
    let mut keys = Grid::zeros(kv.rows, n_heads * (nope + rope)); // T × H(nope + rope)
    let mut vals = Grid::zeros(kv.rows, n_heads * value); // T × H value
    for t in 0..kv.rows {
        for h in 0..n_heads {
            let head = &kv.row(t)[h * (nope + value)..][..nope + value];
            let key = &mut keys.row_mut(t)[h * (nope + rope)..][..nope + rope];
            key[..nope].copy_from_slice(&head[..nope]);
            key[nope..].copy_from_slice(k_rope.row(t));
            vals.row_mut(t)[h * value..][..value].copy_from_slice(&head[nope..]);
        }
    }
    (rounded(keys.into_tensor(), dtype), rounded(vals.into_tensor(), dtype))
}

pub(super) fn join_keys_backward(
    d_keys: &Tensor,
    d_values: &Tensor,
    dims: LatentDims,
    d_kv: &mut Gradient,
    d_k_rope: &mut Gradient,
) {
    let LatentDims { n_heads, nope, rope, value } = dims;
    let (d_keys, d_values) = (Grid::read(d_keys), Grid::read(d_values));
    let mut kv_sums = Grid::zeros(d_keys.rows, n_heads * (nope + value));
    let mut rope_sums = Grid::zeros(d_keys.rows, rope);
    for t in 0..d_keys.rows {
        for h in 0..n_heads {
            let d_key = &d_keys.row(t)[h * (nope + rope)..][..nope + rope];
            let head = &mut kv_sums.row_mut(t)[h * (nope + value)..][..nope + value];
            head[..nope].copy_from_slice(&d_key[..nope]);
            head[nope..].copy_from_slice(&d_values.row(t)[h * value..][..value]);
            add_scaled(rope_sums.row_mut(t), 1.0, &d_key[nope..]);
        }
    }
    kv_sums.write_to(d_kv);
    rope_sums.write_to(d_k_rope);
}
