//! Sums and products of each element with all before it.

use super::operand::Operand;
use super::parallel;
use super::whole::{from_whole, whole};
use crate::dtype::TensorType;
use crate::error::Result;
use crate::ops::{Cumulative, Op};
use crate::tensor::{Tensor, TensorView};

/// Products are of `f32`, one factor after another; sums have more digits, but overflow as `f32`.
pub(super) fn of_floats(op: Cumulative, input: &Operand<'_>, output: &mut [f32]) -> Result<()> {
    let [_, extent, inner] = op.extents(input.shape)?;
    let sum = |total: f64, value: f32| {
        let total = total + f64::from(value);
        if (total as f32).is_finite() {
            total
        } else {
            f64::from(total as f32)
        }
    };
    let product = |total: f64, value: f32| f64::from(total as f32 * value);
    parallel::planes(output, extent * inner, |index, output| {
        let input = &input.data[index * extent * inner..][..output.len()];
        let steps = Steps { op, extent, inner };
        if op.product {
            steps.run(input, output, 1.0, product, |total| total as f32);
        } else {
            steps.run(input, output, 0.0, sum, |total| total as f32);
        }
    });
    Ok(())
}

/// Of whole numbers, which wrap around.
pub(super) fn of_whole(op: Cumulative, input: &TensorView<'_>, output: &TensorType) -> Result<Tensor> {
    let [_, extent, inner] = op.extents(input.shape())?;
    let numbers = whole(input);
    let mut results = vec![0; numbers.len()];
    let steps = Steps { op, extent, inner };
    let plane = (extent * inner).max(1);
    for (input, output) in numbers.chunks(plane).zip(results.chunks_mut(plane)) {
        if op.product {
            steps.run(input, output, 1, i64::wrapping_mul, |total| total);
        } else {
            steps.run(input, output, 0, i64::wrapping_add, |total| total);
        }
    }
    from_whole(Op::from(op).name(), results, output)
}

/// Rows beside one another: `extent` elements, `inner` apart.
struct Steps {
    op: Cumulative,
    extent: usize,
    inner: usize,
}

impl Steps {
    fn run<T: Copy, A: Copy>(
        &self,
        input: &[T],
        output: &mut [T],
        nothing: A,
        combine: impl Fn(A, T) -> A,
        rounded: impl Fn(A) -> T,
    ) {
        let mut totals = vec![nothing; self.inner];
        for step in 0..self.extent {
            let place = if self.op.reverse { self.extent - 1 - step } else { step };
            let beside = place * self.inner..(place + 1) * self.inner;
            for ((total, &value), output) in totals.iter_mut().zip(&input[beside.clone()]).zip(&mut output[beside]) {
                let next = combine(*total, value);
                *output = rounded(if self.op.exclusive { *total } else { next });
                *total = next;
            }
        }
    }
}
