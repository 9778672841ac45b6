//! Latent attention on the cached latents themselves.
//!
//! With `kv_b` of a head cut into `Wₖ` `[nope, R]` and `Wᵥ` `[value, R]`, the score of a key is
//! `q_nope · Wₖ c = (Wₖᵀ q_nope) · c`, and the output `Σ p Wᵥ c = Wᵥ Σ p c`.

use crate::specification::{AttentionSpec, LatentDims};
use crate::tensor::Tensor;

use super::attention::for_each_query;
use super::grid::{Grid, add_scaled, dot, log_sum_exp};

pub(super) fn absorbed_attention(
    q: &Tensor,
    kv_b: &Tensor,
    key: Option<&Tensor>,
    latent: &Tensor,
    k_rope: &Tensor,
    dims: LatentDims,
    spec: &AttentionSpec,
) -> Tensor {
    let LatentDims { n_heads, nope, rope, value } = dims;
    let (q, kv_b) = (Grid::read(q), Grid::read(kv_b));
    let key = key.map(Grid::read);
    let (latent, k_rope) = (Grid::read(latent), Grid::read(k_rope));
    let mut out = Grid::zeros(q.rows, n_heads * value); // T × H value
    for_each_query(spec, |t, keys| {
        for h in 0..n_heads {
            let first_row = h * (nope + value);
            let (q_nope, q_rope) = q.row(t)[h * (nope + rope)..][..nope + rope].split_at(nope);

            let mut q_latent = vec![0.0; latent.cols]; // R
            match &key {
                None => {
                    for (i, &q) in q_nope.iter().enumerate() {
                        add_scaled(&mut q_latent, q, kv_b.row(first_row + i));
                    }
                }
                Some(key) => {
                    for (r, q_latent) in q_latent.iter_mut().enumerate() {
                        *q_latent = dot(key.row(h * latent.cols + r), q_nope);
                    }
                }
            }
            let score = |s| dot(&q_latent, latent.row(s)) + dot(q_rope, k_rope.row(s));
            let scores: Vec<f64> = keys.clone().map(|s| f64::from(spec.scale) * score(s)).collect();
            let log_denominator = log_sum_exp(&scores);

            let mut mixed = vec![0.0; latent.cols]; // R
            for (s, score) in keys.clone().zip(&scores) {
                add_scaled(&mut mixed, (score - log_denominator).exp(), latent.row(s));
            }
            for i in 0..value {
                out.row_mut(t)[h * value + i] = dot(kv_b.row(first_row + nope + i), &mixed);
            }
        }
    });
    out.into_tensor()
}
