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
use crate::packed::Packing;

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

/// One packing of each kind of kernel.
pub(super) const PACKINGS: [(usize, usize); 3] = [(4, 32), (4, 128), (8, 64)];

/// A packed format.
pub(super) fn packed((bits, group): (usize, usize)) -> DType {
    DType::Packed(Packing::new(bits, group).expect("one of those there are"))
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
