//! The contract, operation by operation; the work is in the files named after them.

use hadal_tensor::{
    AdamWTensor, AttentionSpec, Backend, DType, Differentiable, ExpertGradients, ExpertWeights,
    Gradient, LatentDims, MuonMatrix, RotarySpec, RouterSpec, Routing, SavedExperts, Segment,
    Tensor,
};

use half::bf16;

use crate::cached::store_rows;
use crate::{
    Cpu, Products, absorbed, attention, balance, elementwise, experts, linear, loss, muon, norm,
    optimiser, packed, router,
};

impl Backend for Cpu {
    fn name(&self) -> String {
        let products = match self.products {
            Products::F32 => "",
            Products::Bf16 => ", bf16 products",
        };
        format!("cpu {} ×{}{products}", self.isa.name(), self.n_threads)
    }

    fn empty(&self, dtype: DType, dims: &[usize]) -> Tensor {
        self.allocate(dtype, dims)
    }

    fn zeros(&self, dims: &[usize]) -> Tensor {
        self.zeroed(dims)
    }

    fn upload(&self, host: &Tensor) -> Tensor {
        host.copied()
    }

    fn download(&self, tensor: &Tensor) -> Tensor {
        tensor.clone()
    }

    fn store_rows(&self, cache: &mut Tensor, at: usize, rows: &Tensor) {
        match cache.dtype() {
            DType::Bf16 => store_rows::<bf16>(self.isa, cache, at, rows),
            _ => store_rows::<f32>(self.isa, cache, at, rows),
        }
    }

    fn widen(&self, x: &Tensor) -> Tensor {
        elementwise::widen(self, x)
    }

    fn embedding(&self, table: &Tensor, ids: &Tensor) -> Tensor {
        let (ids, dim) = (ids.as_slice::<i32>(), table.cols());
        let mut out = self.buffer(&[ids.len(), dim]);
        self.for_row_tasks(out.as_mut_slice::<f32>(), dim, 64, |first, out| {
            for (out, id) in out.chunks_exact_mut(dim).zip(&ids[first..]) {
                table.read_row(*id as usize, out);
            }
        });
        out
    }

    fn linear(&self, x: &Tensor, w: &Tensor) -> Tensor {
        linear::linear(self, x, w)
    }

    fn add(&self, a: &Tensor, b: &Tensor) -> Tensor {
        elementwise::add(self, a, b)
    }

    fn add_row(&self, x: &Tensor, row: &Tensor) -> Tensor {
        elementwise::add_row(self, x, row)
    }

    fn rms_norm(&self, x: &Tensor, w: &Tensor, epsilon: f32) -> Tensor {
        norm::rms_norm(self, x, w, epsilon)
    }

    fn rotary(&self, x: &Tensor, spec: &RotarySpec, positions: &Tensor) -> Tensor {
        elementwise::rotary(self, x, spec, positions)
    }

    fn swiglu(&self, gate: &Tensor, up: &Tensor) -> Tensor {
        elementwise::swiglu(self, gate, up)
    }

    fn join_columns(&self, a: &Tensor, b: &Tensor) -> Tensor {
        elementwise::join_columns(self, a, b)
    }

    fn join_keys(&self, kv: &Tensor, k_rope: &Tensor, dims: LatentDims) -> (Tensor, Tensor) {
        attention::join_keys(self, kv, k_rope, dims)
    }

    fn attention(&self, q: &Tensor, k: &Tensor, v: &Tensor, spec: &AttentionSpec) -> Tensor {
        attention::attention(self, q, k, v, spec)
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
        absorbed::absorbed_attention(self, q, (kv_b, key), latent, k_rope, dims, spec)
    }

    fn route(&self, logits: &Tensor, bias: Option<&Tensor>, spec: &RouterSpec) -> Routing {
        router::route(self, logits, bias, spec)
    }

    fn feed_forward(&self, x: &Tensor, gate: &Tensor, up: &Tensor, down: &Tensor) -> Tensor {
        match packed::packings([gate, up, down]) {
            Some(packings) => packed::feed_forward(self, x, [gate, up, down], packings),
            None => self.linear(&self.swiglu(&self.linear(x, gate), &self.linear(x, up)), down),
        }
    }

    fn experts(&self, x: &Tensor, routing: &Routing, weights: &ExpertWeights) -> Tensor {
        match packed::packings_of_experts(weights) {
            Some(packings) => packed::experts(self, x, routing, weights, packings),
            None => experts::experts(self, x, routing, weights).0,
        }
    }

    fn balance_loss(
        &self,
        logits: &Tensor,
        indices: &Tensor,
        spec: &RouterSpec,
        segments: &[Segment],
    ) -> Tensor {
        balance::balance_loss(self, logits, indices, spec, segments)
    }

    fn cross_entropy_with_z(&self, logits: &Tensor, targets: &Tensor) -> (Tensor, Tensor) {
        loss::cross_entropy_with_z(self, logits, targets)
    }
}

impl Differentiable for Cpu {
    fn pass_gradient(&self, gradient: &Tensor, into: &mut Gradient) {
        elementwise::pass_gradient(self, gradient, into);
    }

    fn embedding_backward(&self, d_out: &Tensor, ids: &Tensor, d_table: &mut Gradient) {
        let (mode, d_table) = d_table.write();
        let (d_out, dim) = (d_out.matrix::<f32>(), d_table.cols());
        let d_table = d_table.as_mut_slice::<f32>();
        if mode == hadal_tensor::Accumulate::Store {
            d_table.fill(0.0);
        }
        for (row, id) in ids.as_slice::<i32>().iter().enumerate() {
            let into = &mut d_table[*id as usize * dim..][..dim];
            elementwise::accumulate(self, hadal_tensor::Accumulate::Add, d_out.row(row), into);
        }
    }

    fn linear_backward(
        &self,
        d_out: &Tensor,
        x: &Tensor,
        w: &Tensor,
        d_x: Option<&mut Gradient>,
        d_w: Option<&mut Gradient>,
    ) {
        linear::linear_backward(self, d_out, x, w, d_x, d_w);
    }

    fn add_row_backward(&self, d_out: &Tensor, d_row: &mut Gradient) {
        elementwise::add_row_backward(self, d_out, d_row);
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
        norm::rms_norm_backward(self, d_out, x, w, epsilon, d_x, d_w);
    }

    fn rotary_backward(
        &self,
        d_out: &Tensor,
        spec: &RotarySpec,
        positions: &Tensor,
        d_x: &mut Gradient,
    ) {
        elementwise::rotary_backward(self, d_out, spec, positions, d_x);
    }

    fn swiglu_backward(
        &self,
        d_out: &Tensor,
        gate: &Tensor,
        up: &Tensor,
        d_gate: &mut Gradient,
        d_up: &mut Gradient,
    ) {
        elementwise::swiglu_backward(self, d_out, gate, up, d_gate, d_up);
    }

    fn columns_backward(&self, d_out: &Tensor, start: usize, d_x: &mut Gradient) {
        elementwise::columns_backward(self, d_out, start, d_x);
    }

    fn join_keys_backward(
        &self,
        d_keys: &Tensor,
        d_values: &Tensor,
        dims: LatentDims,
        d_kv: &mut Gradient,
        d_k_rope: &mut Gradient,
    ) {
        attention::join_keys_backward(self, d_keys, d_values, dims, d_kv, d_k_rope);
    }

    fn attention_saving(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        spec: &AttentionSpec,
    ) -> (Tensor, Tensor) {
        attention::attention_saving(self, q, k, v, spec)
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
        attention::attention_backward(self, d_out, out, log_sum_exp, qkv, spec, d_qkv);
    }

    fn route_backward(
        &self,
        d_weights: &Tensor,
        logits: &Tensor,
        routing: &Routing,
        spec: &RouterSpec,
        d_logits: &mut Gradient,
    ) {
        router::route_backward(self, d_weights, logits, routing, spec, d_logits);
    }

    fn experts_saving(
        &self,
        x: &Tensor,
        routing: &Routing,
        weights: &ExpertWeights,
    ) -> (Tensor, SavedExperts) {
        experts::experts(self, x, routing, weights)
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
        let into = (d_x, d_routing_weights);
        experts::experts_backward(self, d_out, x, routing, weights, saved, into, d_weights);
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
        balance::balance_loss_backward(self, d_losses, logits, indices, spec, segments, d_logits);
    }

    fn cross_entropy_backward(
        &self,
        d_losses: &Tensor,
        d_squares: Option<&Tensor>,
        logits: &Tensor,
        targets: &Tensor,
        d_logits: &mut Gradient,
    ) {
        loss::cross_entropy_backward(self, d_losses, d_squares, logits, targets, d_logits);
    }

    fn sum_of_squares(&self, tensors: &[&Tensor]) -> f64 {
        optimiser::sum_of_squares(self, tensors)
    }

    fn adamw(&self, tensors: Vec<AdamWTensor<'_>>) {
        optimiser::adamw(self, tensors);
    }

    fn average(&self, pairs: Vec<(&mut Tensor, &Tensor)>, keep: f32) {
        optimiser::average(self, pairs, keep);
    }

    fn muon(&self, matrices: Vec<MuonMatrix<'_>>) {
        muon::muon(self, matrices);
    }
}
