//! What the CPU can do at most, measured: chains of multiply-adds in registers, products of bytes in the first-level cache, and a copy, on
//! all of a device's threads.

use std::hint::black_box;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::bytes;
use super::device::Cpu;
use super::vectors::dispatch;
use crate::clock::Instant;
use crate::profiling::Ceilings;
use crate::turn::Turns;

/// Elements of the copied buffer, which no cache should hold. What WebAssembly has taken it never gives back.
const COPIED: usize = (if cfg!(target_family = "wasm") { 16 << 20 } else { 128 << 20 }) / size_of::<f32>();
/// Chains in registers: two multiply-adds a cycle that take four or five cycles each keep up to ten busy.
const CHAINS: usize = 12;
/// Multiply-adds of a chain: with eight lanes a millisecond or so, long against starting it on all threads, short enough
/// that other processes do not come in between every time.
const LINKS: usize = 1 << 18;
/// Blocks of products of bytes, with which it is likewise.
const BLOCKS: usize = 1 << 9;
const REPETITIONS: usize = 12;

impl Cpu {
    /// Measures what this CPU can do at most with these threads, by three loops that do nothing else: the least time of several
    /// runs each. Takes a fraction of a second, and 256 MiB that are given back.
    ///
    /// ```
    /// let ceilings = convoke::cpu::Cpu::new().ceilings();
    /// println!("{:.0} GFLOP/s, {:.0} GB/s", ceilings.gflops, ceilings.gbs);
    /// # assert!(ceilings.gflops > 0.0 && ceilings.gbs > 0.0);
    /// ```
    #[cfg(not(target_family = "wasm"))]
    pub fn ceilings(&self) -> Ceilings {
        self.install(|| pollster::block_on(measured()))
    }
}

/// The ceilings of the threads that this one's loops use. Pending in a browser only, where others have their turns.
pub(super) async fn measured() -> Ceilings {
    Ceilings {
        gflops: multiply_adds().await * 1e-9,
        byte_gops: Some(byte_multiply_adds().await * 1e-9),
        gbs: copied().await * 1e-9,
    }
}

/// Floating-point operations a second.
async fn multiply_adds() -> f64 {
    let mut flops = 0.0;
    let seconds = least(|| {
        let lanes: usize = rayon::broadcast(|_| dispatch(Chains)).into_iter().sum();
        flops = 2.0 * (lanes * CHAINS * LINKS) as f64;
    })
    .await;
    flops / seconds
}

/// Operations of bytes a second.
async fn byte_multiply_adds() -> f64 {
    let mut operations = 0.0;
    let seconds = least(|| {
        let products: usize = rayon::broadcast(|_| bytes::multiply_adds(BLOCKS)).into_iter().sum();
        operations = 2.0 * products as f64;
    })
    .await;
    operations / seconds
}

/// Bytes a second, read and written.
async fn copied() -> f64 {
    let from = vec![1.0_f32; COPIED];
    let mut to = vec![0.0_f32; COPIED];
    let part = COPIED.div_ceil(rayon::current_num_threads());
    let seconds = least(|| {
        let (from, to) = (black_box(&from), black_box(&mut to));
        from.par_chunks(part)
            .zip(to.par_chunks_mut(part))
            .for_each(|(from, to)| to.copy_from_slice(from));
    })
    .await;
    (2 * COPIED * size_of::<f32>()) as f64 / seconds
}

async fn least(mut run: impl FnMut()) -> f64 {
    let (mut least, mut turns) = (f64::INFINITY, Turns::new());
    for _ in 0..REPETITIONS {
        let start = Instant::now();
        run();
        least = least.min(start.elapsed().as_secs_f64());
        turns.next().await;
    }
    least
}

/// Multiply-adds that do not wait for one another.
struct Chains;

impl WithSimd for Chains {
    /// Lanes of a vector.
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        // Sums draw near to 2 and stay normal numbers.
        let factor = simd.splat_f32s(black_box(0.5));
        let term = simd.splat_f32s(black_box(1.0));
        let mut sums = [term; CHAINS];
        for _ in 0..LINKS {
            for sum in &mut sums {
                *sum = simd.mul_add_e_f32s(*sum, factor, term);
            }
        }
        black_box(sums.map(|sum| simd.reduce_sum_f32s(sum)));
        S::F32_LANES
    }
}
