//! The feed-forward of one layer: one SwiGLU, or a mixture of them (DeepSeekMoE).

use hadal_tensor::{Backend, Routing, Tensor};

use crate::config::MixtureConfig;
use crate::weights::{MixtureWeights, SwiGluWeights};

/// What a router saw in each token, and where it sent it.
#[derive(Clone, Debug)]
pub struct Routed {
    /// Before scoring, `[T, E]`.
    pub logits: Tensor,
    /// Who went where.
    pub routing: Routing,
}

/// `down(silu(gate(h)) · up(h))` from `[T, D]` to `[T, D]`.
pub(crate) fn dense(device: &dyn Backend, h: &Tensor, weights: &SwiGluWeights) -> Tensor {
    device.feed_forward(h, &weights.gate, &weights.up, &weights.down)
}

/// Routed experts plus shared ones, from `[T, D]` to `[T, D]`, and what the router did.
pub(crate) fn mixture(
    device: &dyn Backend,
    h: &Tensor,
    weights: &MixtureWeights,
    config: &MixtureConfig,
) -> (Tensor, Routed) {
    let logits = device.linear(h, &weights.router); // [T, E]
    let routing = device.route(&logits, weights.selection_bias.as_ref(), &config.router);
    let routed = device.experts(h, &routing, &weights.experts); // [T, D]
    let out = match &weights.shared {
        None => routed,
        Some(shared) => device.add(&routed, &dense(device, h, shared)),
    };
    (out, Routed { logits, routing })
}
