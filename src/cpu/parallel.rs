//! Loops over all threads where there is enough to do.

use rayon::prelude::*;

/// Elements that are worth a task of their own.
const GRAIN: usize = 1 << 14;

/// Elements of an output with those of an input at the same places, in pieces.
pub(super) fn pairs(output: &mut [f32], input: &[f32], work: impl Fn(&mut [f32], &[f32]) + Sync) {
    if output.len() <= GRAIN {
        work(output, input);
        return;
    }
    output
        .par_chunks_mut(GRAIN)
        .zip(input.par_chunks(GRAIN))
        .for_each(|(output, input)| work(output, input));
}

/// Planes of `plane` elements with their numbers.
pub(super) fn planes<T: Send>(output: &mut [T], plane: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    if plane == 0 {
        return;
    }
    let together = (GRAIN / plane).max(1);
    if output.len() <= GRAIN {
        output
            .chunks_mut(plane)
            .enumerate()
            .for_each(|(index, plane)| work(index, plane));
        return;
    }
    output
        .par_chunks_mut(together * plane)
        .enumerate()
        .for_each(|(task, planes)| {
            for (index, plane) in planes.chunks_mut(plane).enumerate() {
                work(task * together + index, plane);
            }
        });
}
