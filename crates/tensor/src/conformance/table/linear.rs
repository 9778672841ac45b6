//! `x wᵀ`, with weights of every format.

use crate::conformance::case::{Case, Input};
use crate::conformance::random::Random;
use crate::dtype::DType;
use crate::packed::Packing;

use super::bound_for;

/// What is asked of the backward pass.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    Nothing,
    X,
    W,
    Both,
}

pub(in crate::conformance) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (t, i, o) in [
        (1, 32, 16),
        (1, 64, 33),
        (3, 17, 5),
        (5, 1, 1),
        (17, 70, 33),
        (64, 128, 64),
        (70, 96, 130),
    ] {
        cases.push(with(t, i, o, DType::F32, Wanted::Both, false));
    }
    cases.push(with(17, 70, 33, DType::F32, Wanted::Both, true));
    cases.push(with(1, 130, 17, DType::F32, Wanted::Both, true));
    cases.push(with(17, 70, 33, DType::F32, Wanted::X, false));
    cases.push(with(17, 70, 33, DType::F32, Wanted::W, false));
    for dtype in [DType::Bf16, DType::F16] {
        for (t, i, o) in [(1, 64, 33), (1, 130, 17), (3, 17, 5), (17, 70, 33), (70, 96, 130)] {
            cases.push(with(t, i, o, dtype, Wanted::Nothing, false));
        }
        cases.push(with(17, 70, 33, dtype, Wanted::Nothing, true));
    }
    // What a low-rank adapter over frozen weights needs.
    cases.push(with(17, 70, 33, DType::Bf16, Wanted::X, false));
    for (t, i, o) in [(1, 32, 7), (1, 256, 96), (3, 96, 33), (17, 64, 16), (70, 160, 40)] {
        cases.push(with(t, i, o, DType::Q8_0, Wanted::Nothing, false));
    }
    cases.push(with(17, 64, 16, DType::Q8_0, Wanted::Nothing, true));
    for packing in Packing::ALL {
        for (t, i, o) in [(1, 128, 16), (1, 384, 144), (3, 256, 48), (13, 128, 160), (70, 256, 272)]
        {
            cases.push(with(t, i, o, DType::Packed(packing), Wanted::Nothing, false));
        }
        cases.push(with(17, 128, 32, DType::Packed(packing), Wanted::Nothing, true));
        for t in [1, 19] {
            cases.push(feed_forward([t, 128, 256], DType::Packed(packing)));
        }
    }
    for t in [1, 17] {
        cases.push(feed_forward([t, 64, 96], DType::F32));
    }
    cases.push(of_shared_weights());
    cases
}

/// `x` `[T, I]` and `w` `[O, I]`.
pub(in crate::conformance) fn linear(t: usize, i: usize, o: usize, dtype: DType) -> Case {
    let wanted = if dtype == DType::F32 { Wanted::Both } else { Wanted::Nothing };
    with(t, i, o, dtype, wanted, false)
}

fn with(t: usize, i: usize, o: usize, dtype: DType, wanted: Wanted, is_strided: bool) -> Case {
    let layout = if is_strided { ", x strided" } else { "" };
    let name = format!("linear {} T{t} I{i} O{o}, wanted {wanted:?}{layout}", dtype.name());
    let mut random = Random::named(&name);
    let mut x = Input::fixed("x", random.tensor(&[t, i], 1.0)).strided(is_strided);
    let mut w = Input::fixed("w", random.weights(o, i, dtype));
    x.is_wanted = matches!(wanted, Wanted::X | Wanted::Both);
    w.is_wanted = matches!(wanted, Wanted::W | Wanted::Both);
    let bytes = w.host.len_bytes() + 4 * t * (i + o);
    let case = Case::new(name, bound_for(dtype), vec![x, w], |b, x| vec![b.linear(&x[0], &x[1])])
        .work(2 * t * i * o, bytes);
    if wanted == Wanted::Nothing {
        return case;
    }
    case.backward(|b, x, d, g| {
        let [d_x, d_w] = g else { panic!("two inputs") };
        b.linear_backward(&d[0], &x[0], &x[1], d_x.as_mut(), d_w.as_mut());
    })
}

/// A whole feed-forward, `T` tokens of `D` numbers, `F` wide.
fn feed_forward([t, d, f]: [usize; 3], dtype: DType) -> Case {
    let name = format!("feed-forward {} T{t} D{d} F{f}", dtype.name());
    let mut random = Random::named(&name);
    let mut inputs = vec![Input::fixed("x", random.tensor(&[t, d], 1.0))];
    for (kind, rows, cols) in [("gate", f, d), ("up", f, d), ("down", d, f)] {
        inputs.push(Input::fixed(kind, random.weights(rows, cols, dtype)));
    }
    Case::new(name, bound_for(dtype), inputs, |b, x| {
        vec![b.feed_forward(&x[0], &x[1], &x[2], &x[3])]
    })
}

/// Rows of a larger matrix as weights: a shard, or one expert of a stack.
fn of_shared_weights() -> Case {
    let name = "linear with a range of rows as weights";
    let mut random = Random::named(name);
    let x = Input::fixed("x", random.tensor(&[3, 40], 1.0));
    let w = Input::fixed("w", random.weights(30, 40, DType::F32));
    Case::new(name, bound_for(DType::F32), vec![x, w], |b, x| {
        vec![b.linear(&x[0], &x[1].row_range(7..26))]
    })
}
