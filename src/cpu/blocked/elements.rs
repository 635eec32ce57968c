//! Functions of elements on blocks with operands of one element a channel, and blocks put one after another.

use rayon::prelude::*;

use super::layout::{BLOCK, Layout, blocks, parts, vectors};
use crate::cpu::binary::{Function, with_function};
use crate::cpu::operand::Operand;
use crate::cpu::parallel;
use crate::cpu::vectors::dispatch;
use crate::ops::{BatchNorm, Binary};

/// How an operand reaches over a value of this shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cpu) enum Reach {
    Everything,
    /// One element for each channel, of all images or of each.
    Channels,
    One,
}

impl Reach {
    pub(in crate::cpu) fn of(own: &[usize], shape: &[usize]) -> Option<Self> {
        if own == shape {
            return Some(Self::Everything);
        }
        if own.iter().all(|&extent| extent == 1) {
            return Some(Self::One);
        }
        // Extents that are left out are those of the front.
        let missing = shape.len().checked_sub(own.len())?;
        let extent = |axis: usize| axis.checked_sub(missing).map_or(1, |axis| own[axis]);
        let is_channels = extent(1) == shape[1] && (extent(0) == 1 || extent(0) == shape[0]);
        let are_ones = (2..shape.len()).all(|axis| extent(axis) == 1);
        (is_channels && are_ones).then_some(Self::Channels)
    }
}

/// A function of two elements; at least one operand is in blocks and has the output's shape.
pub(super) fn binary(op: Binary, [left, right]: [&Operand<'_>; 2], shape: &[usize], output: &mut [f32]) {
    with_function(
        op,
        Elements {
            left,
            right,
            shape,
            output,
        },
    );
}

struct Elements<'a> {
    left: &'a Operand<'a>,
    right: &'a Operand<'a>,
    shape: &'a [usize],
    output: &'a mut [f32],
}

impl Function for Elements<'_> {
    fn of(self, function: impl Fn(f32, f32) -> f32 + Sync) {
        let Self {
            left,
            right,
            shape,
            output,
        } = self;
        let (_, channels, plane) = parts(shape);
        let reach = |operand: &Operand<'_>| Reach::of(operand.shape, shape);
        match (reach(left), reach(right)) {
            (Some(Reach::Everything), Some(Reach::Everything)) => {
                parallel::planes(output, BLOCK * plane, |block, output| {
                    let place = block * BLOCK * plane;
                    let (left, right) = (&left.data[place..], &right.data[place..]);
                    dispatch(
                        #[inline(always)]
                        || {
                            for ((output, &a), &b) in output.iter_mut().zip(left).zip(right) {
                                *output = function(a, b);
                            }
                        },
                    );
                });
            }
            (Some(Reach::Everything), _) => {
                let own = own_vectors(right, shape);
                with_vectors(left.data, &own, (channels, plane), output, &function);
            }
            _ => {
                let own = own_vectors(left, shape);
                with_vectors(right.data, &own, (channels, plane), output, |a, b| function(b, a));
            }
        }
    }
}

/// The vectors of an operand that does not reach over everything; of what is the same for all images, only those of the first.
fn own_vectors(operand: &Operand<'_>, shape: &[usize]) -> Vec<[f32; BLOCK]> {
    match (Reach::of(operand.shape, shape), operand.data.first()) {
        (Some(Reach::One), Some(&one)) => vec![[one; BLOCK]; blocks(shape[1])],
        _ if operand.layout == Layout::Blocked => operand.data.as_chunks().0.to_vec(),
        _ => operand.data.chunks(shape[1]).flat_map(vectors).collect(),
    }
}

/// A function of each element of blocks and that of its channel.
fn with_vectors(
    input: &[f32],
    vectors: &[[f32; BLOCK]],
    (channels, plane): (usize, usize),
    output: &mut [f32],
    function: impl Fn(f32, f32) -> f32 + Sync,
) {
    let (input, _) = input.as_chunks::<BLOCK>();
    let of_all = vectors.len() == blocks(channels);
    parallel::planes(output, BLOCK * plane, |block, output| {
        let vector = &vectors[if of_all { block % blocks(channels) } else { block }];
        let (output, _) = output.as_chunks_mut::<BLOCK>();
        dispatch(
            #[inline(always)]
            || {
                for (output, input) in output.iter_mut().zip(&input[block * plane..]) {
                    *output = std::array::from_fn(|lane| function(input[lane], vector[lane]));
                }
            },
        );
    });
}

/// `inputs`: input in blocks, mean, variance, weight, bias.
pub(super) fn batch_norm(op: BatchNorm, inputs: &[Operand<'_>], output: &mut [f32]) {
    let &[input, mean, variance, weight, bias] = inputs else {
        return;
    };
    let (_, channels, plane) = parts(input.shape);
    let scale: Vec<f32> = (weight.data.iter().zip(variance.data))
        .map(|(weight, variance)| weight / (variance + op.eps).sqrt())
        .collect();
    let (mean, scale, bias) = (vectors(mean.data), vectors(&scale), vectors(bias.data));
    let (input, _) = input.data.as_chunks::<BLOCK>();
    parallel::planes(output, BLOCK * plane, |block, output| {
        let own = block % blocks(channels);
        let (mean, scale, bias) = (&mean[own], &scale[own], &bias[own]);
        let (output, _) = output.as_chunks_mut::<BLOCK>();
        dispatch(
            #[inline(always)]
            || {
                for (output, input) in output.iter_mut().zip(&input[block * plane..]) {
                    *output = std::array::from_fn(|lane| (input[lane] - mean[lane]) * scale[lane] + bias[lane]);
                }
            },
        );
    });
}

/// Channels one after another, of values in blocks.
pub(super) fn concat(inputs: &[Operand<'_>], shape: &[usize], output: &mut [f32]) {
    let (_, channels, plane) = parts(shape);
    let of_image = blocks(channels) * plane;
    // Where each input's channels begin.
    let firsts = inputs.iter().scan(0, |first, input| {
        let own = *first;
        *first += input.shape[1];
        Some(own)
    });
    let firsts: Vec<usize> = firsts.collect();
    let (output, _) = output.as_chunks_mut::<BLOCK>();
    let tasks: Vec<_> = output.chunks_exact_mut(plane).enumerate().collect();
    let least = (1 << 14) / (plane * BLOCK) + 1;
    tasks.into_par_iter().with_min_len(least).for_each(|(index, output)| {
        let (image, block) = (index * plane / of_image, index % blocks(channels));
        let own = block * BLOCK..channels.min((block + 1) * BLOCK);
        for (input, &first) in inputs.iter().zip(&firsts) {
            let past = first + input.shape[1];
            if past <= own.start || own.end <= first {
                continue;
            }
            let start = own.start.max(first);
            // Channels of one block of the input at a time.
            let mut channel = start;
            while channel < own.end.min(past) {
                let (from, lane) = ((channel - first) / BLOCK, (channel - first) % BLOCK);
                let count = (own.end.min(past) - channel).min(BLOCK - lane);
                let source = (image * blocks(input.shape[1]) + from) * plane;
                let source = &input.data.as_chunks::<BLOCK>().0[source..source + plane];
                let target = channel - own.start;
                if count == BLOCK {
                    output.copy_from_slice(source);
                } else {
                    for (output, source) in output.iter_mut().zip(source) {
                        output[target..target + count].copy_from_slice(&source[lane..lane + count]);
                    }
                }
                channel += count;
            }
        }
    });
}
