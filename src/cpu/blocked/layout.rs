//! How the elements of a value lie: in row-major order, or with its channels in blocks that are innermost.

use std::borrow::Cow;

use bytemuck::Pod;
#[cfg(target_arch = "x86_64")]
use bytemuck::{cast_slice, cast_slice_mut};
use rayon::prelude::*;

#[cfg(target_arch = "x86_64")]
use super::square::{self, Squares};

/// Channels of a block: a vector of AVX-512, two of AVX2, four of NEON. That it is one number makes sums the same on all of them.
pub(crate) const BLOCK: usize = 16;

/// Positions that are rearranged together: what is read and written of them stays in the first-level cache.
const TOGETHER: usize = 64;

/// How elements lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `[N][C][positions]`.
    #[default]
    Plain,
    /// `[N][C / 16][positions][16]`; what stands beyond the last channel means nothing.
    Blocked,
}

impl Layout {
    /// The elements that a tensor of this shape takes.
    pub(crate) fn length(self, shape: &[usize]) -> usize {
        match self {
            Self::Plain => shape.iter().product(),
            Self::Blocked => {
                let (batch, channels, plane) = parts(shape);
                batch * blocks(channels) * BLOCK * plane
            }
        }
    }

    /// Whether a tensor of this shape lies the same in both.
    pub(crate) fn is_either(shape: &[usize]) -> bool {
        let (_, channels, plane) = parts(shape);
        plane == 1 && channels.is_multiple_of(BLOCK)
    }
}

/// Images, channels, and positions of a channel.
pub(crate) fn parts(shape: &[usize]) -> (usize, usize, usize) {
    (shape[0], shape[1], shape[2..].iter().product())
}

pub(crate) fn blocks(channels: usize) -> usize {
    channels.div_ceil(BLOCK)
}

/// Channels of the block of this number.
pub(in crate::cpu) fn channels_of(block: usize, channels: usize) -> usize {
    BLOCK.min(channels - block * BLOCK)
}

/// One number for each channel as the vectors of blocks.
pub(super) fn vectors<T: Copy + Default>(channels: &[T]) -> Vec<[T; BLOCK]> {
    let vector = |own: &[T]| std::array::from_fn(|lane| own.get(lane).copied().unwrap_or_default());
    channels.chunks(BLOCK).map(vector).collect()
}

/// One number for each channel as whole blocks, the last of them with zeros.
pub(in crate::cpu) fn whole<T: Copy + Default>(channels: &[T]) -> Cow<'_, [T]> {
    if channels.len().is_multiple_of(BLOCK) {
        return Cow::Borrowed(channels);
    }
    Cow::Owned(vectors(channels).into_flattened())
}

/// Rearranges a tensor of this shape into the other layout than that it has.
pub(crate) fn rearrange<T: Pod + Send + Sync>(shape: &[usize], to: Layout, input: &[T], output: &mut [T]) {
    let (_, channels, plane) = parts(shape);
    if input.is_empty() {
        return;
    }
    let (plain, blocked) = (channels * plane, blocks(channels) * BLOCK * plane);
    let (from, into) = match to {
        Layout::Blocked => (plain, blocked),
        Layout::Plain => (blocked, plain),
    };
    let images = input.chunks_exact(from).zip(output.chunks_exact_mut(into));
    let tasks = images.flat_map(|(input, output)| input.chunks(BLOCK * plane).zip(output.chunks_mut(BLOCK * plane)));
    let tasks: Vec<_> = tasks.collect();
    let least = (1 << 14) / (BLOCK * plane) + 1;
    tasks
        .into_par_iter()
        .with_min_len(least)
        .for_each(|(input, output)| match to {
            Layout::Blocked => interleave(input, plane, output),
            Layout::Plain => separate(input, plane, output),
        });
}

/// The same into new memory.
pub(crate) fn rearranged<T: Pod + Send + Sync>(shape: &[usize], to: Layout, input: &[T]) -> Vec<T> {
    let mut output = vec![T::zeroed(); to.length(shape)];
    rearrange(shape, to, input, &mut output);
    output
}

/// Up to a block's channels, one after another, into a block.
fn interleave<T: Pod>(input: &[T], plane: usize, output: &mut [T]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = square::vectors::<T>(plane) {
        let (output, _) = cast_slice_mut(output).as_chunks_mut();
        return simd.vectorize(Squares::<f32, [f32; BLOCK]> {
            simd,
            input: cast_slice(input),
            plane,
            output,
        });
    }
    let (output, _) = output.as_chunks_mut::<BLOCK>();
    for (part, output) in output.chunks_mut(TOGETHER).enumerate() {
        for (channel, source) in input.chunks_exact(plane).enumerate() {
            for (target, &value) in output.iter_mut().zip(&source[part * TOGETHER..]) {
                target[channel] = value;
            }
        }
    }
}

/// A block into its channels.
fn separate<T: Pod>(input: &[T], plane: usize, output: &mut [T]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = square::vectors::<T>(plane) {
        let (input, _) = cast_slice(input).as_chunks();
        return simd.vectorize(Squares::<[f32; BLOCK], f32> {
            simd,
            input,
            plane,
            output: cast_slice_mut(output),
        });
    }
    let (input, _) = input.as_chunks::<BLOCK>();
    for (part, input) in input.chunks(TOGETHER).enumerate() {
        for (channel, target) in output.chunks_exact_mut(plane).enumerate() {
            for (target, source) in target[part * TOGETHER..].iter_mut().zip(input) {
                *target = source[channel];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_the_same() {
        for shape in [[2, 16, 3, 5], [1, 37, 2, 67], [1, 48, 4, 4], [2, 17, 3, 11], [3, 5, 1, 1]] {
            let plain: Vec<f32> = (0..shape.iter().product::<usize>()).map(|x| x as f32 + 1.0).collect();
            let mut blocked = vec![0.0; Layout::Blocked.length(&shape)];
            rearrange(&shape, Layout::Blocked, &plain, &mut blocked);
            let (channels, plane) = (shape[1], shape[2] * shape[3]);
            let last = blocked[(blocks(channels) * plane - 1) * BLOCK
                + (channels - 1) % BLOCK
                + (shape[0] - 1) * blocks(channels) * BLOCK * plane];
            assert_eq!(last, plain[plain.len() - 1]);
            let mut back = vec![0.0; plain.len()];
            rearrange(&shape, Layout::Plain, &blocked, &mut back);
            assert_eq!(back, plain);
        }
    }
}
