//! Loops over the elements of several tensors.

use super::parallel;
use super::strided::Walk;
use super::vectors::dispatch;

/// A tensor's extents and elements, in row-major order.
type Elements<'a, T> = (&'a [usize], &'a [T]);

/// 1 for true, 0 for false.
pub(super) fn flag(is_true: bool) -> f32 {
    f32::from(u8::from(is_true))
}

/// A function of the elements of two tensors.
pub(super) fn each<T: Copy + Send + Sync>(
    [left, right]: [Elements<'_, T>; 2],
    shape: &[usize],
    output: &mut [T],
    function: impl Fn(T, T) -> T + Sync,
) {
    let walk = Walk::new(shape, &[left, right].map(|(own, _)| broadcast_strides(own, shape)));
    let (length, steps) = (walk.run(), walk.steps());
    parallel::planes(output, length, |index, output| {
        let offsets = walk.offsets(index);
        let (left, right) = (&left.1[offsets[0]..], &right.1[offsets[1]..]);
        dispatch(
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

/// A function of the elements of three tensors.
pub(super) fn each_of_three<T: Copy + Send + Sync>(
    inputs: [Elements<'_, T>; 3],
    shape: &[usize],
    output: &mut [T],
    function: impl Fn([T; 3]) -> T + Sync,
) {
    let walk = Walk::new(shape, &inputs.map(|(own, _)| broadcast_strides(own, shape)));
    let (length, steps) = (walk.run(), walk.steps());
    parallel::planes(output, length, |index, output| {
        let offsets = walk.offsets(index);
        let [a, b, c] = [0, 1, 2].map(|input| &inputs[input].1[offsets[input]..]);
        dispatch(
            #[inline(always)]
            || {
                if steps == [1; 3] {
                    for (((output, &a), &b), &c) in output.iter_mut().zip(a).zip(b).zip(c) {
                        *output = function([a, b, c]);
                    }
                } else {
                    let [a_step, b_step, c_step] = steps.map(isize::unsigned_abs);
                    for (place, output) in output.iter_mut().enumerate() {
                        *output = function([a[place * a_step], b[place * b_step], c[place * c_step]]);
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
