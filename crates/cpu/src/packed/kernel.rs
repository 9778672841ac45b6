//! A strip times a panel, on whatever the processor has.

use hadal_tensor::{LONGEST_GROUP, Packing, QUAD, QUAD_BYTES, SCALE_BYTES, STRIP_ROWS};

use super::activations::PanelView;
use crate::isa::{Isa, per_isa};
use crate::lanes::fma;

/// The weights that will be wanted after a strip's, so that they are fetched in time: the strips up
/// to `end` are read one after the other, and then those from `next`.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    end: *const u8,
    next: *const u8,
}

impl Ahead {
    /// Of a task that reads `now` and is followed by one that reads `next`.
    pub(super) fn of_task(now: &[u8], next: Option<&[u8]>) -> Ahead {
        let end = now.as_ptr_range().end;
        Ahead { end, next: next.map_or(end, <[u8]>::as_ptr) }
    }

    /// What lies `distance` bytes after `now` in the order of reading. Only to be fetched.
    pub(super) fn of(self, now: *const u8, distance: usize) -> *const u8 {
        let wanted = now.wrapping_add(distance);
        if wanted < self.end {
            wanted
        } else {
            self.next.wrapping_add(wanted.addr() - self.end.addr())
        }
    }
}

/// Whether the processor multiplies bytes into 32-bit sums.
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_vnni(isa: Isa) -> bool {
    isa.has_avx512() && is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("f16c")
}

/// Whether the processor multiplies bytes into 32-bit sums.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn has_vnni(_: Isa) -> bool {
    false
}

/// How the kernels are run.
#[derive(Clone, Copy)]
pub(super) struct Kernel {
    pub(super) isa: Isa,
    pub(super) has_vnni: bool,
    pub(super) packing: Packing,
}

impl Kernel {
    /// Multiplies one strip by one panel: `out` `[width, 16]`.
    ///
    /// # Panics
    /// When the lengths do not agree.
    pub(super) fn strip(self, strip: &[u8], panel: PanelView<'_>, out: &mut [f32], ahead: Ahead) {
        let n_in = panel.quants.len() / panel.width;
        let n_blocks = n_in / self.packing.group();
        assert_eq!(strip.len(), n_blocks * self.packing.block_bytes(), "a strip's bytes");
        assert_eq!(out.len(), panel.width * STRIP_ROWS, "room for a strip's product");
        #[cfg(target_arch = "x86_64")]
        if self.has_vnni {
            // SAFETY: the features were found, and the lengths were asserted.
            return unsafe { super::avx512::strip(self.packing, strip, panel, out, ahead) };
        }
        let _ = ahead;
        plain_strip(self.isa, self.packing, strip, panel, out);
    }
}

#[inline(always)]
fn plain_strip_body<const FMA: bool>(
    packing: Packing,
    strip: &[u8],
    panel: PanelView<'_>,
    out: &mut [f32],
) {
    let (width, group) = (panel.width, packing.group());
    out.fill(0.0);
    let mut levels = [0u8; LONGEST_GROUP * STRIP_ROWS];
    let levels = &mut levels[..group * STRIP_ROWS];
    for (block, weights) in strip.chunks_exact(packing.block_bytes()).enumerate() {
        for (quad, levels) in levels.chunks_exact_mut(QUAD_BYTES).enumerate() {
            packing.read_quad(weights, quad, 0, levels);
        }
        let (scales, minima) = weights[packing.level_bytes()..].split_at(SCALE_BYTES);
        let x = &panel.quants[block * group * width..][..group * width];
        for column in 0..width {
            let sum = panel.sums[block * width + column];
            let mut whole = [if packing.has_minima() { 0 } else { sum }; STRIP_ROWS];
            for (quad, levels) in levels.chunks_exact(QUAD_BYTES).enumerate() {
                let x = &x[(quad * width + column) * QUAD..][..QUAD];
                for (whole, levels) in whole.iter_mut().zip(levels.chunks_exact(QUAD)) {
                    for i in 0..QUAD {
                        *whole += i32::from(levels[i]) * i32::from(x[i]);
                    }
                }
            }
            let of_column = panel.scales[block * width + column];
            let out = &mut out[column * STRIP_ROWS..][..STRIP_ROWS];
            for ((out, whole), scale) in out.iter_mut().zip(whole).zip(numbers(scales)) {
                *out = fma::<FMA>(whole as f32, scale * of_column, *out);
            }
            for (out, minimum) in out.iter_mut().zip(numbers(minima)) {
                *out = fma::<FMA>(minimum, sum as f32 * of_column, *out);
            }
        }
    }
}

/// The `f16` of some bytes.
fn numbers(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.chunks_exact(2).map(|bytes| half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f32())
}

per_isa! {
    /// Multiplies one strip by one panel with plain loops: `out` `[width, 16]`.
    fn plain_strip(
        packing: Packing,
        strip: &[u8],
        panel: PanelView<'_>,
        out: &mut [f32],
    ) => plain_strip_body
}
