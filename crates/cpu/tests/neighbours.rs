//! A token's numbers are the same to the bit whatever else is in its batch and however many threads
//! compute them, on every instruction set.

use std::sync::Arc;

use hadal_cpu::{Cpu, Isa};
use hadal_tensor::{
    AttentionSpec, Backend, DType, ExpertWeights, HostBuffer, LatentDims, Memory, Packing,
    RouterSpec, Routing, Scoring, Segment, Tensor, group_by_expert,
};

const D: usize = 256;
const F: usize = 384;

/// Numbers without a pattern that a block could hide.
fn numbers(rows: usize, cols: usize, seed: usize) -> Tensor {
    let value = |i: usize| ((i + seed) * 7919 % 10_007) as f32 / 10_007.0 - 0.5;
    let values: Vec<f32> = (0..rows * cols).map(value).collect();
    Tensor::from_slice(&values, &[rows, cols])
}

fn packed(rows: usize, cols: usize, packing: Packing, seed: usize) -> Tensor {
    let dtype = DType::Packed(packing);
    let mut buffer = HostBuffer::zeroed(rows * dtype.row_bytes(cols));
    let bytes = buffer.bytes_mut().expect("host memory");
    packing.pack(&numbers(rows, cols, seed), bytes);
    Tensor::from_memory(Arc::new(buffer), 0, dtype, &[rows, cols])
}

/// What `compute` makes of each row of `x` alone on one thread is what it makes of it among others
/// on several.
fn check(what: &str, n_rows: usize, compute: impl Fn(&Cpu, std::ops::Range<usize>) -> Tensor) {
    for isa in Isa::available() {
        let alone = Cpu::with_isa(isa, 1);
        let expected: Vec<Vec<f32>> =
            (0..n_rows).map(|row| compute(&alone, row..row + 1).to_f32_vec()).collect();
        for n_threads in [1, 2, 3] {
            let cpu = Cpu::with_isa(isa, n_threads);
            for rows in [0..2, 0..n_rows, 1..14, 3..20] {
                let found = compute(&cpu, rows.clone());
                for (row, expected) in expected[rows.clone()].iter().enumerate() {
                    let found = found.matrix::<f32>().row(row);
                    assert!(
                        found == &expected[..],
                        "{what}, row {row} of {rows:?} on {n_threads} threads of {}",
                        isa.name()
                    );
                }
            }
        }
    }
}

#[test]
fn packed_products_do_not_depend_on_neighbours() {
    for packing in Packing::ALL {
        let w = packed(F, D, packing, 1);
        let x = numbers(23, D, 2);
        check(packing.name(), 23, |cpu, rows| cpu.linear(&x.row_range(rows), &w));
    }
}

#[test]
fn packed_experts_do_not_depend_on_neighbours() {
    const N_EXPERTS: usize = 4;
    const N_ACTIVE: usize = 2;
    let spec = RouterSpec {
        n_experts: N_EXPERTS,
        n_active: N_ACTIVE,
        scoring: Scoring::Sigmoid,
        groups: None,
        renormalise: true,
        scale: 1.0,
        capacity_factor: None,
    };
    for packing in Packing::ALL {
        let stack = |rows, cols, seed| {
            (0..N_EXPERTS).map(|e| packed(rows, cols, packing, seed + 100 * e)).collect::<Vec<_>>()
        };
        let weights =
            ExpertWeights { gate: stack(F, D, 1), up: stack(F, D, 2), down: stack(D, F, 3) };
        let x = numbers(23, D, 4);
        let chosen = |token: usize| [token % N_EXPERTS, (token / 3 + token + 1) % N_EXPERTS];
        check(packing.name(), 23, |cpu, rows| {
            // The two must differ.
            let chosen = |t| match chosen(t) {
                [a, b] if a == b => [a, (b + 1) % N_EXPERTS],
                both => both,
            };
            let indices: Vec<i32> = rows.clone().flat_map(chosen).map(|e| e as i32).collect();
            let n = rows.len();
            let mut shares = [0.625, 0.375].repeat(n);
            let (assignments, offsets) = group_by_expert(&indices, &mut shares, &spec);
            let whole = |numbers: &[i32]| Tensor::from_slice(numbers, &[numbers.len()]);
            let routing = Routing {
                indices: Tensor::from_slice(&indices, &[n, N_ACTIVE]),
                weights: Tensor::from_slice(&shares, &[n, N_ACTIVE]),
                assignments: whole(&assignments),
                offsets: whole(&offsets),
            };
            cpu.experts(&x.row_range(rows), &routing, &weights)
        });
    }
}

#[test]
fn latent_attention_does_not_depend_on_neighbours() {
    let dims = LatentDims { n_heads: 10, nope: 32, rope: 16, value: 32 };
    let (rank, capacity) = (96, 600);
    let kv_b = numbers(dims.n_heads * (dims.nope + dims.value), rank, 1);
    let (latent, k_rope) = (numbers(23 * capacity, rank, 2), numbers(23 * capacity, dims.rope, 3));
    let q = numbers(23, dims.n_heads * (dims.nope + dims.rope), 4);
    let rounded = [&latent, &k_rope].map(|wide| {
        let mut rounded = Cpu::new(1).empty(DType::Bf16, wide.dims());
        Cpu::new(1).store_rows(&mut rounded, 0, wide);
        rounded
    });
    for cache in [[latent, k_rope], rounded] {
        check_latent_attention(&q, &kv_b, &cache, dims, capacity);
    }
}

fn check_latent_attention(
    q: &Tensor,
    kv_b: &Tensor,
    [latent, k_rope]: &[Tensor; 2],
    dims: LatentDims,
    capacity: usize,
) {
    check(&format!("latent attention over {}", latent.dtype().name()), 23, |cpu, rows| {
        let segments = rows.clone().enumerate().map(|(row, sequence)| {
            let start = sequence * capacity;
            Segment { queries: row..row + 1, keys: start..start + 1 + 26 * sequence }
        });
        let spec = AttentionSpec {
            n_heads: dims.n_heads,
            n_kv_heads: 1,
            scale: 0.2,
            window: None,
            segments: segments.collect(),
        };
        cpu.absorbed_attention(&q.row_range(rows), kv_b, None, latent, k_rope, dims, &spec)
    });
}
