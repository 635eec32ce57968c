//! The two passes of a separable filter over levels, in whole numbers as Pillow has them.

#![expect(
    clippy::inline_always,
    reason = "what is inlined is compiled for the vectors that are there"
)]

use std::sync::{Mutex, PoisonError};

use pulp::Arch;

/// Fraction bits of Pillow's weights for 8-bit levels: sums of products with 255 stay within 32 bits.
const FRACTION: u32 = 22;
/// What a sum begins with, so that it is rounded to the nearest level.
const HALF: i32 = 1 << (FRACTION - 1);
/// Levels that are read in some hundred microseconds, several times what it takes to begin a thread.
const WORTH_A_THREAD: usize = 1 << 19;
/// Levels of a row that are summed at once, in registers.
const BLOCK: usize = 64;

/// For each target element where its sources begin, and their weights.
pub(crate) struct Windows {
    /// Source, and where its weights begin and end.
    places: Vec<(usize, usize, usize)>,
    weights: Vec<i32>,
}

impl Windows {
    /// Those of a filter that reaches `support` each way.
    pub(crate) fn new(length: usize, target: usize, support: f64, weight: impl Fn(f64) -> f64) -> Self {
        let (mut places, mut weights) = (Vec::with_capacity(target), Vec::new());
        let scale = length as f64 / target as f64;
        let widening = scale.max(1.0);
        let (reach, narrowing) = (support * widening, 1.0 / widening);
        let one = f64::from(1_u32 << FRACTION);
        for index in 0..target {
            let centre = (index as f64 + 0.5) * scale;
            let first = (centre - reach + 0.5).max(0.0) as usize;
            let end = ((centre + reach + 0.5) as usize).min(length);
            let at = |source: usize| weight((source as f64 - centre + 0.5) * narrowing);
            let total: f64 = (first..end).map(at).sum();
            let begin = weights.len();
            weights.extend((first..end).map(|source| {
                let scaled = at(source) / total * one;
                (scaled + 0.5_f64.copysign(scaled)) as i32
            }));
            places.push((first, begin, weights.len()));
        }
        Self { places, weights }
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &[i32])> {
        self.places
            .iter()
            .map(|&(first, begin, end)| (first, &self.weights[begin..end]))
    }
}

/// Along rows of `[height, width, channels]`.
pub(crate) fn rows(levels: &[u8], width: usize, channels: usize, windows: &Windows) -> Vec<u8> {
    let whole = width * channels;
    let height = levels.len() / whole;
    let row = windows.places.len() * channels;
    let mut result = vec![0; height * row];
    let arch = Arch::new();
    in_bands(&mut result, row, levels.len(), |first, band| {
        for (from, to) in levels[first * whole..].chunks_exact(whole).zip(band.chunks_exact_mut(row)) {
            arch.dispatch(|| match channels {
                1 => one_row::<1>(from, to, windows),
                2 => one_row::<2>(from, to, windows),
                3 => one_row::<3>(from, to, windows),
                _ => one_row::<4>(from, to, windows),
            });
        }
    });
    result
}

/// Has threads make a result's rows, each some side by side: `make` is given the number of the first of them. `work` is how many levels
/// are read.
fn in_bands(result: &mut [u8], row: usize, work: usize, make: impl Fn(usize, &mut [u8]) + Sync) {
    let threads = match work / WORTH_A_THREAD {
        0 | 1 => 1,
        worth => std::thread::available_parallelism().map_or(1, usize::from).min(worth),
    };
    let rows = (result.len() / row).div_ceil(4 * threads).max(1);
    let bands = Mutex::new(result.chunks_mut(rows * row).enumerate());
    let next = || bands.lock().unwrap_or_else(PoisonError::into_inner).next();
    let all = || {
        while let Some((index, band)) = next() {
            make(index * rows, band);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // Without another thread this one makes all.
            let _ = std::thread::Builder::new().spawn_scoped(scope, all);
        }
        all();
    });
}

#[inline(always)]
fn one_row<const C: usize>(from: &[u8], to: &mut [u8], windows: &Windows) {
    for (pixel, (first, weights)) in to.chunks_exact_mut(C).zip(windows.iter()) {
        let mut sums = [HALF; C];
        for (source, &weight) in from[first * C..].chunks_exact(C).zip(weights) {
            for (sum, &level) in sums.iter_mut().zip(source) {
                *sum += weight * i32::from(level);
            }
        }
        for (level, sum) in pixel.iter_mut().zip(sums) {
            *level = rounded(sum);
        }
    }
}

/// Along columns of `[height, row]`.
pub(crate) fn columns(levels: &[u8], row: usize, windows: &Windows) -> Vec<u8> {
    let mut result = vec![0; windows.places.len() * row];
    let arch = Arch::new();
    in_bands(&mut result, row, windows.weights.len() * row, |start, band| {
        for (to, (first, weights)) in band.chunks_exact_mut(row).zip(windows.iter().skip(start)) {
            let from = &levels[first * row..][..weights.len() * row];
            arch.dispatch(|| weighted_rows(from, row, weights, to));
        }
    });
    result
}

#[inline(always)]
fn weighted_rows(from: &[u8], row: usize, weights: &[i32], to: &mut [u8]) {
    for (block, to) in to.chunks_mut(BLOCK).enumerate() {
        let mut sums = [HALF; BLOCK];
        for (from, &weight) in from.chunks_exact(row).zip(weights) {
            let from = &from[block * BLOCK..][..to.len()];
            // A whole block's length is known to the compiler.
            if let Ok(from) = <&[u8; BLOCK]>::try_from(from) {
                add(&mut sums, from, weight);
            } else {
                add(&mut sums, from, weight);
            }
        }
        for (level, sum) in to.iter_mut().zip(sums) {
            *level = rounded(sum);
        }
    }
}

#[inline(always)]
fn add(sums: &mut [i32; BLOCK], from: &[u8], weight: i32) {
    for (sum, &level) in sums.iter_mut().zip(from) {
        *sum += weight * i32::from(level);
    }
}

#[inline(always)]
fn rounded(sum: i32) -> u8 {
    (sum >> FRACTION).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many threads as there are, or one for each row: the same levels.
    #[test]
    fn rows_are_what_each_is_by_itself() {
        let (height, width, channels) = (1100, 700, 3);
        let level = |index: usize| (index.wrapping_mul(2_654_435_761) >> 13) as u8;
        let levels: Vec<u8> = (0..height * width * channels).map(level).collect();
        let triangle = |x: f64| (1.0 - x.abs()).max(0.0);
        let windows = Windows::new(width, 90, 1.0, triangle);
        let narrow = rows(&levels, width, channels, &windows);
        let apart = levels.chunks_exact(width * channels);
        let apart: Vec<u8> = apart.flat_map(|row| rows(row, width, channels, &windows)).collect();
        assert!(levels.len() > 2 * WORTH_A_THREAD && narrow == apart);

        let windows = Windows::new(height, 70, 1.0, triangle);
        let low = columns(&levels, width * channels, &windows);
        // Each column by itself.
        for column in [0, 1, 1033, width * channels - 1] {
            let own: Vec<u8> = levels.iter().copied().skip(column).step_by(width * channels).collect();
            let got: Vec<u8> = low.iter().copied().skip(column).step_by(width * channels).collect();
            assert_eq!(columns(&own, 1, &windows), got);
        }
    }
}
