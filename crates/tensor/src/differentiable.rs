//! The contract of a device that can train: the vector-Jacobian product of every operation, and
//! the optimiser's pass.

use crate::backend::Backend;
use crate::specification::{
    AttentionSpec, ExpertWeights, LatentDims, RotarySpec, RouterSpec, Routing, Segment,
};
use crate::tensor::Tensor;

/// Whether a gradient is stored over what is there or added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accumulate {
    /// The first write: what is there is unspecified.
    Store,
    /// A later write.
    Add,
}

/// A place for the gradient of one tensor: the first write stores, later writes add.
pub struct Gradient {
    tensor: Tensor,
    filled: bool,
}

impl Gradient {
    /// A place whose contents are unspecified until the first write.
    pub fn unfilled(tensor: Tensor) -> Self {
        Gradient { tensor, filled: false }
    }

    /// A gradient that is already known.
    pub fn filled(tensor: Tensor) -> Self {
        Gradient { tensor, filled: true }
    }

    /// Begins a write: how to write, and where. The caller writes every value.
    pub fn write(&mut self) -> (Accumulate, &mut Tensor) {
        let mode = if self.filled { Accumulate::Add } else { Accumulate::Store };
        self.filled = true;
        (mode, &mut self.tensor)
    }

    /// Whether anything has been written.
    pub fn is_filled(&self) -> bool {
        self.filled
    }

    /// The gradient.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// The gradient, taken out.
    pub fn into_tensor(self) -> Tensor {
        self.tensor
    }
}

/// What the forward pass of [`Differentiable::experts_saving`] keeps for its backward pass.
#[derive(Clone, Debug)]
pub struct SavedExperts {
    /// Gate projections of the assigned tokens, `[A, F]`, in the order of the assignments.
    pub gate: Tensor,
    /// Up projections of the assigned tokens, `[A, F]`.
    pub up: Tensor,
}

/// Places for the gradients of an expert layer's weights, one per expert.
pub struct ExpertGradients<'a> {
    /// Of the gate projections.
    pub gate: &'a mut [Gradient],
    /// Of the up projections.
    pub up: &'a mut [Gradient],
    /// Of the down projections.
    pub down: &'a mut [Gradient],
}

/// One step of AdamW with decoupled weight decay (Loshchilov and Hutter 2019), as PyTorch has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Step size.
    pub learning_rate: f32,
    /// Decay of the mean of gradients.
    pub beta1: f32,
    /// Decay of the mean of squared gradients.
    pub beta2: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// Shrinks the weights by `learning_rate · weight_decay`.
    pub weight_decay: f32,
    /// Number of this step, from 1.
    pub step: u32,
    /// Multiplies the gradient first: clipping.
    pub gradient_scale: f32,
}

/// One tensor's part in [`Differentiable::adamw`].
pub struct AdamWTensor<'a> {
    /// The weight.
    pub weight: &'a mut Tensor,
    /// Its gradient. It may be absent: an expert that no token visited has a gradient of zeros.
    pub gradient: Option<&'a Tensor>,
    /// Means of the gradient and of its square.
    pub moments: [&'a mut Tensor; 2],
    /// The step.
    pub update: AdamW,
}

/// One step of Muon (Jordan et al. 2024) with decoupled weight decay, at the size of an AdamW step
/// (Liu et al. 2025).
///
/// The momentum becomes `β m + (1 − β) g`; the step is against `β m + (1 − β) g` of the new
/// momentum (Nesterov's), made nearly orthogonal and multiplied by
/// `learning_rate · 0.2 · √max(rows, cols)`, so that its root mean square is that of AdamW.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Muon {
    /// Step size.
    pub learning_rate: f32,
    /// `β`: decay of the mean of gradients.
    pub momentum: f32,
    /// Shrinks the weights by `learning_rate · weight_decay`.
    pub weight_decay: f32,
    /// Multiplies the gradient first: clipping.
    pub gradient_scale: f32,
}

impl Muon {
    /// Iterations of Newton and Schulz that make a matrix nearly orthogonal.
    pub const ITERATIONS: usize = 5;
    /// `a`, `b`, `c` of an iteration `X ← a X + (b A + c A²) X` with `A = X Xᵀ`: steep at zero, and
    /// between 0.7 and 1.2 afterwards (Jordan et al. 2024).
    pub const COEFFICIENTS: [f64; 3] = [3.4445, -4.7750, 2.0315];
    /// The least norm that a matrix is divided by before the first iteration.
    pub const LEAST_NORM: f64 = 1e-7;

    /// What the orthogonal step of a matrix of this shape is multiplied by.
    pub fn step_size(&self, rows: usize, cols: usize) -> f64 {
        f64::from(self.learning_rate) * 0.2 * (rows.max(cols) as f64).sqrt()
    }
}

/// One matrix's part in [`Differentiable::muon`].
pub struct MuonMatrix<'a> {
    /// The weight.
    pub weight: &'a mut Tensor,
    /// Its gradient; zeros where absent.
    pub gradient: Option<&'a Tensor>,
    /// Mean of the gradient.
    pub momentum: &'a mut Tensor,
    /// The step.
    pub update: Muon,
}

/// A device that can train.
///
/// Each `…_backward` takes the gradient of the output, the inputs of the forward pass, and the
/// places for the gradients of the inputs. Gradients and trained weights are `f32`.
pub trait Differentiable: Backend {
    /// Writes `gradient` into `into`: the backward pass of an addition.
    fn pass_gradient(&self, gradient: &Tensor, into: &mut Gradient);

    /// Of [`Backend::embedding`]: `d_table` `[V, D]`.
    fn embedding_backward(&self, d_out: &Tensor, ids: &Tensor, d_table: &mut Gradient);

    /// Of [`Backend::linear`]: `d_x` `[T, I]`, `d_w` `[O, I]`, either where wanted.
    fn linear_backward(
        &self,
        d_out: &Tensor,
        x: &Tensor,
        w: &Tensor,
        d_x: Option<&mut Gradient>,
        d_w: Option<&mut Gradient>,
    );

    /// Of [`Backend::add_row`]: `d_row` `[C]`, the sum of the rows of `d_out` `[T, C]`. That of `x`
    /// is [`Differentiable::pass_gradient`].
    fn add_row_backward(&self, d_out: &Tensor, d_row: &mut Gradient);

    /// Of [`Backend::rms_norm`]: `d_x` `[T, D]`, `d_w` `[D]`.
    fn rms_norm_backward(
        &self,
        d_out: &Tensor,
        x: &Tensor,
        w: &Tensor,
        epsilon: f32,
        d_x: &mut Gradient,
        d_w: Option<&mut Gradient>,
    );

    /// Of [`Backend::rotary`]: turns back.
    fn rotary_backward(
        &self,
        d_out: &Tensor,
        spec: &RotarySpec,
        positions: &Tensor,
        d_x: &mut Gradient,
    );

    /// Of [`Backend::swiglu`]: `d_gate`, `d_up` `[T, F]`.
    fn swiglu_backward(
        &self,
        d_out: &Tensor,
        gate: &Tensor,
        up: &Tensor,
        d_gate: &mut Gradient,
        d_up: &mut Gradient,
    );

    /// Of [`Backend::columns`]: `d_out` goes to the columns from `start`; the others get nothing,
    /// which on the first write means zeros.
    fn columns_backward(&self, d_out: &Tensor, start: usize, d_x: &mut Gradient);

    /// Of [`Backend::join_columns`]: each input gets its columns of `d_out`.
    fn join_columns_backward(&self, d_out: &Tensor, d_a: &mut Gradient, d_b: &mut Gradient) {
        let n_first = d_a.tensor().cols();
        self.pass_gradient(&self.columns(d_out, 0..n_first), d_a);
        self.pass_gradient(&self.columns(d_out, n_first..d_out.cols()), d_b);
    }

    /// Of [`Backend::join_keys`]: `d_kv`, and `d_k_rope` summed over the heads.
    fn join_keys_backward(
        &self,
        d_keys: &Tensor,
        d_values: &Tensor,
        dims: LatentDims,
        d_kv: &mut Gradient,
        d_k_rope: &mut Gradient,
    );

    /// [`Backend::attention`] that also gives the logarithm of each row's softmax denominator,
    /// `[T, H]`, from which the backward pass recomputes the probabilities (Dao et al. 2022).
    fn attention_saving(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        spec: &AttentionSpec,
    ) -> (Tensor, Tensor);

    /// Of [`Backend::attention`], from its output and the saved log-sum-exp.
    fn attention_backward(
        &self,
        d_out: &Tensor,
        out: &Tensor,
        log_sum_exp: &Tensor,
        qkv: [&Tensor; 3],
        spec: &AttentionSpec,
        d_qkv: [&mut Gradient; 3],
    );

    /// Of [`Backend::route`]: from the gradient of the weights `[T, K]` to that of the logits
    /// `[T, E]`. The choice itself has no gradient; a dropped assignment gives none.
    fn route_backward(
        &self,
        d_weights: &Tensor,
        logits: &Tensor,
        routing: &Routing,
        spec: &RouterSpec,
        d_logits: &mut Gradient,
    );

    /// [`Backend::experts`] that also keeps what the backward pass needs.
    fn experts_saving(
        &self,
        x: &Tensor,
        routing: &Routing,
        weights: &ExpertWeights,
    ) -> (Tensor, SavedExperts);

    /// Of [`Backend::experts`]: `d_x` `[T, D]`, the routing weights' `[T, K]` (0 where dropped),
    /// and each expert's; experts without a token are neither read nor written.
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
    );

    /// Of [`Backend::balance_loss`]: `d_losses` `[S]` to `d_logits` `[T, E]`. The choice has no
    /// gradient, so `fᵢ` is a constant.
    fn balance_loss_backward(
        &self,
        d_losses: &Tensor,
        logits: &Tensor,
        indices: &Tensor,
        spec: &RouterSpec,
        segments: &[Segment],
        d_logits: &mut Gradient,
    );

    /// Of [`Backend::cross_entropy_with_z`]: `d_losses` `[T]`, and `d_squares` `[T]` where the
    /// squares were used, to `d_logits` `[T, V]`.
    fn cross_entropy_backward(
        &self,
        d_losses: &Tensor,
        d_squares: Option<&Tensor>,
        logits: &Tensor,
        targets: &Tensor,
        d_logits: &mut Gradient,
    );

    /// `average ← keep · average + (1 − keep) · weight` for each pair, in one pass over all.
    fn average(&self, pairs: Vec<(&mut Tensor, &Tensor)>, keep: f32);

    /// The sum of all squared values of all tensors, in an order that does not depend on threads.
    fn sum_of_squares(&self, tensors: &[&Tensor]) -> f64;

    /// Updates weights and moments in place, all in one pass.
    fn adamw(&self, tensors: Vec<AdamWTensor<'_>>);

    /// Updates matrices and momenta in place. Products are made in `f32`.
    fn muon(&self, matrices: Vec<MuonMatrix<'_>>);
}
