//! Pooling of blocks: the windows' elements are vectors of channels.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::layout::{BLOCK, Layout};
use crate::cpu::math::larger;
use crate::cpu::operand::Operand;
use crate::cpu::parallel;
use crate::cpu::pool_window::{Plane, Rows, Taps};
use crate::cpu::vectors::dispatch;

/// Columns whose elements are added up at a time: rows are read in whole lines, and sums do not wait for one another.
const TOGETHER: usize = 4;

/// The maxima of each window; NaN counts as larger than all.
pub(in crate::cpu) fn maxima(input: &Operand<'_>, plane: &Plane, output: &mut [f32]) {
    each(input, plane, &Maxima(plane), output);
}

/// The means of each window: first down its columns and then across, as planes are added up.
pub(in crate::cpu) fn means<T: Sum>(
    input: &Operand<'_>,
    plane: &Plane,
    divisor: impl Fn(&Rows, &Taps) -> f32 + Sync,
    output: &mut [f32],
) {
    let means = Means::<T, _> {
        plane,
        divisor,
        sums: PhantomData,
    };
    each(input, plane, &means, output);
}

/// What is made of a window of a block.
trait Window: Sync {
    fn of(&self, input: &[[f32; BLOCK]], rows: &Rows, columns: &Taps) -> [f32; BLOCK];
}

struct Maxima<'a>(&'a Plane);

impl Window for Maxima<'_> {
    #[inline(always)]
    fn of(&self, input: &[[f32; BLOCK]], rows: &Rows, columns: &Taps) -> [f32; BLOCK] {
        let mut best = [f32::NEG_INFINITY; BLOCK];
        for row in &rows.inside {
            for tap in 0..columns.count {
                let elements = &input[row * self.0.width + columns.first + tap * self.0.columns.step];
                for lane in 0..BLOCK {
                    best[lane] = larger(best[lane], elements[lane]);
                }
            }
        }
        best
    }
}

struct Means<'a, T, D> {
    plane: &'a Plane,
    divisor: D,
    sums: PhantomData<fn() -> T>,
}

impl<T: Sum, D: Fn(&Rows, &Taps) -> f32 + Sync> Window for Means<'_, T, D> {
    #[inline(always)]
    fn of(&self, input: &[[f32; BLOCK]], rows: &Rows, columns: &Taps) -> [f32; BLOCK] {
        let mut sums = [T::ZERO; BLOCK];
        let place = |tap: usize| columns.first + tap * self.plane.columns.step;
        let mut tap = 0;
        while tap < columns.count {
            if tap + TOGETHER <= columns.count {
                self.add_columns::<TOGETHER>(input, rows, place(tap), &mut sums);
                tap += TOGETHER;
            } else {
                self.add_columns::<1>(input, rows, place(tap), &mut sums);
                tap += 1;
            }
        }
        let mut means = [0.0; BLOCK];
        // A window without any element is 0 whatever its divisor.
        let divisor = if rows.inside.is_empty() || columns.count == 0 {
            1.0
        } else {
            (self.divisor)(rows, columns)
        };
        for lane in 0..BLOCK {
            means[lane] = sums[lane].rounded() / divisor;
        }
        means
    }
}

impl<T: Sum, D> Means<'_, T, D> {
    /// Adds the sums of so many columns, one after another.
    #[inline(always)]
    fn add_columns<const N: usize>(&self, input: &[[f32; BLOCK]], rows: &Rows, first: usize, sums: &mut [T; BLOCK]) {
        let mut columns = [[T::ZERO; BLOCK]; N];
        for row in &rows.inside {
            for n in 0..N {
                let elements = &input[row * self.plane.width + first + n * self.plane.columns.step];
                for lane in 0..BLOCK {
                    columns[n][lane] = columns[n][lane].plus(T::of(elements[lane]));
                }
            }
        }
        for column in columns {
            for lane in 0..BLOCK {
                sums[lane] = sums[lane].plus(column[lane]);
            }
        }
    }
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
fn each(input: &Operand<'_>, plane: &Plane, window: &impl Window, output: &mut [f32]) {
    debug_assert_eq!(input.layout, Layout::Blocked, "planes are pooled elsewhere");
    let (input, _) = input.data.as_chunks::<BLOCK>();
    parallel::planes(output, plane.windows() * BLOCK, |block, output| {
        dispatch(Block {
            window,
            plane,
            input: &input[block * plane.elements..(block + 1) * plane.elements],
            output: output.as_chunks_mut().0,
        });
    });
}

/// The windows of a block. A closure of them would not be compiled for the machine's vectors.
struct Block<'a, W> {
    window: &'a W,
    plane: &'a Plane,
    input: &'a [[f32; BLOCK]],
    output: &'a mut [[f32; BLOCK]],
}

impl<W: Window> WithSimd for Block<'_, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let columns = &self.plane.columns.taps;
        for (output, rows) in self.output.chunks_exact_mut(columns.len()).zip(&self.plane.rows) {
            for (output, columns) in output.iter_mut().zip(columns) {
                *output = self.window.of(self.input, rows, columns);
            }
        }
    }
}
