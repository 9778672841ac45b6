//! Matrix products in `f32` and with factors rounded to `bf16`, as shares of the peak that the
//! processor's own multiply instructions reach at the same moment:
//!
//! ```sh
//! cargo bench -p hadal-cpu --bench products
//! ```
//!
//! A product here is [`Backend::linear`] on `f32` tensors, packing included.

use std::time::Instant;

use hadal_cpu::{Cpu, Isa};
use hadal_tensor::{Backend, Tensor};

const ROUNDS: usize = 7;

/// `[m, k, n]`.
const SHAPES: [[usize; 3]; 6] = [
    [2048, 2048, 2048],
    [256, 2048, 1408],
    [2048, 256, 256],
    [2048, 256, 4096],
    [64, 512, 176],
    [512, 512, 2048],
];

fn main() {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let in_bf16 = Cpu::with_isa(Isa::detect_for_bf16(), n_threads).with_bf16_products();
    let devices = [Cpu::new(n_threads), in_bf16];
    for dims in SHAPES {
        let mut shares = [Vec::new(), Vec::new()];
        let mut speeds = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (i, device) in devices.iter().enumerate() {
                let peak = peak(n_threads, i == 1);
                let speed = product(device, dims);
                shares[i].push(100.0 * speed / peak);
                speeds[i].push(speed / 1e9);
            }
        }
        let [m, k, n] = dims;
        for (i, name) in ["f32", "bf16"].iter().enumerate() {
            println!(
                "{m}×{k}×{n} {name}: {:.0} GFLOP/s, {:.1} % of the peak (least {:.1}, most {:.1})",
                median(&mut speeds[i]),
                median(&mut shares[i]),
                shares[i][0],
                shares[i][ROUNDS - 1],
            );
        }
    }
}

/// The best of several products, in operations per second.
fn product(device: &Cpu, [m, k, n]: [usize; 3]) -> f64 {
    let numbers = |rows: usize, cols: usize| {
        let values: Vec<f32> = (0..rows * cols).map(|i| (i % 251) as f32 / 251.0 - 0.5).collect();
        device.upload(&Tensor::from_slice(&values, &[rows, cols]))
    };
    let (x, w) = (numbers(m, k), numbers(n, k));
    let work = 2.0 * (m * k * n) as f64;
    let repeats = (2e10 / work).clamp(4.0, 400.0) as usize;
    (0..repeats).map(|_| work / seconds(|| device.linear(&x, &w))).fold(0.0, f64::max)
}

/// Operations per second of independent multiply-adds in registers.
fn peak(n_threads: usize, in_bf16: bool) -> f64 {
    const PASSES: u64 = 4_000_000;
    #[cfg(target_arch = "x86_64")]
    let (work, pass): (f64, fn(u64)) = match in_bf16 {
        true if is_x86_feature_detected!("avx512bf16") => (20.0 * 64.0, |n| {
            // SAFETY: the instructions were detected.
            unsafe { x86::dot_products(n) }
        }),
        _ if is_x86_feature_detected!("avx512f") => (20.0 * 32.0, |n| {
            // SAFETY: the instructions were detected.
            unsafe { x86::multiply_adds(n) }
        }),
        _ => return f64::NAN,
    };
    #[cfg(not(target_arch = "x86_64"))]
    return f64::NAN;
    let time = (0..3).map(|_| {
        seconds(|| {
            std::thread::scope(|scope| {
                (0..n_threads).for_each(|_| drop(scope.spawn(|| pass(PASSES))));
            });
        })
    });
    n_threads as f64 * PASSES as f64 * work / time.fold(f64::INFINITY, f64::min)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f")]
    pub(crate) fn multiply_adds(n: u64) {
        let (x, y) = (_mm512_set1_ps(0.999), _mm512_set1_ps(1e-6));
        let mut sums = [_mm512_setzero_ps(); 20];
        for _ in 0..n {
            sums.iter_mut().for_each(|sum| *sum = _mm512_fmadd_ps(*sum, x, y));
        }
        std::hint::black_box(sums);
    }

    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(crate) fn dot_products(n: u64) {
        let pairs = _mm512_set1_epi16(0x3f7f);
        // SAFETY: both are 512 bits that may hold anything.
        let pairs: __m512bh = unsafe { std::mem::transmute(pairs) };
        let mut sums = [_mm512_setzero_ps(); 20];
        for _ in 0..n {
            sums.iter_mut().for_each(|sum| *sum = _mm512_dpbf16_ps(*sum, pairs, pairs));
        }
        std::hint::black_box(sums);
    }
}

fn seconds<R>(work: impl FnOnce() -> R) -> f64 {
    let began = Instant::now();
    std::hint::black_box(work());
    began.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
