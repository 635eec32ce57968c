//! Arithmetic of two tensors, broadcast.

use pulp::Arch;

use super::operand::Operand;
use super::parallel;
use super::strided::Walk;
use crate::ops::Binary;

pub(super) fn binary(op: Binary, left: &Operand<'_>, right: &Operand<'_>, shape: &[usize], output: &mut [f32]) {
    match op {
        Binary::Add => each(left, right, shape, output, |a, b| a + b),
        Binary::Mul => each(left, right, shape, output, |a, b| a * b),
        Binary::Sub => each(left, right, shape, output, |a, b| a - b),
        Binary::Div => each(left, right, shape, output, |a, b| a / b),
        // Its special values are C's, which are PyTorch's.
        Binary::Pow => each(left, right, shape, output, f32::powf),
        Binary::Min => each(left, right, shape, output, |a, b| if a < b || a.is_nan() { a } else { b }),
        Binary::Max => each(left, right, shape, output, |a, b| if a > b || a.is_nan() { a } else { b }),
    }
}

fn each(left: &Operand<'_>, right: &Operand<'_>, shape: &[usize], output: &mut [f32], function: impl Fn(f32, f32) -> f32 + Sync) {
    let strides = [broadcast_strides(left.shape, shape), broadcast_strides(right.shape, shape)];
    let walk = Walk::new(shape, &strides);
    let (length, steps) = (walk.run(), walk.steps());
    parallel::planes(output, length, |index, output| {
        let offsets = walk.offsets(index);
        let (left, right) = (&left.data[offsets[0]..], &right.data[offsets[1]..]);
        Arch::new().dispatch(
            #[inline(always)]
            || match steps {
                [0, 0] => output.fill(function(left[0], right[0])),
                [0, _] => {
                    for (output, &b) in output.iter_mut().zip(right) {
                        *output = function(left[0], b);
                    }
                }
                [_, 0] => {
                    for (output, &a) in output.iter_mut().zip(left) {
                        *output = function(a, right[0]);
                    }
                }
                _ => {
                    for ((output, &a), &b) in output.iter_mut().zip(left).zip(right) {
                        *output = function(a, b);
                    }
                }
            },
        );
    });
}

/// How far apart an operand's elements are along each of the output's axes: 0 where its one element serves all.
pub(super) fn broadcast_strides(own: &[usize], shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![0; shape.len()];
    let mut stride = 1;
    for (place, &extent) in strides.iter_mut().rev().zip(own.iter().rev()) {
        if extent != 1 {
            *place = stride;
        }
        stride *= extent as isize;
    }
    strides
}
