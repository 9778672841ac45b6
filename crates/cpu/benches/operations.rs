//! The speed of every operation, beside the memory bandwidth of the moment:
//!
//! ```sh
//! cargo bench -p hadal-cpu
//! ```

use std::time::Instant;

use hadal_cpu::{Cpu, Isa};
use hadal_tensor::Backend;
use hadal_tensor::conformance::measure_speed;

fn main() {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    for isa in Isa::available() {
        let device = Cpu::with_isa(isa, n_threads);
        println!("{}, memory reads at {:.1} GB/s", device.name(), bandwidth(n_threads));
        measure_speed(&device).iter().for_each(|row| println!("{row}"));
    }
}

/// The best of five passes over 512 MiB, in GB/s.
fn bandwidth(n_threads: usize) -> f64 {
    let numbers = vec![1u64; 64 << 20];
    let pass = || {
        let began = Instant::now();
        std::thread::scope(|scope| {
            for part in numbers.chunks(numbers.len().div_ceil(n_threads)) {
                scope.spawn(|| std::hint::black_box(part.iter().fold(0, |bits, x| bits | x)));
            }
        });
        size_of_val(&numbers[..]) as f64 / began.elapsed().as_secs_f64() / 1e9
    };
    (0..5).map(|_| pass()).fold(0.0, f64::max)
}
