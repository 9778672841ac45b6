//! Products with packed weights: decoding beside what the memory gives, prompts beside what the
//! processor's own byte products reach.
//!
//! ```sh
//! cargo bench -p hadal-cpu --bench packed -- packed_4_32 packed_6_16
//! ```
//!
//! The shapes are those of DeepSeek-V2-Lite's experts. Decoding goes through 3 GB of experts, so
//! that nothing comes from a cache, with a probe of the memory before and after each figure. Without
//! names, all packings are measured.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use hadal_cpu::Cpu;
use hadal_tensor::{Backend, DType, ExpertWeights, HostBuffer, Packing, Routing, Tensor};

const HIDDEN: usize = 2048;
const WIDTH: usize = 1408;
const N_EXPERTS: usize = 512;
const N_ACTIVE: usize = 6;
const ROUNDS: usize = 7;

fn main() {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let device = Cpu::new(n_threads);
    println!("{}", device.name());
    let named: Vec<String> = std::env::args().filter(|name| name.starts_with("packed_")).collect();
    let is_wanted =
        |packing: &Packing| named.is_empty() || named.iter().any(|n| n == packing.name());
    for packing in Packing::ALL.into_iter().filter(is_wanted) {
        let experts = experts(packing);
        for n_tokens in [1, 2, 4, 8] {
            decode(&device, packing, &experts, n_tokens, n_threads);
        }
        for tokens_per_expert in [12, 24, 48, 96, 192] {
            prompt(&device, packing, &experts, tokens_per_expert, n_threads);
        }
    }
}

/// Every expert visited by `n_tokens` tokens each: how fast its bytes go by.
fn decode(
    device: &Cpu,
    packing: Packing,
    weights: &ExpertWeights,
    n_tokens: usize,
    n_threads: usize,
) {
    let x = random(n_tokens, HIDDEN);
    let n_at_once = N_ACTIVE * n_threads;
    let routings: Vec<Routing> = (0..N_EXPERTS / n_at_once)
        .map(|first| routing(n_tokens, first * n_at_once..(first + 1) * n_at_once))
        .collect();
    let bytes = 3 * weights.gate[0].len_bytes() * n_at_once * routings.len();
    let (mut speeds, mut probes) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        probes.push(probe(weights, n_threads));
        let start = Instant::now();
        for routing in &routings {
            black_box(device.experts(&x, routing, weights));
        }
        speeds.push(bytes as f64 / start.elapsed().as_secs_f64() / 1e9);
        probes.push(probe(weights, n_threads));
    }
    let (speed, probed) = (median(&mut speeds), median(&mut probes));
    println!(
        "{} decode, {n_tokens} tokens an expert: {speed:.1} GB/s ({:.1} to {:.1}), probe {probed:.1} ({:.1} to {:.1}), {:.0} %",
        packing.name(),
        speeds[0],
        speeds[ROUNDS - 1],
        probes[0],
        probes[2 * ROUNDS - 1],
        100.0 * speed / probed,
    );
}

/// Several experts with some tokens each: operations per second.
fn prompt(
    device: &Cpu,
    packing: Packing,
    weights: &ExpertWeights,
    n_tokens: usize,
    n_threads: usize,
) {
    let x = random(n_tokens, HIDDEN);
    let routing = routing(n_tokens, 0..32);
    let work = (6 * n_tokens * 32 * HIDDEN * WIDTH) as f64;
    let (mut speeds, mut shares) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let peak = peak(n_threads);
        let start = Instant::now();
        black_box(device.experts(&x, &routing, weights));
        speeds.push(work / start.elapsed().as_secs_f64() / 1e9);
        shares.push(100.0 * speeds[speeds.len() - 1] * 1e9 / peak);
    }
    println!(
        "{} prompt, {n_tokens} tokens an expert: {:.0} GOP/s, {:.0} % of the peak",
        packing.name(),
        median(&mut speeds),
        median(&mut shares),
    );
}

/// Experts of random bytes, each with memory of its own.
fn experts(packing: Packing) -> ExpertWeights {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut matrix = |rows: usize, cols: usize| {
        let dtype = DType::Packed(packing);
        let mut bytes = vec![0u8; rows * dtype.row_bytes(cols)];
        for word in bytes.chunks_exact_mut(8) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            word.copy_from_slice(&state.to_le_bytes());
        }
        // A scale of 2⁻⁷ in every block.
        for block in bytes.chunks_exact_mut(packing.block_bytes()) {
            for scale in block[packing.level_bytes()..].chunks_exact_mut(2) {
                scale.copy_from_slice(&[0, 0x20]);
            }
        }
        Tensor::from_memory(Arc::new(HostBuffer::from_bytes(&bytes)), 0, dtype, &[rows, cols])
    };
    let mut experts = ExpertWeights { gate: Vec::new(), up: Vec::new(), down: Vec::new() };
    for _ in 0..N_EXPERTS {
        experts.gate.push(matrix(WIDTH, HIDDEN));
        experts.up.push(matrix(WIDTH, HIDDEN));
        experts.down.push(matrix(HIDDEN, WIDTH));
    }
    experts
}

/// All tokens visit all of `chosen`.
fn routing(n_tokens: usize, chosen: std::ops::Range<usize>) -> Routing {
    let k = chosen.len();
    let indices: Vec<i32> = (0..n_tokens).flat_map(|_| chosen.clone().map(|e| e as i32)).collect();
    let assignments: Vec<i32> =
        (0..k).flat_map(|e| (0..n_tokens).map(move |t| (t * k + e) as i32)).collect();
    let offsets: Vec<i32> = (0..=N_EXPERTS)
        .map(|e| (e.clamp(chosen.start, chosen.end) - chosen.start) as i32 * n_tokens as i32)
        .collect();
    Routing {
        indices: Tensor::from_slice(&indices, &[n_tokens, k]),
        weights: Tensor::from_slice(&vec![1.0 / k as f32; n_tokens * k], &[n_tokens, k]),
        assignments: Tensor::from_slice(&assignments, &[n_tokens * k]),
        offsets: Tensor::from_slice(&offsets, &[N_EXPERTS + 1]),
    }
}

fn random(rows: usize, cols: usize) -> Tensor {
    let values: Vec<f32> = (0..rows * cols).map(|i| (i * 37 % 251) as f32 / 251.0 - 0.5).collect();
    Tensor::from_slice(&values, &[rows, cols])
}

/// Bytes per second at which all threads read the same weights and do nothing else, in GB/s.
fn probe(weights: &ExpertWeights, n_threads: usize) -> f64 {
    let part = &weights.up[..128];
    let bytes: usize = part.iter().map(Tensor::len_bytes).sum();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..n_threads {
            scope.spawn(move || {
                for matrix in part.iter().skip(thread).step_by(n_threads) {
                    black_box(xor(matrix.stored_bytes()));
                }
            });
        }
    });
    bytes as f64 / start.elapsed().as_secs_f64() / 1e9
}

fn xor(bytes: &[u8]) -> u64 {
    let mut sums = [0u64; 32];
    for words in bytes.chunks_exact(256) {
        for (sum, word) in sums.iter_mut().zip(words.chunks_exact(8)) {
            *sum ^= u64::from_le_bytes(word.try_into().expect("eight bytes"));
        }
    }
    sums.iter().fold(0, |a, b| a ^ b)
}

/// Operations per second of independent byte products in registers.
fn peak(n_threads: usize) -> f64 {
    const PASSES: u64 = 1_000_000;
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512vnni") {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..n_threads {
                // SAFETY: the instructions were detected.
                scope.spawn(|| unsafe { byte_products(PASSES) });
            }
        });
        let work = n_threads as f64 * PASSES as f64 * 20.0 * 128.0;
        return work / start.elapsed().as_secs_f64();
    }
    f64::NAN
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
fn byte_products(n: u64) {
    use std::arch::x86_64::*;
    let (x, y) = (_mm512_set1_epi8(3), black_box(_mm512_set1_epi8(1)));
    let mut sums = [_mm512_setzero_si512(); 20];
    for _ in 0..n {
        sums.iter_mut().for_each(|sum| *sum = _mm512_dpbusd_epi32(*sum, x, y));
    }
    black_box(sums);
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
