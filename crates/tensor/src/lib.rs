//! What a tensor is, the vocabulary of layer operations, the slow true answer to each of them,
//! and the contract by which ranks exchange tensors.
//!
//! This crate must never know any real device, a model, or a file. A device is a value that
//! implements [`Backend`]; one that can also train implements [`Differentiable`]. [`Reference`]
//! defines by plain loops what every operation means, and [`conformance`] is the one table of
//! cases that every backend runs against it.
//!
//! Legend of shapes, here and in every backend: `T` tokens (rows), `D` hidden, `H` heads, `R`
//! latent rank, `F` width of a feed-forward layer, `E` experts, `K` experts per token, `A`
//! assignments of a token to an expert, `V` vocabulary.

#![forbid(unsafe_code)]

mod backend;
mod collective;
pub mod conformance;
mod differentiable;
mod dtype;
mod memory;
mod packed;
mod pool;
mod quantised;
mod reference;
mod routing;
mod specification;
mod tensor;

pub use backend::Backend;
pub use collective::{Collective, ThreadCollective};
pub use differentiable::{
    Accumulate, AdamW, AdamWTensor, Differentiable, ExpertGradients, Gradient, Muon, MuonMatrix,
    SavedExperts,
};
pub use dtype::{DType, Element};
pub use memory::{HostBuffer, Memory};
pub use packed::{LONGEST_GROUP, Packing, QUAD, QUAD_BYTES, SCALE_BYTES, STRIP_ROWS};
pub use pool::HostPool;
pub use quantised::{Q8_BLOCK, quantise_q8_0};
pub use reference::Reference;
pub use routing::{choose_experts, group_by_expert};
pub use specification::{
    AttentionSpec, ExpertWeights, GroupLimit, GroupScore, LatentDims, RotaryLayout, RotarySpec,
    RouterSpec, Routing, Scoring, Segment,
};
pub use tensor::{Matrix, MatrixMut, Tensor, TensorId};
