//! The contract of a device: every operation a forward pass is made of.

use std::ops::Range;

use crate::dtype::DType;
use crate::specification::{
    AttentionSpec, ExpertWeights, LatentDims, RotarySpec, RouterSpec, Routing, Segment,
};
use crate::tensor::Tensor;

/// A device that computes layer operations, each at the size of a step of the paper.
///
/// Activations are `f32` matrices of one row per token; weights may have any [`DType`]. Shapes
/// and dtypes are checked where a model is loaded, so a mismatch here is a broken invariant and
/// panics. The same inputs give the same bits every time, for a given number of threads.
pub trait Backend: Send + Sync {
    /// What the device is, for reports: instruction set, threads.
    fn name(&self) -> String;

    /// A tensor whose contents are unspecified.
    fn empty(&self, dtype: DType, dims: &[usize]) -> Tensor;

    /// An `f32` tensor of zeros.
    fn zeros(&self, dims: &[usize]) -> Tensor;

    /// A tensor with the values of a host tensor, in memory of its own on this device.
    fn upload(&self, host: &Tensor) -> Tensor;

    /// A host tensor with the values of a tensor of this device.
    fn download(&self, tensor: &Tensor) -> Tensor;

    /// Copies `f32` `rows` `[n, C]` into rows `at..at + n` of `cache` `[capacity, C]`, rounded where it
    /// is `bf16`.
    fn store_rows(&self, cache: &mut Tensor, at: usize, rows: &Tensor);

    /// The values of an `f32` or `bf16` tensor as `f32`; the same tensor where they are that.
    fn widen(&self, x: &Tensor) -> Tensor;

    /// Rows `ids` (`i32 [T]`) of `table` `[V, D]`, as `f32 [T, D]`.
    fn embedding(&self, table: &Tensor, ids: &Tensor) -> Tensor;

    /// `x wᵀ` for `x` `[T, I]` and `w` `[O, I]`: `[T, O]`.
    fn linear(&self, x: &Tensor, w: &Tensor) -> Tensor;

    /// The sum of two tensors of the same shape.
    fn add(&self, a: &Tensor, b: &Tensor) -> Tensor;

    /// The row `row` `[C]`, of any format, added to each row of `x` `[T, C]`: the bias of a linear
    /// layer.
    fn add_row(&self, x: &Tensor, row: &Tensor) -> Tensor;

    /// `x / √(mean(x²) + epsilon) · w` along each row of `x` `[T, D]`, with `w` `[D]`
    /// (Zhang and Sennrich 2019).
    fn rms_norm(&self, x: &Tensor, w: &Tensor, epsilon: f32) -> Tensor;

    /// Turns the rotary end of each head of `x` `[T, H · head_dim]` to `positions` (`i32 [T]`)
    /// (Su et al. 2021).
    fn rotary(&self, x: &Tensor, spec: &RotarySpec, positions: &Tensor) -> Tensor;

    /// `silu(gate) · up`, both `[T, F]` (Shazeer 2020).
    fn swiglu(&self, gate: &Tensor, up: &Tensor) -> Tensor;

    /// `(silu(x gateᵀ) · x upᵀ) downᵀ` for `x` `[T, D]`, `gate` and `up` `[F, D]` and `down` `[D, F]`:
    /// `[T, D]`.
    fn feed_forward(&self, x: &Tensor, gate: &Tensor, up: &Tensor, down: &Tensor) -> Tensor {
        self.linear(&self.swiglu(&self.linear(x, gate), &self.linear(x, up)), down)
    }

    /// The columns in `range`, without a copy where the device can.
    fn columns(&self, x: &Tensor, range: Range<usize>) -> Tensor {
        x.columns(range)
    }

    /// The values of a contiguous `x` in another shape of as many values, without a copy where the
    /// device can.
    fn reshape(&self, x: &Tensor, dims: &[usize]) -> Tensor {
        x.reshaped(dims)
    }

    /// The columns of `a` `[T, A]` and after them those of `b` `[T, B]`: `[T, A + B]`.
    fn join_columns(&self, a: &Tensor, b: &Tensor) -> Tensor;

    /// Keys and values of latent attention, unabsorbed: from `kv` `[T, H · (nope + value)]` and
    /// the shared rotary key `k_rope` `[T, rope]` to keys `[T, H · (nope + rope)]` and values
    /// `[T, H · value]`, both in the number format of `k_rope`, `f32` or `bf16`.
    fn join_keys(&self, kv: &Tensor, k_rope: &Tensor, dims: LatentDims) -> (Tensor, Tensor);

    /// Softmax attention of `q` `[T, H · d]` over `k` `[S, Hkv · d]` and `v` `[S, Hkv · dv]`:
    /// `[T, H · dv]`. Where keys and values are `bf16`, queries and probabilities may be rounded to
    /// it too.
    fn attention(&self, q: &Tensor, k: &Tensor, v: &Tensor, spec: &AttentionSpec) -> Tensor;

    /// Latent attention with the up-projection folded into query and output (DeepSeek-V2,
    /// section 2.1.2): from `q` `[T, H · (nope + rope)]`, rotary part already turned, over the
    /// cached `latent` `[S, R]` and `k_rope` `[S, rope]`, with `kv_b` `[H · (nope + value), R]`:
    /// `[T, H · value]`. Gives what [`Backend::join_keys`] and [`Backend::attention`] give,
    /// without keys and values ever being made. `spec.n_kv_heads` is not looked at. Where the cache
    /// is `bf16`, what meets it may be rounded to it too.
    ///
    /// `key` `[H · R, nope]`, where given, is the key part of `kv_b` with rows and columns exchanged
    /// within each head, so that the query is folded by whole rows of it.
    fn absorbed_attention(
        &self,
        q: &Tensor,
        kv_b: &Tensor,
        key: Option<&Tensor>,
        latent: &Tensor,
        k_rope: &Tensor,
        dims: LatentDims,
        spec: &AttentionSpec,
    ) -> Tensor;

    /// Chooses experts from router `logits` `[T, E]`; `bias` `[E]` is added for the choice alone
    /// and never reaches the weights (DeepSeek-V3, section 2.1.2).
    fn route(&self, logits: &Tensor, bias: Option<&Tensor>, spec: &RouterSpec) -> Routing;

    /// The weighted sum of each token's experts, `[T, D]`; a token whose assignments were all
    /// dropped gets zeros.
    fn experts(&self, x: &Tensor, routing: &Routing, weights: &ExpertWeights) -> Tensor;

    /// How unevenly each segment's tokens use the experts: `Σᵢ fᵢ Pᵢ` of DeepSeek-V3's equations
    /// 17 to 20, without their factor α, `f32 [S]`; 1 where all experts are used alike. `fᵢ` is the
    /// part of the segment's choices (`indices`, `i32 [T, K]`) that fell on expert `i`, times `E`;
    /// `Pᵢ` is the mean over its tokens of the affinity from `logits` `[T, E]`, as a part of the
    /// token's sum. The query ranges of `segments` follow each other and cover all rows.
    fn balance_loss(
        &self,
        logits: &Tensor,
        indices: &Tensor,
        spec: &RouterSpec,
        segments: &[Segment],
    ) -> Tensor;

    /// `-log softmax(logits)[target]` for each row of `logits` `[T, V]`: `f32 [T]`; 0 where the
    /// target (`i32 [T]`) is negative.
    fn cross_entropy(&self, logits: &Tensor, targets: &Tensor) -> Tensor {
        self.cross_entropy_with_z(logits, targets).0
    }

    /// [`Backend::cross_entropy`], and beside it `(log Z)²` with `Z` the softmax's denominator,
    /// `f32 [T]`, 0 for the same rows: the z-loss of PaLM (Chowdhery et al. 2022, section 5)
    /// without its factor.
    fn cross_entropy_with_z(&self, logits: &Tensor, targets: &Tensor) -> (Tensor, Tensor);
}
