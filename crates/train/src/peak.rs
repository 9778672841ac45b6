//! What a device can do at best, measured: the whole of which a run's arithmetic is a share.

use std::time::{Duration, Instant};

use hadal_tensor::{Backend, DType, Tensor};

/// Products are repeated for this long.
const MEASURED: Duration = Duration::from_millis(250);

/// Larger squares go no faster on a processor, and ask for memory.
const GREATEST_SIDE: usize = 2048;

/// Floating-point operations per second of the device's best product of two squares, with weights
/// of `dtype`: the *measured peak*. It takes about a third of a second, and on a device of plain
/// loops a little longer.
///
/// # Panics
/// When `dtype` is neither `f32` nor `bf16`.
pub fn measured_peak(device: &dyn Backend, dtype: DType) -> f64 {
    let mut side = 128;
    let mut best = 0.0f64;
    let began = Instant::now();
    loop {
        let (x, w) = (square(device, DType::F32, side), square(device, dtype, side));
        loop {
            let start = Instant::now();
            drop(device.linear(&x, &w));
            let time = start.elapsed();
            best = best.max(2.0 * (side as f64).powi(3) / time.as_secs_f64());
            let grows = side < GREATEST_SIDE && time * 8 < MEASURED / 4;
            match (grows, began.elapsed() < MEASURED) {
                (true, true) => break,
                (false, true) => {}
                (_, false) => return best,
            }
        }
        side *= 2;
    }
}

fn square(device: &dyn Backend, dtype: DType, side: usize) -> Tensor {
    let values = || (0..side * side).map(|i| (i % 7) as f32 / 8.0 - 0.5);
    let dims = [side, side];
    device.upload(&match dtype {
        DType::F32 => Tensor::from_slice(&values().collect::<Vec<_>>(), &dims),
        DType::Bf16 => {
            let values: Vec<_> = values().map(half::bf16::from_f32).collect();
            Tensor::from_slice(&values, &dims)
        }
        other => panic!("a product is measured with f32 or bf16, not with {}", other.name()),
    })
}
