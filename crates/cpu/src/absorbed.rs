//! Latent attention that never makes keys and values: for decoding.

use hadal_tensor::{AttentionSpec, DType, LatentDims, Tensor};

use crate::Cpu;
use crate::attention::blocks;
use crate::lanes::{axpy, dot, softmax};
use crate::linear::multiply_rows;

pub(crate) fn absorbed_attention(
    cpu: &Cpu,
    q: &Tensor,
    kv_b: &Tensor,
    latent: &Tensor,
    k_rope: &Tensor,
    dims: LatentDims,
    spec: &AttentionSpec,
) -> Tensor {
    let LatentDims { n_heads, nope, rope, value } = dims;
    let rank = latent.cols();
    let queries = blocks(spec, 1);
    let mut out = cpu.buffer(&[q.rows(), n_heads * value]);
    let (q, latent, k_rope) = (q.matrix::<f32>(), latent.matrix::<f32>(), k_rope.matrix::<f32>());
    let n_keys: usize = queries.iter().map(|query| query.keys.len()).sum();
    let work = n_heads * (n_keys * (2 * rank + rope) + queries.len() * (nope + value) * rank);
    let tasks: Vec<_> = out.as_mut_slice::<f32>().chunks_exact_mut(value).enumerate().collect();
    cpu.for_each(tasks, work, |(task, out)| {
        let (query, head) = (&queries[task / n_heads], task % n_heads);
        let row = query.queries.start;
        let q = &q.row(row)[head * (nope + rope)..][..nope + rope];
        let first_weight_row = head * (nope + value);

        // The key's up-projection, folded into the query: [R].
        let mut folded = vec![0.0; rank];
        fold_query(cpu, kv_b, first_weight_row, &q[..nope], &mut folded);
        let mut weights: Vec<f32> = (query.keys.clone())
            .map(|key| {
                let content = dot(cpu.isa, &folded, latent.row(key));
                spec.scale * (content + dot(cpu.isa, &q[nope..], k_rope.row(key)))
            })
            .collect();
        softmax(cpu.isa, &mut weights);
        let mut mixed = vec![0.0; rank];
        for (weight, key) in weights.iter().zip(query.keys.clone()) {
            axpy(cpu.isa, *weight, latent.row(key), &mut mixed);
        }
        multiply_rows(cpu.isa, kv_b, first_weight_row + nope, &[&mixed], out);
    });
    out
}

/// `folded = Σ q[i] · kv_b[first + i]`.
fn fold_query(cpu: &Cpu, kv_b: &Tensor, first: usize, q: &[f32], folded: &mut [f32]) {
    if kv_b.dtype() == DType::F32 {
        let kv_b = kv_b.matrix::<f32>();
        for (i, q) in q.iter().enumerate() {
            axpy(cpu.isa, *q, kv_b.row(first + i), folded);
        }
        return;
    }
    let mut wide = vec![0.0; folded.len()];
    for (i, q) in q.iter().enumerate() {
        kv_b.read_row(first + i, &mut wide);
        axpy(cpu.isa, *q, &wide, folded);
    }
}
