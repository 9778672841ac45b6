//! A second opinion on gradients: candle's, of the same formulas written with its primitives.

use candle_core::{D, Device, Tensor as Candle, Var};
use hadal_cpu::Cpu;
use hadal_tensor::{AttentionSpec, Backend, Differentiable, Reference, Segment, Tensor};
use hadal_train::{Gradients, Tape};

const T: usize = 12;
const HIDDEN: usize = 16;
const HEADS: usize = 4;

/// Numbers that look random and are the same every time.
fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// One operation, by our tape and by candle: inputs' shapes, and the output from the inputs.
struct Case {
    name: &'static str,
    inputs: &'static [&'static [usize]],
    ours: fn(&dyn Backend, &[Tensor]) -> Tensor,
    theirs: fn(&[Candle]) -> candle_core::Result<Candle>,
}

const CASES: &[Case] = &[
    Case {
        name: "linear",
        inputs: &[&[T, HIDDEN], &[24, HIDDEN]],
        ours: |device, x| device.linear(&x[0], &x[1]),
        theirs: |x| x[0].matmul(&x[1].t()?),
    },
    Case {
        name: "rms_norm",
        inputs: &[&[T, HIDDEN], &[HIDDEN]],
        ours: |device, x| device.rms_norm(&x[0], &x[1], 1e-6),
        theirs: |x| {
            let mean = x[0].sqr()?.mean_keepdim(D::Minus1)?;
            x[0].broadcast_div(&(mean + 1e-6)?.sqrt()?)?.broadcast_mul(&x[1])
        },
    },
    Case {
        name: "swiglu",
        inputs: &[&[T, HIDDEN], &[T, HIDDEN]],
        ours: |device, x| device.swiglu(&x[0], &x[1]),
        theirs: |x| x[0].mul(&(x[0].neg()?.exp()? + 1.0)?.recip()?)?.mul(&x[1]),
    },
    Case {
        name: "attention",
        inputs: &[&[T, HIDDEN], &[T, HIDDEN], &[T, HIDDEN]],
        ours: |device, x| {
            let segments = [Segment { queries: 0..T, keys: 0..T }].into();
            let (n_heads, scale) = (HEADS, 0.5);
            let spec = AttentionSpec { n_heads, n_kv_heads: HEADS, scale, window: None, segments };
            device.attention(&x[0], &x[1], &x[2], &spec)
        },
        theirs: |x| {
            let heads =
                |x: &Candle| x.reshape((T, HEADS, HIDDEN / HEADS))?.transpose(0, 1)?.contiguous();
            let (q, k, v) = (heads(&x[0])?, heads(&x[1])?, heads(&x[2])?);
            let mask: Vec<f32> =
                (0..T * T).map(|i| if i % T > i / T { -1e9 } else { 0.0 }).collect();
            let mask = Candle::from_vec(mask, (T, T), &Device::Cpu)?;
            let scores = (q.matmul(&k.t()?)? * 0.5)?.broadcast_add(&mask)?;
            // candle's fused softmax has no gradient; this one is written out.
            let weights = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?.detach())?.exp()?;
            let weights = weights.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?;
            weights.matmul(&v)?.transpose(0, 1)?.contiguous()?.reshape((T, HIDDEN))
        },
    },
];

#[test]
fn gradients_equal_those_of_candle() {
    let devices: [Box<dyn Differentiable>; 2] = [Box::new(Reference), Box::new(Cpu::new(2))];
    for device in devices {
        for case in CASES {
            let values: Vec<Vec<f32>> = (case.inputs.iter().zip(1..))
                .map(|(dims, seed)| numbers(dims.iter().product(), seed))
                .collect();
            let ours = our_gradients(&*device, case, &values);
            let theirs = their_gradients(case, &values).expect("candle computes");
            for (index, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
                let worst = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                let on = device.name();
                assert!(worst < 2e-5, "{} input {index} on {on}: off by {worst}", case.name);
            }
        }
    }
}

fn our_gradients(device: &dyn Differentiable, case: &Case, values: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let inputs: Vec<Tensor> =
        values.iter().zip(case.inputs).map(|(v, dims)| Tensor::from_slice(v, dims)).collect();
    let mut gradients = Gradients::of(&inputs);
    let tape = Tape::around(device);
    let output = (case.ours)(&tape, &inputs);
    let cotangent = Tensor::from_slice(&numbers(output.len(), 99), output.dims());
    tape.backward(&output, cotangent, &mut gradients);
    inputs.iter().map(|x| gradients.get(x).expect("it was written").to_f32_vec()).collect()
}

fn their_gradients(case: &Case, values: &[Vec<f32>]) -> candle_core::Result<Vec<Vec<f32>>> {
    let inputs: Vec<Var> = values
        .iter()
        .zip(case.inputs)
        .map(|(v, dims)| Var::from_tensor(&Candle::from_slice(v, *dims, &Device::Cpu)?))
        .collect::<Result<_, _>>()?;
    let tensors: Vec<Candle> = inputs.iter().map(|x| x.as_tensor().clone()).collect();
    let output = (case.theirs)(&tensors)?;
    let cotangent =
        Candle::from_vec(numbers(output.elem_count(), 99), output.dims(), &Device::Cpu)?;
    let gradients = output.mul(&cotangent)?.sum_all()?.backward()?;
    let gradient = |x: &Var| gradients.get(x).expect("it was reached").flatten_all()?.to_vec1();
    inputs.iter().map(gradient).collect()
}
