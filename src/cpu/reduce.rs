//! Sum, mean and maximum along axes.

use rayon::prelude::*;

use super::Tensor;
use crate::error::Result;
use crate::ops::{Reduce, ReduceKind};

pub(super) fn reduce(op: &Reduce, input: &Tensor<'_>, output: &mut [f32]) -> Result<()> {
    let reduced = op.reduced(input.shape.len())?;
    // Axes that are treated alike and lie together are one.
    let mut axes: Vec<(usize, bool)> = Vec::new();
    for (&extent, &reduced) in input.shape.iter().zip(&reduced) {
        match axes.last_mut() {
            Some((outer, kind)) if *kind == reduced => *outer *= extent,
            _ => axes.push((extent, reduced)),
        }
    }
    let count: usize = axes.iter().filter(|axis| axis.1).map(|axis| axis.0).product();
    if output.is_empty() {
        return Ok(());
    }
    let (start, combine): (f32, fn(f32, f32) -> f32) = match op.kind {
        ReduceKind::Max => (
            f32::NEG_INFINITY,
            |best, value| {
                if value > best || value.is_nan() { value } else { best }
            },
        ),
        ReduceKind::Sum | ReduceKind::Mean => (0.0, |sum, value| sum + value),
    };
    output.fill(start);
    if !input.data.is_empty() {
        match axes.first() {
            // The outermost axis stays: its parts are independent.
            Some(&(extent, false)) if axes.len() > 1 => {
                let (own, out) = (input.data.len() / extent, output.len() / extent);
                let least = (1 << 15) / own + 1;
                output
                    .par_chunks_mut(out)
                    .zip(input.data.par_chunks(own))
                    .with_min_len(least)
                    .for_each(|(output, input)| into(&axes[1..], input, output, combine));
            }
            _ => into(&axes, input.data, output, combine),
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

/// Combines what lies along these axes into an output of those that stay.
fn into(axes: &[(usize, bool)], input: &[f32], output: &mut [f32], combine: fn(f32, f32) -> f32) {
    match axes {
        [] => {
            if let ([output], [input]) = (output, input) {
                *output = combine(*output, *input);
            }
        }
        [(_, false)] => {
            for (output, &value) in output.iter_mut().zip(input) {
                *output = combine(*output, value);
            }
        }
        [(_, true)] => {
            if let [output] = output {
                *output = combine(*output, all(input, *output, combine));
            }
        }
        [(extent, reduced), rest @ ..] => {
            let own = input.len() / extent;
            let out = if *reduced { output.len() } else { output.len() / extent };
            for (index, input) in input.chunks_exact(own).enumerate() {
                let first = if *reduced { 0 } else { index * out };
                into(rest, input, &mut output[first..first + out], combine);
            }
        }
    }
}

/// Eight at a time; `seed` decides what the lanes begin with: nothing for a sum, the maximum so far for a maximum.
fn all(values: &[f32], seed: f32, combine: fn(f32, f32) -> f32) -> f32 {
    // Combining 1 with 1 gives 2 in a sum only.
    let start = if combine(1.0, 1.0) > 1.0 { 0.0 } else { seed };
    let (lanes, rest) = values.as_chunks::<8>();
    let mut found = [start; 8];
    for lane in lanes {
        for (found, &value) in found.iter_mut().zip(lane) {
            *found = combine(*found, value);
        }
    }
    let found = found.into_iter().fold(start, combine);
    rest.iter().fold(found, |found, &value| combine(found, value))
}
