//! Cross-entropy, alone and with the z-loss.

use crate::conformance::case::{Bound, Case, Input, place};
use crate::conformance::random::Random;
use crate::tensor::Tensor;

pub(in crate::conformance) fn cases() -> Vec<Case> {
    // Logits of size 40 bring their rounding, 100 · 2⁻²⁴, into the exponential.
    let large = Bound { absolute: 1e-6, relative: 5e-5 };
    vec![
        cross_entropy(1, 2, 1.0, 1, Bound::F32),
        cross_entropy(3, 17, 1.0, 2, Bound::F32),
        cross_entropy(17, 130, 2.0, 3, Bound::F32),
        cross_entropy(70, 1000, 1.0, 5, Bound::F32),
        cross_entropy(5, 64, 1.0, 1, Bound::F32),
        cross_entropy(17, 70, 40.0, 4, large),
        with_z(cross_entropy(1, 2, 1.0, 1, Bound::F32)),
        with_z(cross_entropy(17, 130, 2.0, 3, Bound::F32)),
        with_z(cross_entropy(70, 1000, 1.0, 5, Bound::F32)),
        with_z(cross_entropy(17, 70, 40.0, 4, large)),
    ]
}

/// Logits of size `scale`; one target in `ignored_one_in` is -1.
pub(in crate::conformance) fn cross_entropy(
    t: usize,
    v: usize,
    scale: f32,
    ignored_one_in: usize,
    bound: Bound,
) -> Case {
    let name = format!("cross_entropy T{t} V{v} of size {scale}, 1 in {ignored_one_in} ignored");
    let mut random = Random::named(&name);
    let logits = Input::wanted("logits", random.tensor(&[t, v], scale));
    let targets: Vec<i32> =
        (0..t).map(|i| if i % ignored_one_in == 1 { -1 } else { random.below(v) as i32 }).collect();
    let targets = Input::fixed("targets", Tensor::from_slice(&targets, &[t]));
    Case::new(name, bound, vec![logits, targets], |b, x| vec![b.cross_entropy(&x[0], &x[1])])
        .backward(|b, x, d, g| {
            b.cross_entropy_backward(&d[0], None, &x[0], &x[1], place(&mut g[0]));
        })
        .work(4 * t * v, 4 * t * v)
}

/// The same with the squares of the z-loss beside it, in the value and in the gradient.
fn with_z(case: Case) -> Case {
    let name = case.name.replace("cross_entropy", "cross_entropy_with_z");
    Case::new(name, case.bound, case.inputs, |b, x| {
        let (losses, squares) = b.cross_entropy_with_z(&x[0], &x[1]);
        vec![losses, squares]
    })
    .twin(|b, x| vec![b.cross_entropy(&x[0], &x[1])])
    .backward(|b, x, d, g| {
        b.cross_entropy_backward(&d[0], Some(&d[1]), &x[0], &x[1], place(&mut g[0]));
    })
}
