//! Keys and values of latent attention, made from latents.

use hadal_tensor::{Accumulate, DType, Gradient, LatentDims, Tensor};
use half::bf16;

use crate::Cpu;
use crate::cached::Cached;
use crate::elementwise::accumulate;

pub(crate) fn join_keys(
    cpu: &Cpu,
    kv: &Tensor,
    k_rope: &Tensor,
    dims: LatentDims,
) -> (Tensor, Tensor) {
    match k_rope.dtype() {
        DType::Bf16 => join_keys_as::<bf16>(cpu, kv, k_rope, dims),
        _ => join_keys_as::<f32>(cpu, kv, k_rope, dims),
    }
}

fn join_keys_as<T: Cached>(
    cpu: &Cpu,
    kv: &Tensor,
    k_rope: &Tensor,
    dims: LatentDims,
) -> (Tensor, Tensor) {
    let LatentDims { n_heads, nope, rope, value } = dims;
    let n_tokens = kv.rows();
    let mut keys = cpu.allocate(T::DTYPE, &[n_tokens, n_heads * (nope + rope)]);
    let mut values = cpu.allocate(T::DTYPE, &[n_tokens, n_heads * value]);
    let (kv, k_rope) = (kv.matrix::<f32>(), k_rope.matrix::<T>());
    cpu.for_row_tasks(keys.as_mut_slice::<T>(), n_heads * (nope + rope), 64, |first, out| {
        for (i, row) in out.chunks_exact_mut(n_heads * (nope + rope)).enumerate() {
            let (kv, k_rope) = (kv.row(first + i), k_rope.row(first + i));
            for (head, kv) in row.chunks_exact_mut(nope + rope).zip(kv.chunks_exact(nope + value)) {
                T::round(cpu.isa, &kv[..nope], &mut head[..nope]);
                head[nope..].copy_from_slice(k_rope);
            }
        }
    });
    cpu.for_row_tasks(values.as_mut_slice::<T>(), n_heads * value, 64, |first, out| {
        for (i, row) in out.chunks_exact_mut(n_heads * value).enumerate() {
            let kv = kv.row(first + i).chunks_exact(nope + value);
            for (head, kv) in row.chunks_exact_mut(value).zip(kv) {
                T::round(cpu.isa, &kv[nope..], head);
            }
        }
    });
    (keys, values)
}

pub(crate) fn join_keys_backward(
    cpu: &Cpu,
    d_keys: &Tensor,
    d_values: &Tensor,
    dims: LatentDims,
    d_kv: &mut Gradient,
    d_k_rope: &mut Gradient,
) {
    let LatentDims { nope, rope, value, .. } = dims;
    let (d_keys, d_values) = (d_keys.matrix::<f32>(), d_values.matrix::<f32>());
    let (mode, d_kv) = d_kv.write();
    let width = d_kv.cols();
    cpu.for_row_tasks(d_kv.as_mut_slice::<f32>(), width, 64, |first, out| {
        for (i, row) in out.chunks_exact_mut(width).enumerate() {
            let d_keys = d_keys.row(first + i).chunks_exact(nope + rope);
            let d_values = d_values.row(first + i).chunks_exact(value);
            for ((head, d_key), d_value) in
                row.chunks_exact_mut(nope + value).zip(d_keys).zip(d_values)
            {
                accumulate(cpu, mode, &d_key[..nope], &mut head[..nope]);
                accumulate(cpu, mode, d_value, &mut head[nope..]);
            }
        }
    });
    let (mode, d_k_rope) = d_k_rope.write();
    cpu.for_row_tasks(d_k_rope.as_mut_slice::<f32>(), rope, 256, |first, out| {
        for (i, row) in out.chunks_exact_mut(rope).enumerate() {
            let d_keys = d_keys.row(first + i).chunks_exact(nope + rope);
            for (head, d_key) in d_keys.enumerate() {
                let mode = if head == 0 { mode } else { Accumulate::Add };
                accumulate(cpu, mode, &d_key[nope..], row);
            }
        }
    });
}
