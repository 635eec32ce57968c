//! Pooling of blocks: the windows' elements are vectors of channels.

use super::layout::{BLOCK, Layout};
use crate::cpu::operand::Operand;
use crate::cpu::parallel;
use crate::cpu::pool_window::{Plane, Rows, Taps};
use crate::cpu::vectors::arch;

/// The maxima of each window.
pub(in crate::cpu) fn maxima(
    input: &Operand<'_>,
    plane: &Plane,
    larger: impl Fn(f32, f32) -> f32 + Copy + Sync,
    output: &mut [f32],
) {
    each(input, plane, output, |input, rows, columns| {
        let mut best = [f32::NEG_INFINITY; BLOCK];
        for row in &rows.inside {
            for tap in 0..columns.count {
                let elements = &input[row * plane.width + columns.first + tap * plane.columns.step];
                for (best, &element) in best.iter_mut().zip(elements) {
                    *best = larger(*best, element);
                }
            }
        }
        best
    });
}

/// The means of each window: first down its columns and then across, as planes are added up.
pub(in crate::cpu) fn means<T: Sum>(
    input: &Operand<'_>,
    plane: &Plane,
    divisor: impl Fn(&Rows, &Taps) -> f32 + Sync,
    output: &mut [f32],
) {
    each(input, plane, output, |input, rows, columns| {
        let mut sums = [T::ZERO; BLOCK];
        for tap in 0..columns.count {
            let mut column = [T::ZERO; BLOCK];
            for row in &rows.inside {
                let elements = &input[row * plane.width + columns.first + tap * plane.columns.step];
                for (sum, &element) in column.iter_mut().zip(elements) {
                    *sum = sum.plus(T::of(element));
                }
            }
            for (sum, &column) in sums.iter_mut().zip(&column) {
                *sum = sum.plus(column);
            }
        }
        let sums = sums.map(T::rounded);
        if rows.inside.is_empty() || columns.count == 0 {
            return sums;
        }
        let divisor = divisor(rows, columns);
        sums.map(|sum| sum / divisor)
    });
}

/// What sums are added up in.
pub(in crate::cpu) trait Sum: Copy {
    const ZERO: Self;
    fn of(element: f32) -> Self;
    fn plus(self, other: Self) -> Self;
    fn rounded(self) -> f32;
}

impl Sum for f32 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn of(element: f32) -> Self {
        element
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    fn rounded(self) -> f32 {
        self
    }
}

impl Sum for f64 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn of(element: f32) -> Self {
        element.into()
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    fn rounded(self) -> f32 {
        self as f32
    }
}

/// Makes a vector of each window of each block.
fn each(
    input: &Operand<'_>,
    plane: &Plane,
    output: &mut [f32],
    window: impl Fn(&[[f32; BLOCK]], &Rows, &Taps) -> [f32; BLOCK] + Sync,
) {
    debug_assert_eq!(input.layout, Layout::Blocked, "planes are pooled elsewhere");
    let (input, _) = input.data.as_chunks::<BLOCK>();
    parallel::planes(output, plane.windows() * BLOCK, |block, output| {
        let input = &input[block * plane.elements..(block + 1) * plane.elements];
        let (output, _) = output.as_chunks_mut::<BLOCK>();
        arch().dispatch(
            #[inline(always)]
            || {
                for (output, rows) in output.chunks_exact_mut(plane.columns.taps.len()).zip(&plane.rows) {
                    for (output, columns) in output.iter_mut().zip(&plane.columns.taps) {
                        *output = window(input, rows, columns);
                    }
                }
            },
        );
    });
}
