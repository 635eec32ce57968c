//! Sum, product, mean and maximum along axes.

use rayon::prelude::*;

use super::math::larger;
use super::operand::Operand;
use super::whole::{from_whole, whole};
use crate::dtype::TensorType;
use crate::error::{Error, Result};
use crate::ops::{Reduce, ReduceKind};
use crate::shape::element_count;
use crate::tensor::{Tensor, TensorView};

pub(super) fn reduce(op: &Reduce, input: &Operand<'_>, output: &mut [f32]) -> Result<()> {
    let axes = merged(op, input.shape)?;
    let count: usize = axes.iter().filter(|axis| axis.1).map(|axis| axis.0).product();
    if output.is_empty() {
        return Ok(());
    }
    if input.data.is_empty() {
        output.fill(match op.kind {
            ReduceKind::Max => f32::NEG_INFINITY,
            ReduceKind::Product => 1.0,
            ReduceKind::Sum | ReduceKind::Mean => 0.0,
        });
    } else {
        match op.kind {
            ReduceKind::Max => by_parts(&axes, input.data, output, |axes, input, output| {
                output.fill(f32::NEG_INFINITY);
                maxima(axes, input, output);
            }),
            ReduceKind::Product => by_parts(&axes, input.data, output, |axes, input, output| {
                output.fill(1.0);
                combine(axes, input, output, &|left, right| left * right);
            }),
            ReduceKind::Sum | ReduceKind::Mean => by_parts(&axes, input.data, output, |axes, input, output| {
                let mut sums = vec![0.0; output.len()];
                add(axes, input, &mut sums);
                for (output, sum) in output.iter_mut().zip(sums) {
                    *output = sum as f32;
                }
            }),
        }
    }
    if op.kind == ReduceKind::Mean {
        // Of none, 0 / 0.
        for output in output {
            *output /= count as f32;
        }
    }
    Ok(())
}

/// Of whole numbers, or of bools as 0 and 1, which wrap around.
pub(super) fn of_whole(op: &Reduce, input: &TensorView<'_>, output: &TensorType) -> Result<Tensor> {
    let axes = merged(op, input.shape())?;
    let (nothing, operation): (i64, fn(i64, i64) -> i64) = match op.kind {
        ReduceKind::Sum => (0, i64::wrapping_add),
        ReduceKind::Product => (1, i64::wrapping_mul),
        ReduceKind::Max => (i64::MIN, i64::max),
        ReduceKind::Mean => return Err(Error::Internal(format!("the mean of {}", input.dtype()))),
    };
    let mut results = vec![nothing; element_count(op.kind.name(), &output.shape)?];
    let numbers = whole(input);
    if !numbers.is_empty() {
        combine(&axes, &numbers, &mut results, &operation);
    }
    from_whole(op.kind.name(), results, output)
}

/// The axes from the outermost on, and whether each goes. Those that are treated alike and lie together are one.
fn merged(op: &Reduce, shape: &[usize]) -> Result<Vec<(usize, bool)>> {
    let reduced = op.reduced(shape.len())?;
    let mut axes: Vec<(usize, bool)> = Vec::new();
    for (&extent, &reduced) in shape.iter().zip(&reduced) {
        match axes.last_mut() {
            Some((outer, kind)) if *kind == reduced => *outer *= extent,
            _ => axes.push((extent, reduced)),
        }
    }
    Ok(axes)
}

/// Where the outermost axis stays, its parts are independent.
fn by_parts(
    axes: &[(usize, bool)],
    input: &[f32],
    output: &mut [f32],
    reduce: impl Fn(&[(usize, bool)], &[f32], &mut [f32]) + Sync,
) {
    match axes.first() {
        Some(&(extent, false)) if axes.len() > 1 => {
            let (own, out) = (input.len() / extent, output.len() / extent);
            let least = (1 << 15) / own + 1;
            output
                .par_chunks_mut(out)
                .zip(input.par_chunks(own))
                .with_min_len(least)
                .for_each(|(output, input)| reduce(&axes[1..], input, output));
        }
        _ => reduce(axes, input, output),
    }
}

/// Adds what lies along these axes to the sums of those that stay, which have more digits.
fn add(axes: &[(usize, bool)], input: &[f32], sums: &mut [f64]) {
    match axes {
        [] | [(_, false)] => {
            for (sum, &value) in sums.iter_mut().zip(input) {
                *sum += f64::from(value);
            }
        }
        [(_, true)] => {
            if let [sum] = sums {
                *sum += f64::from(sum_of_row(input));
            }
        }
        [(extent, reduced), rest @ ..] => descend(*extent, *reduced, input, sums, |input, sums| add(rest, input, sums)),
    }
}

/// Combines what lies along these axes with what is known of those that stay.
fn combine<T: Copy>(axes: &[(usize, bool)], input: &[T], output: &mut [T], operation: &dyn Fn(T, T) -> T) {
    match axes {
        [] | [(_, false)] => {
            for (output, &value) in output.iter_mut().zip(input) {
                *output = operation(*output, value);
            }
        }
        [(_, true)] => {
            if let [output] = output {
                *output = input.iter().fold(*output, |result, &value| operation(result, value));
            }
        }
        [(extent, reduced), rest @ ..] => descend(*extent, *reduced, input, output, |input, output| {
            combine(rest, input, output, operation);
        }),
    }
}

/// The same for the maximum; NaN counts as larger than all.
fn maxima(axes: &[(usize, bool)], input: &[f32], output: &mut [f32]) {
    match axes {
        [] | [(_, false)] => {
            for (output, &value) in output.iter_mut().zip(input) {
                *output = larger(*output, value);
            }
        }
        [(_, true)] => {
            if let [output] = output {
                let (lanes, rest) = input.as_chunks::<8>();
                let mut found = [*output; 8];
                for lane in lanes {
                    for (found, &value) in found.iter_mut().zip(lane) {
                        *found = larger(*found, value);
                    }
                }
                *output = found.iter().chain(rest).fold(*output, |best, &value| larger(best, value));
            }
        }
        [(extent, reduced), rest @ ..] => descend(*extent, *reduced, input, output, |input, output| maxima(rest, input, output)),
    }
}

/// Each part of the outermost axis, with the outputs that it goes to.
fn descend<I, O>(extent: usize, reduced: bool, input: &[I], output: &mut [O], mut each: impl FnMut(&[I], &mut [O])) {
    let own = input.len() / extent;
    let out = if reduced { output.len() } else { output.len() / extent };
    for (index, input) in input.chunks_exact(own).enumerate() {
        let first = if reduced { 0 } else { index * out };
        each(input, &mut output[first..first + out]);
    }
}

/// The sum of what lies together: in eight lanes, block by block, whose sums are added up with more digits.
#[inline(always)]
pub(super) fn sum_of_row(values: &[f32]) -> f32 {
    const BLOCK: usize = 512;
    let block = |values: &[f32]| {
        let (lanes, rest) = values.as_chunks::<8>();
        let mut sums = [0.0; 8];
        for lane in lanes {
            for (sum, &value) in sums.iter_mut().zip(lane) {
                *sum += value;
            }
        }
        sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
    };
    if values.len() <= BLOCK {
        return block(values);
    }
    values.chunks(BLOCK).map(|values| f64::from(block(values))).sum::<f64>() as f32
}
