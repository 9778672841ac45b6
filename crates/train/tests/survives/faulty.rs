//! A device with a fault: one of its threads panics.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use hadal_cpu::Cpu;
use hadal_tensor::{
    AdamWTensor, AttentionSpec, Backend, DType, Differentiable, ExpertGradients, ExpertWeights,
    Gradient, LatentDims, MuonMatrix, RotarySpec, RouterSpec, Routing, SavedExperts, Segment,
    Tensor,
};

/// The processor, until the backward pass of step `panics_at`.
pub(crate) struct Faulty {
    cpu: Cpu,
    panics_at: u32,
    step: AtomicU32,
}

impl Faulty {
    pub(crate) fn at_step(panics_at: u32) -> Faulty {
        Faulty { cpu: Cpu::new(2), panics_at, step: AtomicU32::new(0) }
    }
}

/// Passes operations on to the processor.
macro_rules! pass_on {
    ($(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        $(fn $name(&self, $($argument: $type),*) $(-> $result)? {
            self.cpu.$name($($argument),*)
        })*
    };
}

impl Backend for Faulty {
    pass_on! {
        fn name() -> String;
        fn empty(dtype: DType, dims: &[usize]) -> Tensor;
        fn zeros(dims: &[usize]) -> Tensor;
        fn upload(host: &Tensor) -> Tensor;
        fn download(tensor: &Tensor) -> Tensor;
        fn store_rows(cache: &mut Tensor, at: usize, rows: &Tensor);
        fn widen(x: &Tensor) -> Tensor;
        fn embedding(table: &Tensor, ids: &Tensor) -> Tensor;
        fn linear(x: &Tensor, w: &Tensor) -> Tensor;
        fn add(a: &Tensor, b: &Tensor) -> Tensor;
        fn add_row(x: &Tensor, row: &Tensor) -> Tensor;
        fn rms_norm(x: &Tensor, w: &Tensor, epsilon: f32) -> Tensor;
        fn rotary(x: &Tensor, spec: &RotarySpec, positions: &Tensor) -> Tensor;
        fn swiglu(gate: &Tensor, up: &Tensor) -> Tensor;
        fn feed_forward(x: &Tensor, gate: &Tensor, up: &Tensor, down: &Tensor) -> Tensor;
        fn columns(x: &Tensor, range: Range<usize>) -> Tensor;
        fn reshape(x: &Tensor, dims: &[usize]) -> Tensor;
        fn join_columns(a: &Tensor, b: &Tensor) -> Tensor;
        fn join_keys(kv: &Tensor, k_rope: &Tensor, dims: LatentDims) -> (Tensor, Tensor);
        fn attention(q: &Tensor, k: &Tensor, v: &Tensor, spec: &AttentionSpec) -> Tensor;
        fn absorbed_attention(
            q: &Tensor, kv_b: &Tensor, key: Option<&Tensor>, latent: &Tensor, k_rope: &Tensor,
            dims: LatentDims, spec: &AttentionSpec
        ) -> Tensor;
        fn route(logits: &Tensor, bias: Option<&Tensor>, spec: &RouterSpec) -> Routing;
        fn experts(x: &Tensor, routing: &Routing, weights: &ExpertWeights) -> Tensor;
        fn balance_loss(
            logits: &Tensor, indices: &Tensor, spec: &RouterSpec, segments: &[Segment]
        ) -> Tensor;
        fn cross_entropy_with_z(logits: &Tensor, targets: &Tensor) -> (Tensor, Tensor);
    }
}

impl Differentiable for Faulty {
    pass_on! {
        fn pass_gradient(gradient: &Tensor, into: &mut Gradient);
        fn embedding_backward(d_out: &Tensor, ids: &Tensor, d_table: &mut Gradient);
        fn linear_backward(
            d_out: &Tensor, x: &Tensor, w: &Tensor, d_x: Option<&mut Gradient>,
            d_w: Option<&mut Gradient>
        );
        fn add_row_backward(d_out: &Tensor, d_row: &mut Gradient);
        fn rms_norm_backward(
            d_out: &Tensor, x: &Tensor, w: &Tensor, epsilon: f32, d_x: &mut Gradient,
            d_w: Option<&mut Gradient>
        );
        fn rotary_backward(
            d_out: &Tensor, spec: &RotarySpec, positions: &Tensor, d_x: &mut Gradient
        );
        fn swiglu_backward(
            d_out: &Tensor, gate: &Tensor, up: &Tensor, d_gate: &mut Gradient,
            d_up: &mut Gradient
        );
        fn columns_backward(d_out: &Tensor, start: usize, d_x: &mut Gradient);
        fn join_keys_backward(
            d_keys: &Tensor, d_values: &Tensor, dims: LatentDims, d_kv: &mut Gradient,
            d_k_rope: &mut Gradient
        );
        fn attention_saving(
            q: &Tensor, k: &Tensor, v: &Tensor, spec: &AttentionSpec
        ) -> (Tensor, Tensor);
        fn attention_backward(
            d_out: &Tensor, out: &Tensor, log_sum_exp: &Tensor, qkv: [&Tensor; 3],
            spec: &AttentionSpec, d_qkv: [&mut Gradient; 3]
        );
        fn route_backward(
            d_weights: &Tensor, logits: &Tensor, routing: &Routing, spec: &RouterSpec,
            d_logits: &mut Gradient
        );
        fn experts_saving(
            x: &Tensor, routing: &Routing, weights: &ExpertWeights
        ) -> (Tensor, SavedExperts);
        fn experts_backward(
            d_out: &Tensor, x: &Tensor, routing: &Routing, weights: &ExpertWeights,
            saved: &SavedExperts, d_x: &mut Gradient, d_routing_weights: &mut Gradient,
            d_weights: Option<ExpertGradients<'_>>
        );
        fn balance_loss_backward(
            d_losses: &Tensor, logits: &Tensor, indices: &Tensor, spec: &RouterSpec,
            segments: &[Segment], d_logits: &mut Gradient
        );
        fn sum_of_squares(tensors: &[&Tensor]) -> f64;
        fn adamw(tensors: Vec<AdamWTensor<'_>>);
        fn average(pairs: Vec<(&mut Tensor, &Tensor)>, keep: f32);
        fn muon(matrices: Vec<MuonMatrix<'_>>);
    }

    fn cross_entropy_backward(
        &self,
        d_losses: &Tensor,
        d_squares: Option<&Tensor>,
        logits: &Tensor,
        targets: &Tensor,
        d_logits: &mut Gradient,
    ) {
        // The recipe has one micro-batch a step, and a step one loss.
        if self.step.fetch_add(1, Ordering::Relaxed) + 1 == self.panics_at {
            rayon::join(|| panic!("expert 5 of 4"), || ());
        }
        self.cpu.cross_entropy_backward(d_losses, d_squares, logits, targets, d_logits);
    }
}
