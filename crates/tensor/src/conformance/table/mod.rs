//! The rows of the table, one file a subject. No operation without a row.

pub(super) mod attention;
pub(super) mod balance;
mod copies;
pub(super) mod elementwise;
pub(super) mod experts;
pub(super) mod latent;
pub(super) mod linear;
pub(super) mod loss;
mod optimiser;
pub(super) mod router;

use crate::dtype::DType;

use super::case::{Bound, Case};

pub(super) fn all() -> Vec<Case> {
    let subjects = [
        copies::cases(),
        linear::cases(),
        elementwise::cases(),
        attention::cases(),
        latent::cases(),
        router::cases(),
        balance::cases(),
        experts::cases(),
        loss::cases(),
        optimiser::cases(),
    ];
    subjects.into_iter().flatten().collect()
}

/// The bound for a product with weights of this format.
fn bound_for(weights: DType) -> Bound {
    match weights {
        DType::Bf16 => Bound::BF16,
        DType::Q8_0 | DType::Packed(_) => Bound::Q8_0,
        // A product in f16, or in blocks without a kernel of their own, is made in f32: widening is
        // exact and every device has it.
        _ => Bound::F32,
    }
}
