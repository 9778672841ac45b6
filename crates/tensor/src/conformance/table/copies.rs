//! Operations that move numbers.

use crate::conformance::case::{Bound, Case, Input, place, places};
use crate::conformance::random::Random;
use crate::dtype::DType;

const FORMATS: [DType; 4] = [DType::F32, DType::Bf16, DType::F16, DType::Q8_0];

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = FORMATS.into_iter().map(upload).collect();
    cases.push(zeros());
    cases.extend([1, 3, 17].map(store_rows));
    cases.push(round_and_widen());
    for dtype in FORMATS {
        cases.extend([(1, 32), (17, 64)].map(|(t, d)| embedding(t, d, dtype)));
    }
    cases.push(embedding(70, 33, DType::F32));
    for (dims, is_strided) in
        [([1, 1], false), ([3, 17], false), ([70, 130], false), ([17, 33], true)]
    {
        cases.push(add(dims, is_strided));
    }
    for (t, c, is_strided) in [(1, 1, false), (3, 17, false), (70, 130, false), (17, 33, true)] {
        cases.push(add_row(t, c, is_strided));
    }
    cases.extend([DType::Bf16, DType::F16].map(add_frozen_row));
    for (from, to) in [([1, 12], [3, 4]), ([70, 24], [280, 6]), ([6, 5], [2, 15])] {
        cases.push(reshape(from, to));
    }
    for (t, cols, start, end) in [(1, 16, 0, 5), (3, 24, 16, 24), (17, 70, 3, 64), (5, 8, 0, 8)] {
        cases.push(columns(t, cols, start, end));
    }
    for (t, cols, is_strided) in
        [(1, [1, 1], false), (3, [5, 17], false), (70, [64, 64], false), (17, [33, 8], true)]
    {
        cases.push(join_columns(t, cols, is_strided));
    }
    cases
}

fn upload(dtype: DType) -> Case {
    let name = format!("upload {} and views", dtype.name());
    let x = Input::fixed("x", Random::named(&name).weights(9, 96, dtype));
    Case::new(name, Bound::EXACT, vec![x], |b, x| {
        vec![x[0].clone(), x[0].row_range(2..7), b.columns(&x[0], 32..64).row_range(3..4)]
    })
}

fn zeros() -> Case {
    Case::new("zeros", Bound::EXACT, Vec::new(), |b, _| {
        // What an earlier tensor left in a pooled buffer must be gone.
        drop(b.add(&b.zeros(&[33, 17]), &b.zeros(&[33, 17])));
        vec![b.zeros(&[33, 17]), b.zeros(&[5])]
    })
}

fn store_rows(n: usize) -> Case {
    let name = format!("store_rows {n} of 23");
    let mut random = Random::named(&name);
    let rows = Input::fixed("rows", random.tensor(&[n, 23], 1.0)).strided(true);
    let newer = Input::fixed("newer", random.tensor(&[2, 23], 1.0));
    Case::new(name, Bound::EXACT, vec![rows, newer], move |b, x| {
        let mut cache = b.zeros(&[n + 4, 23]);
        b.store_rows(&mut cache, 3, &x[0]);
        b.store_rows(&mut cache, 0, &x[1]);
        b.store_rows(&mut cache, n + 2, &x[1]);
        let mut filled = b.empty(DType::F32, &[n, 23]);
        b.store_rows(&mut filled, 0, &x[0]);
        vec![cache, filled]
    })
}

fn round_and_widen() -> Case {
    let rows = Input::fixed("rows", Random::named("rounded").tensor(&[5, 23], 1.0));
    Case::new("store_rows in bf16 and widen", Bound::EXACT, vec![rows], |b, x| {
        let mut cache = b.empty(DType::Bf16, &[7, 23]);
        b.store_rows(&mut cache, 0, &x[0]);
        b.store_rows(&mut cache, 2, &x[0]);
        vec![b.widen(&cache.row_range(1..6)), b.widen(&x[0])]
    })
}

fn embedding(t: usize, d: usize, dtype: DType) -> Case {
    let name = format!("embedding {} T{t} D{d}", dtype.name());
    let mut random = Random::named(&name);
    let mut table = Input::fixed("table", random.weights(13, d, dtype));
    table.is_wanted = dtype == DType::F32;
    let ids = Input::fixed("ids", random.ids(t, 13));
    let case =
        Case::new(name, Bound::EXACT, vec![table, ids], |b, x| vec![b.embedding(&x[0], &x[1])]);
    if dtype != DType::F32 {
        return case;
    }
    case.backward(|b, x, d, g| b.embedding_backward(&d[0], &x[1], place(&mut g[0])))
}

fn add(dims: [usize; 2], is_strided: bool) -> Case {
    let name = format!("add {dims:?}{}", if is_strided { ", a strided" } else { "" });
    let mut random = Random::named(&name);
    let a = Input::wanted("a", random.tensor(&dims, 1.0)).strided(is_strided);
    let b = Input::wanted("b", random.tensor(&dims, 1.0));
    Case::new(name, Bound::EXACT, vec![a, b], |b, x| vec![b.add(&x[0], &x[1])]).backward(
        |b, _, d, g| {
            let [d_a, d_b] = places(g);
            b.pass_gradient(&d[0], d_a);
            b.pass_gradient(&d[0], d_b);
        },
    )
}

fn add_row(t: usize, c: usize, is_strided: bool) -> Case {
    let name = format!("add_row T{t} C{c}{}", if is_strided { ", x strided" } else { "" });
    let mut random = Random::named(&name);
    let x = Input::wanted("x", random.tensor(&[t, c], 1.0)).strided(is_strided);
    let row = Input::wanted("row", random.tensor(&[c], 1.0));
    Case::new(name, Bound::F32, vec![x, row], |b, x| vec![b.add_row(&x[0], &x[1])]).backward(
        |b, _, d, g| {
            let [d_x, d_row] = places(g);
            b.pass_gradient(&d[0], d_x);
            b.add_row_backward(&d[0], d_row);
        },
    )
}

fn add_frozen_row(dtype: DType) -> Case {
    let name = format!("add_row of a frozen {}", dtype.name());
    let mut random = Random::named(&name);
    let x = Input::fixed("x", random.tensor(&[3, 48], 1.0));
    let row = random.weights(1, 48, dtype).reshaped(&[48]);
    Case::new(name, Bound::EXACT, vec![x, Input::fixed("row", row)], |b, x| {
        vec![b.add_row(&x[0], &x[1])]
    })
}

fn reshape(from: [usize; 2], to: [usize; 2]) -> Case {
    let name = format!("reshape {from:?} to {to:?}");
    let x = Input::wanted("x", Random::named(&name).tensor(&from, 1.0));
    Case::new(name, Bound::EXACT, vec![x], move |b, x| vec![b.reshape(&x[0], &to)])
        .backward(move |b, _, d, g| b.pass_gradient(&b.reshape(&d[0], &from), place(&mut g[0])))
}

fn columns(t: usize, cols: usize, start: usize, end: usize) -> Case {
    let name = format!("columns {start}..{end} of T{t} C{cols}");
    let x = Input::wanted("x", Random::named(&name).tensor(&[t, cols], 1.0));
    Case::new(name, Bound::EXACT, vec![x], move |b, x| vec![b.columns(&x[0], start..end)])
        .backward(move |b, _, d, g| b.columns_backward(&d[0], start, place(&mut g[0])))
}

fn join_columns(t: usize, cols: [usize; 2], is_strided: bool) -> Case {
    let layout = if is_strided { ", both strided" } else { "" };
    let name = format!("join_columns {} and {} of T{t}{layout}", cols[0], cols[1]);
    let mut random = Random::named(&name);
    let inputs = ["a", "b"].into_iter().zip(cols).map(|(input, cols)| {
        Input::wanted(input, random.tensor(&[t, cols], 1.0)).strided(is_strided)
    });
    let inputs = inputs.collect();
    Case::new(name, Bound::EXACT, inputs, |b, x| vec![b.join_columns(&x[0], &x[1])]).backward(
        |b, _, d, g| {
            let [d_a, d_b] = places(g);
            b.join_columns_backward(&d[0], d_a, d_b);
        },
    )
}
