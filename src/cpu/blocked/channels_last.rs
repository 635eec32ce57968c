//! Channels that become the innermost axis, or that were it: what lies together in blocks stays together, and nothing is taken apart.

use super::layout::{BLOCK, blocks, channels_of, parts};
use crate::cpu::operand::Operand;
use crate::cpu::parallel;

/// Whether a permutation makes the second axis, the channels, the last one.
pub(in crate::cpu) fn is_to_last(permutation: &[usize]) -> bool {
    let expected = (2..permutation.len()).chain([1]);
    permutation.len() > 2 && permutation[0] == 0 && permutation[1..].iter().copied().eq(expected)
}

/// Whether a permutation makes the last axis the second one.
pub(in crate::cpu) fn is_from_last(permutation: &[usize]) -> bool {
    let last = permutation.len().saturating_sub(1);
    let expected = [last].into_iter().chain(1..last);
    last > 1 && permutation[0] == 0 && permutation[1..].iter().copied().eq(expected)
}

/// Blocks as `[N][positions][C]`.
pub(super) fn to_last(input: &Operand<'_>, output: &mut [f32]) {
    let (_, channels, plane) = parts(input.shape);
    let (input, _) = input.data.as_chunks::<BLOCK>();
    parallel::planes(output, channels, |row, output| {
        let (image, position) = (row / plane, row % plane);
        let input = &input[image * blocks(channels) * plane + position..];
        for (target, source) in output.chunks_mut(BLOCK).zip(input.iter().step_by(plane)) {
            target.copy_from_slice(&source[..target.len()]);
        }
    });
}

/// `[N][positions][C]` as blocks of a value of this shape.
pub(super) fn from_last(input: &[f32], shape: &[usize], output: &mut [f32]) {
    let (_, channels, plane) = parts(shape);
    parallel::planes(output, plane * BLOCK, |index, output| {
        let (image, block) = (index / blocks(channels), index % blocks(channels));
        let first = block * BLOCK;
        let own = channels_of(block, channels);
        let input = &input[image * plane * channels..(image + 1) * plane * channels];
        let (output, _) = output.as_chunks_mut::<BLOCK>();
        for (target, source) in output.iter_mut().zip(input.chunks_exact(channels)) {
            target[..own].copy_from_slice(&source[first..first + own]);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::blocked::{Layout, rearranged};

    #[test]
    fn permutations_are_told_apart() {
        assert!(is_to_last(&[0, 2, 3, 1]) && is_to_last(&[0, 2, 1]) && is_to_last(&[0, 2, 3, 4, 1]));
        assert!(is_from_last(&[0, 3, 1, 2]) && is_from_last(&[0, 2, 1]) && is_from_last(&[0, 4, 1, 2, 3]));
        for other in [&[0, 1, 2, 3][..], &[0, 1], &[1, 0], &[0, 2, 1, 3], &[2, 3, 1, 0], &[]] {
            assert!(!is_to_last(other) && !is_from_last(other), "{other:?}");
        }
    }

    #[test]
    fn channels_go_last_and_come_back() {
        for shape in [[2, 16, 3, 5], [1, 37, 20, 67], [3, 48, 1, 2]] {
            let [batch, channels, height, width] = shape;
            let plain: Vec<f32> = (0..shape.iter().product::<usize>()).map(|x| x as f32).collect();
            let mut blocked = rearranged(&shape, Layout::Blocked, &plain);
            let mut last = vec![0.0; plain.len()];
            let input = Operand {
                shape: &shape,
                data: &blocked,
                layout: Layout::Blocked,
            };
            to_last(&input, &mut last);
            let plane = height * width;
            for (index, &element) in last.iter().enumerate() {
                let (position, channel) = (index / channels, index % channels);
                let place = (position / plane * channels + channel) * plane + position % plane;
                assert_eq!(element, plain[place]);
            }
            blocked.fill(0.0);
            from_last(&last, &shape, &mut blocked);
            assert_eq!(rearranged(&shape, Layout::Plain, &blocked), plain, "{batch} images");
        }
    }
}
