//! Instruction sets, and how one kernel serves all of them.
//!
//! A kernel is written once, as a loop over fixed-size lanes that the compiler vectorises, generic
//! over whether a fused multiply-add is one instruction. [`per_isa!`] compiles it for each
//! instruction set and picks at run time. Other architectures, and kernels written with intrinsics
//! (NEON, simd128), take their place as further variants of [`Isa`].

#[cfg(target_arch = "x86_64")]
use std::sync::LazyLock;

/// What the processor can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// [`Isa::Avx512`] and products of `bf16` vectors.
    Avx512Bf16,
    /// AVX-512 with F, BW, VL and DQ.
    Avx512,
    /// AVX2 and FMA.
    Avx2,
    /// Whatever the target has at least.
    Scalar,
}

impl Isa {
    /// The best that this machine has.
    pub fn detect() -> Isa {
        Isa::available()[0]
    }

    /// The one that has products of `bf16` vectors where this machine has it, be they faster or not;
    /// otherwise the best.
    pub fn detect_for_bf16() -> Isa {
        let mut isas = Isa::available().into_iter();
        isas.find(|isa| *isa == Isa::Avx512Bf16).unwrap_or_else(Isa::detect)
    }

    /// All that this machine has, best first.
    ///
    /// A product of `bf16` vectors is two of `f32` vectors. AMD's cores do it in the time of one;
    /// Intel's take four times as long, so that there `f32` is faster.
    pub fn available() -> Vec<Isa> {
        let mut isas = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if has_avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
            {
                isas.push(Isa::Avx512);
                if is_x86_feature_detected!("avx512bf16") {
                    isas.insert(usize::from(!is_of_amd()), Isa::Avx512Bf16);
                }
            }
            if has_avx2 {
                isas.push(Isa::Avx2);
            }
        }
        isas.push(Isa::Scalar);
        isas
    }

    /// Whether it is AVX-512, with more or without.
    pub(crate) fn has_avx512(self) -> bool {
        matches!(self, Isa::Avx512Bf16 | Isa::Avx512)
    }

    /// The name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Avx512Bf16 => "avx512 bf16",
            Isa::Avx512 => "avx512",
            Isa::Avx2 => "avx2",
            Isa::Scalar => "scalar",
        }
    }
}

/// Whether the processor is AMD's. Asked once: a virtual machine asks its host each time.
#[cfg(target_arch = "x86_64")]
fn is_of_amd() -> bool {
    static IS_OF_AMD: LazyLock<bool> = LazyLock::new(|| {
        let maker = std::arch::x86_64::__cpuid(0);
        [maker.ebx, maker.edx, maker.ecx].map(u32::to_le_bytes).concat() == b"AuthenticAMD"
    });
    *IS_OF_AMD
}

/// Declares a function that takes an [`Isa`] first and calls `body::<FMA>`, compiled for it.
macro_rules! per_isa {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? => $body:ident) => {
        $(#[$meta])*
        pub(crate) fn $name(isa: $crate::isa::Isa, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl,avx512dq")]
                fn avx512($($arg: $ty),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                match isa {
                    // SAFETY: `Isa::available` found these features before handing the value out.
                    $crate::isa::Isa::Avx512Bf16 | $crate::isa::Isa::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::isa::Isa::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::isa::Isa::Scalar => {}
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = isa;
            $body::<false>($($arg),*)
        }
    };
}
pub(crate) use per_isa;
