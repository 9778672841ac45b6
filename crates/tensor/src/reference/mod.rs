//! The slow true answer: every operation by plain loops, in double precision.

mod absorbed;
mod attention;
mod balance;
mod copies;
mod experts;
mod grid;
mod linear;
mod loss;
mod muon;
mod norm;
mod optimiser;
mod rotary;
mod router;
mod swiglu;

use std::sync::Arc;

use crate::backend::Backend;
use crate::differentiable::{
    AdamWTensor, Differentiable, ExpertGradients, Gradient, MuonMatrix, SavedExperts,
};
use crate::dtype::DType;
use crate::memory::HostBuffer;
use crate::specification::{
    AttentionSpec, ExpertWeights, LatentDims, RotarySpec, RouterSpec, Routing, Segment,
};
use crate::tensor::Tensor;

/// The device that defines what every operation means; it has no other virtue.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Backend for Reference {
    fn name(&self) -> String {
        "reference".to_owned()
    }

    fn empty(&self, dtype: DType, dims: &[usize]) -> Tensor {
        let n_rows: usize = dims.split_last().map_or(1, |(_, outer)| outer.iter().product());
        let n_bytes = n_rows * dtype.row_bytes(dims.last().copied().unwrap_or(1));
        let memory = Arc::new(HostBuffer::from_bytes(&vec![0; n_bytes]));
        Tensor::from_memory(memory, 0, dtype, dims)
    }

    fn zeros(&self, dims: &[usize]) -> Tensor {
        self.empty(DType::F32, dims)
    }

    fn upload(&self, host: &Tensor) -> Tensor {
        host.copied()
    }

    fn download(&self, tensor: &Tensor) -> Tensor {
        tensor.clone()
    }

    fn store_rows(&self, cache: &mut Tensor, at: usize, rows: &Tensor) {
        copies::store_rows(cache, at, rows);
    }

    fn widen(&self, x: &Tensor) -> Tensor {
        copies::widen(x)
    }

    fn embedding(&self, table: &Tensor, ids: &Tensor) -> Tensor {
        copies::embedding(table, ids)
    }

    fn linear(&self, x: &Tensor, w: &Tensor) -> Tensor {
        linear::linear(x, w)
    }

    fn add(&self, a: &Tensor, b: &Tensor) -> Tensor {
        copies::add(a, b)
    }

    fn add_row(&self, x: &Tensor, row: &Tensor) -> Tensor {
        copies::add_row(x, row)
    }

    fn rms_norm(&self, x: &Tensor, w: &Tensor, epsilon: f32) -> Tensor {
        norm::rms_norm(x, w, epsilon)
    }

    fn rotary(&self, x: &Tensor, spec: &RotarySpec, positions: &Tensor) -> Tensor {
        rotary::rotary(x, spec, positions)
    }

    fn swiglu(&self, gate: &Tensor, up: &Tensor) -> Tensor {
        swiglu::swiglu(gate, up)
    }

    fn join_columns(&self, a: &Tensor, b: &Tensor) -> Tensor {
        copies::join_columns(a, b)
    }

    fn join_keys(&self, kv: &Tensor, k_rope: &Tensor, dims: LatentDims) -> (Tensor, Tensor) {
        copies::join_keys(kv, k_rope, dims)
    }

    fn attention(&self, q: &Tensor, k: &Tensor, v: &Tensor, spec: &AttentionSpec) -> Tensor {
        attention::attention_saving(q, k, v, spec).0
    }

    fn absorbed_attention(
        &self,
        q: &Tensor,
        kv_b: &Tensor,
        key: Option<&Tensor>,
        latent: &Tensor,
        k_rope: &Tensor,
        dims: LatentDims,
        spec: &AttentionSpec,
    ) -> Tensor {
        absorbed::absorbed_attention(q, kv_b, key, latent, k_rope, dims, spec)
    }

    fn route(&self, logits: &Tensor, bias: Option<&Tensor>, spec: &RouterSpec) -> Routing {
        router::route(logits, bias, spec)
    }

    fn experts(&self, x: &Tensor, routing: &Routing, weights: &ExpertWeights) -> Tensor {
        experts::experts_saving(x, routing, weights).0
    }

    fn balance_loss(
        &self,
        logits: &Tensor,
        indices: &Tensor,
        spec: &RouterSpec,
        segments: &[Segment],
    ) -> Tensor {
        balance::balance_loss(logits, indices, spec, segments)
    }

    fn cross_entropy_with_z(&self, logits: &Tensor, targets: &Tensor) -> (Tensor, Tensor) {
        loss::cross_entropy_with_z(logits, targets)
    }
}

impl Differentiable for Reference {
    fn pass_gradient(&self, gradient: &Tensor, into: &mut Gradient) {
        copies::pass_gradient(gradient, into);
    }

    fn embedding_backward(&self, d_out: &Tensor, ids: &Tensor, d_table: &mut Gradient) {
        copies::embedding_backward(d_out, ids, d_table);
    }

    fn linear_backward(
        &self,
        d_out: &Tensor,
        x: &Tensor,
        w: &Tensor,
        d_x: Option<&mut Gradient>,
        d_w: Option<&mut Gradient>,
    ) {
        linear::linear_backward(d_out, x, w, d_x, d_w);
    }

    fn add_row_backward(&self, d_out: &Tensor, d_row: &mut Gradient) {
        copies::add_row_backward(d_out, d_row);
    }

    fn rms_norm_backward(
        &self,
        d_out: &Tensor,
        x: &Tensor,
        w: &Tensor,
        epsilon: f32,
        d_x: &mut Gradient,
        d_w: Option<&mut Gradient>,
    ) {
        norm::rms_norm_backward(d_out, x, w, epsilon, d_x, d_w);
    }

    fn rotary_backward(
        &self,
        d_out: &Tensor,
        spec: &RotarySpec,
        positions: &Tensor,
        d_x: &mut Gradient,
    ) {
        rotary::rotary_backward(d_out, spec, positions, d_x);
    }

    fn swiglu_backward(
        &self,
        d_out: &Tensor,
        gate: &Tensor,
        up: &Tensor,
        d_gate: &mut Gradient,
        d_up: &mut Gradient,
    ) {
        swiglu::swiglu_backward(d_out, gate, up, d_gate, d_up);
    }

    fn columns_backward(&self, d_out: &Tensor, start: usize, d_x: &mut Gradient) {
        copies::columns_backward(d_out, start, d_x);
    }

    fn join_keys_backward(
        &self,
        d_keys: &Tensor,
        d_values: &Tensor,
        dims: LatentDims,
        d_kv: &mut Gradient,
        d_k_rope: &mut Gradient,
    ) {
        copies::join_keys_backward(d_keys, d_values, dims, d_kv, d_k_rope);
    }

    fn attention_saving(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        spec: &AttentionSpec,
    ) -> (Tensor, Tensor) {
        attention::attention_saving(q, k, v, spec)
    }

    fn attention_backward(
        &self,
        d_out: &Tensor,
        out: &Tensor,
        log_sum_exp: &Tensor,
        qkv: [&Tensor; 3],
        spec: &AttentionSpec,
        d_qkv: [&mut Gradient; 3],
    ) {
        attention::attention_backward(d_out, out, log_sum_exp, qkv, spec, d_qkv);
    }

    fn route_backward(
        &self,
        d_weights: &Tensor,
        logits: &Tensor,
        routing: &Routing,
        spec: &RouterSpec,
        d_logits: &mut Gradient,
    ) {
        router::route_backward(d_weights, logits, routing, spec, d_logits);
    }

    fn experts_saving(
        &self,
        x: &Tensor,
        routing: &Routing,
        weights: &ExpertWeights,
    ) -> (Tensor, SavedExperts) {
        experts::experts_saving(x, routing, weights)
    }

    fn experts_backward(
        &self,
        d_out: &Tensor,
        x: &Tensor,
        routing: &Routing,
        weights: &ExpertWeights,
        saved: &SavedExperts,
        d_x: &mut Gradient,
        d_routing_weights: &mut Gradient,
        d_weights: Option<ExpertGradients<'_>>,
    ) {
        experts::experts_backward(
            d_out,
            x,
            routing,
            weights,
            saved,
            d_x,
            d_routing_weights,
            d_weights,
        );
    }

    fn balance_loss_backward(
        &self,
        d_losses: &Tensor,
        logits: &Tensor,
        indices: &Tensor,
        spec: &RouterSpec,
        segments: &[Segment],
        d_logits: &mut Gradient,
    ) {
        balance::balance_loss_backward(d_losses, logits, indices, spec, segments, d_logits);
    }

    fn cross_entropy_backward(
        &self,
        d_losses: &Tensor,
        d_squares: Option<&Tensor>,
        logits: &Tensor,
        targets: &Tensor,
        d_logits: &mut Gradient,
    ) {
        loss::cross_entropy_backward(d_losses, d_squares, logits, targets, d_logits);
    }

    fn sum_of_squares(&self, tensors: &[&Tensor]) -> f64 {
        tensors.iter().map(|tensor| optimiser::sum_of_squares(tensor)).sum()
    }

    fn adamw(&self, tensors: Vec<AdamWTensor<'_>>) {
        tensors.into_iter().for_each(optimiser::adamw);
    }

    fn average(&self, pairs: Vec<(&mut Tensor, &Tensor)>, keep: f32) {
        pairs.into_iter().for_each(|(average, weight)| optimiser::average(average, weight, keep));
    }

    fn muon(&self, matrices: Vec<MuonMatrix<'_>>) {
        matrices.into_iter().for_each(muon::muon);
    }
}
