//! The vectors that kernels are compiled for, and which of them this process uses.

use std::sync::LazyLock;

use pulp::{Arch, Simd, WithSimd};

/// The environment's variable that holds kernels to narrower vectors than the machine has.
const VARIABLE: &str = "CONVOKE_CPU_VECTORS";

static ARCH: LazyLock<Arch> = LazyLock::new(|| held(std::env::var(VARIABLE).ok().as_deref()));

/// The vectors of this process: the widest that the machine has, unless the environment's `CONVOKE_CPU_VECTORS` says `avx2` or
/// `baseline`.
pub(super) fn arch() -> Arch {
    *ARCH
}

fn held(to: Option<&str>) -> Arch {
    match to {
        Some("baseline") => Arch::Scalar,
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Some("avx2") => pulp::x86::V3::try_new().map_or(Arch::Scalar, Arch::V3),
        Some("") | None => Arch::new(),
        Some(other) => {
            log::warn!("{VARIABLE}: expected avx2 or baseline, but got {other:?}: the widest vectors are used");
            Arch::new()
        }
    }
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
    arch().dispatch(Lanes)
}
