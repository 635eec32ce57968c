//! The vectors that kernels are compiled for, and which of them this process or a device uses.

use std::cell::Cell;
use std::sync::LazyLock;

use pulp::{Arch, Simd, WithSimd};

use crate::error::{Error, Result};

/// The environment's variable that holds kernels to narrower vectors than the machine has.
const VARIABLE: &str = "CONVOKE_CPU_VECTORS";

static ARCH: LazyLock<Arch> = LazyLock::new(|| of_process(std::env::var(VARIABLE).ok().as_deref()));

thread_local! {
    /// Those that this thread is held to, since it is one of a device's own.
    static HELD: Cell<Option<Arch>> = const { Cell::new(None) };
}

/// The vectors that a [`Cpu`](super::Cpu) computes with (see [`CpuBuilder::vectors`](super::CpuBuilder::vectors)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vectors {
    /// The widest that the machine has, unless the environment's `CONVOKE_CPU_VECTORS` says `avx2` or `baseline`.
    #[default]
    Widest,
    /// AVX2's, of 8 floats, and its products of bytes.
    Avx2,
    /// Those that every machine of the target has. Products are rounded before they are added, but for relaxed vectors of WebAssembly.
    Baseline,
}

impl Vectors {
    /// What a device's threads are held to. Errors: vectors that the machine does not have.
    pub(super) fn held(self) -> Result<Option<Arch>> {
        match self {
            Self::Widest => Ok(None),
            Self::Baseline => Ok(Some(baseline())),
            Self::Avx2 => {
                let avx2 = avx2().map(Some);
                avx2.ok_or_else(|| Error::unsupported("cpu", "vectors of AVX2, which this machine does not have"))
            }
        }
    }
}

/// The vectors of this thread's device or, where that has no say, of the process.
pub(super) fn arch() -> Arch {
    HELD.get().unwrap_or_else(|| *ARCH)
}

/// Computes with these vectors.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline(always)]
pub(super) fn dispatch<Op: WithSimd>(op: Op) -> Op::Output {
    arch().dispatch(op)
}

/// Computes with WebAssembly's vectors: a build that has them runs nowhere without, and holds no second copy of every kernel.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
pub(super) fn dispatch<Op: WithSimd>(op: Op) -> Op::Output {
    #[cfg(target_feature = "relaxed-simd")]
    let Arch::RelaxedSimd(simd) = arch() else {
        std::process::abort();
    };
    #[cfg(not(target_feature = "relaxed-simd"))]
    let Arch::Simd128(simd) = arch() else {
        std::process::abort();
    };
    Simd::vectorize(simd, op)
}

/// What every machine of the target has.
fn baseline() -> Arch {
    if cfg!(all(target_arch = "wasm32", target_feature = "simd128")) {
        Arch::new()
    } else {
        Arch::Scalar
    }
}

/// Holds this thread to these vectors from now on.
pub(super) fn hold(arch: Arch) {
    HELD.set(Some(arch));
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn avx2() -> Option<Arch> {
    pulp::x86::V3::try_new().map(Arch::V3)
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn avx2() -> Option<Arch> {
    None
}

fn of_process(variable: Option<&str>) -> Arch {
    let vectors = match variable {
        Some("baseline") => Vectors::Baseline,
        Some("avx2") => Vectors::Avx2,
        Some("") | None => Vectors::Widest,
        Some(other) => {
            log::warn!("{VARIABLE}: expected avx2 or baseline, but got {other:?}: the widest vectors are used");
            Vectors::Widest
        }
    };
    vectors
        .held()
        .map_or_else(|_| baseline(), |held| held.unwrap_or_else(Arch::new))
}

/// Elements of a vector of floats.
pub(super) fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    dispatch(Lanes)
}

/// Whether sums of products are rounded once: relaxed vectors leave that to the machine.
#[cfg(target_family = "wasm")]
pub(super) fn is_fused() -> bool {
    struct Rest;
    impl WithSimd for Rest {
        type Output = f32;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f32 {
            // Its square has one bit more than a float.
            let factor = simd.splat_f32s(std::hint::black_box(1.0 + 1.0 / 4096.0));
            let negated = simd.neg_f32s(simd.mul_f32s(factor, factor));
            simd.reduce_sum_f32s(simd.mul_add_e_f32s(factor, factor, negated))
        }
    }
    dispatch(Rest) != 0.0
}
