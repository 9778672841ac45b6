//! Plain data that says what an operation is to do.

use std::ops::Range;
use std::sync::Arc;

use crate::tensor::Tensor;

/// How the rotary half of a head is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotaryLayout {
    /// Pairs `(x0, x1), (x2, x3), …` turn together: latent attention's checkpoints.
    Interleaved,
    /// Pairs `(x0, x_{d/2}), (x1, x_{d/2+1}), …` turn together: plain multi-head attention's.
    HalfSplit,
}

/// Rotary position embedding of the last `2 · cos.cols()` numbers of each head.
#[derive(Clone, Debug)]
pub struct RotarySpec {
    /// Cosines `[positions, dims / 2]`, any attention factor multiplied in.
    pub cos: Tensor,
    /// Sines `[positions, dims / 2]`, any attention factor multiplied in.
    pub sin: Tensor,
    /// Which numbers form a pair.
    pub layout: RotaryLayout,
    /// Numbers in one head; those before the rotary ones pass unchanged.
    pub head_dim: usize,
}

impl RotarySpec {
    /// Rotary numbers in one head.
    pub fn rotary_dim(&self) -> usize {
        2 * self.cos.cols()
    }
}

/// Sizes of one latent-attention head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatentDims {
    /// Heads.
    pub n_heads: usize,
    /// Key numbers without position.
    pub nope: usize,
    /// Key numbers with rotary position, shared by all heads.
    pub rope: usize,
    /// Value numbers.
    pub value: usize,
}

/// Rows that attend to each other: one sequence, or one document of a packed row.
///
/// The query rows stand at the end of the key rows: query `i` of `n` sees the keys up to and
/// including number `keys.len() - n + i`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Rows of the queries (and of the output).
    pub queries: Range<usize>,
    /// Rows of the keys and values; at least as many as there are queries.
    pub keys: Range<usize>,
}

/// Causal softmax attention.
#[derive(Clone, Debug)]
pub struct AttentionSpec {
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; divides `n_heads`.
    pub n_kv_heads: usize,
    /// Multiplies the scores before the softmax.
    pub scale: f32,
    /// A query sees only this many newest keys, itself included; `None` sees all.
    pub window: Option<usize>,
    /// Who attends to whom; the query ranges follow each other and cover all rows.
    pub segments: Arc<[Segment]>,
}

/// How router logits become affinities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoring {
    /// Over all experts: V1, V2.
    Softmax,
    /// Each expert on its own: V3.
    Sigmoid,
}

/// How a group of experts is scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupScore {
    /// By its best expert: V2.
    Max,
    /// By the sum of its two best biased experts: V3.
    TopTwoSum,
}

/// Choose experts only from the best groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupLimit {
    /// Equal groups of neighbouring experts.
    pub n_groups: usize,
    /// Groups that stay in the choice; the others are masked with −∞.
    pub n_kept: usize,
    /// How groups are compared.
    pub score: GroupScore,
}

/// How tokens choose experts.
#[derive(Clone, Debug, PartialEq)]
pub struct RouterSpec {
    /// `E`.
    pub n_experts: usize,
    /// `K`.
    pub n_active: usize,
    /// Affinity.
    pub scoring: Scoring,
    /// Restriction to the best groups.
    pub groups: Option<GroupLimit>,
    /// Divide the chosen weights by their sum plus 1e-20.
    pub renormalise: bool,
    /// Multiplies the weights at the end.
    pub scale: f32,
    /// Each expert takes at most `⌈capacity_factor · T · K / E⌉` tokens, those of the greatest
    /// weight first (DeepSeek-V2, section 2.2.4); `None` drops nothing.
    pub capacity_factor: Option<f32>,
}

impl RouterSpec {
    /// The greatest number of tokens one expert takes from `n_tokens`.
    pub fn capacity(&self, n_tokens: usize) -> usize {
        match self.capacity_factor {
            None => n_tokens,
            Some(factor) => {
                let fair_share = (n_tokens * self.n_active) as f64 / self.n_experts as f64;
                (f64::from(factor) * fair_share).ceil() as usize
            }
        }
    }
}

/// Which experts each token visits, and with what weight.
#[derive(Clone, Debug)]
pub struct Routing {
    /// Expert indices, `i32 [T, K]`, best first.
    pub indices: Tensor,
    /// Weights, `f32 [T, K]`, in the order of `indices`; 0 where the assignment was dropped.
    pub weights: Tensor,
    /// The kept assignments `t · K + k`, `i32 [A]`, grouped by expert, ascending within one.
    pub assignments: Tensor,
    /// Expert `e` owns `assignments[offsets[e]..offsets[e + 1]]`, `i32 [E + 1]`.
    pub offsets: Tensor,
}

impl Routing {
    /// Assignments that found their expert full.
    pub fn n_dropped(&self) -> usize {
        self.indices.len() - self.assignments.len()
    }
}

/// The weights of `E` SwiGLU experts, each tensor on its own so that unused ones are never read.
#[derive(Clone, Debug)]
pub struct ExpertWeights {
    /// `E` gate projections `[F, D]`.
    pub gate: Vec<Tensor>,
    /// `E` up projections `[F, D]`.
    pub up: Vec<Tensor>,
    /// `E` down projections `[D, F]`.
    pub down: Vec<Tensor>,
}
