//! What moves elements.

use std::sync::Arc;

use convoke::ops::{Concat, Expand, Flatten, Op, Resample, Reshape, Slice, TapTable, Transpose};
use proptest::prelude::*;

use super::{Case, shapes};

pub(crate) fn reshapes() -> impl Strategy<Value = Case> {
    (shapes(1..=5), any::<(prop::sample::Index, prop::sample::Index, bool, u64)>()).prop_map(
        |(shape, (first, second, flatten, seed))| {
            let (first, second) = (first.index(shape.len()), second.index(shape.len()));
            let op: Op = if flatten {
                Flatten::new(first.min(second) as isize, first.max(second) as isize).into()
            } else {
                // The extents in another order, one of them inferred.
                let mut target: Vec<isize> = shape.iter().map(|&extent| extent as isize).collect();
                target.swap(first, second);
                target[first] = -1;
                Reshape::new(target).into()
            };
            Case::new(op, vec![shape], seed)
        },
    )
}

/// Makes the last extent a multiple of four in half of the cases: what lies together so is copied four at once.
pub(crate) fn in_quads(mut shape: Vec<usize>, seed: u64) -> Vec<usize> {
    if let (Some(last), true) = (shape.last_mut(), seed.is_multiple_of(2)) {
        *last *= 4;
    }
    shape
}

/// Some parts may be empty.
pub(crate) fn concats() -> impl Strategy<Value = Case> {
    let extents = prop::collection::vec(0..=5usize, 1..=4);
    (shapes(1..=5), extents, any::<(prop::sample::Index, u64)>()).prop_map(|(shape, extents, (axis, seed))| {
        let shape = in_quads(shape, seed);
        let axis = axis.index(shape.len());
        let part = |extent: usize| {
            let mut part = shape.clone();
            part[axis] = extent;
            part
        };
        Case::new(Concat::new(axis as isize), extents.into_iter().map(part).collect(), seed)
    })
}

/// Ranges in and around each axis, forwards and backwards; many are empty.
pub(crate) fn slices() -> impl Strategy<Value = Case> {
    let range = (
        -9..=9isize,
        -9..=9isize,
        prop::sample::select(vec![1isize, 1, 2, 3, -1, -1, -2, -5]),
    );
    let open = prop::sample::select(vec![0u8, 1, 2]);
    let ranges = prop::collection::vec((range, open), 5);
    (shapes(1..=5), ranges, any::<u64>()).prop_map(|(shape, ranges, seed)| {
        let shape = in_quads(shape, seed);
        let named = 1 + (seed / 2) as usize % shape.len();
        // The last axes, counted from the end.
        let axes: Vec<isize> = (1..=named as isize).map(|axis| -axis).collect();
        let whole = |&((start, end, step), open): &((isize, isize, isize), u8)| {
            let (first, last) = if step > 0 {
                (isize::MIN, isize::MAX)
            } else {
                (isize::MAX, isize::MIN)
            };
            (if open > 1 { first } else { start }, if open > 0 { last } else { end }, step)
        };
        let ranges: Vec<_> = ranges.iter().take(named).map(whole).collect();
        let list = |pick: fn(&(isize, isize, isize)) -> isize| ranges.iter().map(pick).collect::<Vec<_>>();
        let op = Slice::new(list(|range| range.0), list(|range| range.1)).steps(list(|range| range.2));
        Case::new(op.axes(axes), vec![shape], seed)
    })
}

/// Sums of a few elements, of one and of none, with weights that are whole numbers.
pub(crate) fn resamplings() -> impl Strategy<Value = Case> {
    let taps = prop::collection::vec((any::<prop::sample::Index>(), -3..=3i8), 0..=4);
    let sums = prop::collection::vec(taps, 1..=9);
    (shapes(1..=4), sums, any::<(prop::sample::Index, u64)>()).prop_map(|(shape, sums, (axis, seed))| {
        let axis = axis.index(shape.len());
        let mut table = TapTable::new(shape[axis]);
        for taps in sums {
            let taps = taps.iter().map(|(tap, weight)| (tap.index(shape[axis]), f32::from(*weight)));
            table.push(taps).expect("taps of the axis");
        }
        let op = Resample::new(axis as isize - shape.len() as isize, Arc::new(table)).empty(5.0);
        Case::new(op, vec![shape], seed)
    })
}

pub(crate) fn transposes() -> impl Strategy<Value = Case> {
    let order = prop::collection::vec(any::<u64>(), 6);
    (prop::collection::vec(1..=5usize, 0..=6), order, any::<u64>()).prop_map(|(shape, order, seed)| {
        let mut permutation: Vec<isize> = (0..shape.len() as isize).collect();
        permutation.sort_by_key(|&axis| order[axis as usize]);
        Case::new(Transpose::new(permutation), vec![shape], seed)
    })
}

/// A shape, and an input that drops some of its leading extents and has 1 for some others; the target may say -1 or 1.
pub(crate) fn expands() -> impl Strategy<Value = Case> {
    (shapes(0..=5), any::<(u8, u8)>(), 0..=2usize, any::<u64>()).prop_map(|(shape, (ones, kept), dropped, seed)| {
        let dropped = dropped.min(shape.len());
        let bit = |mask: u8, axis: usize| mask >> axis & 1 == 1;
        let axes = || shape.iter().copied().enumerate();
        let input = axes()
            .skip(dropped)
            .map(|(axis, extent)| if bit(ones, axis) { 1 } else { extent });
        let target = axes().map(
            |(axis, extent)| match axis >= dropped && !bit(ones, axis) && bit(kept, axis) {
                true if axis % 2 == 0 => -1,
                true => 1,
                false => extent as isize,
            },
        );
        Case::new(Expand::new(target.collect::<Vec<_>>()), vec![input.collect()], seed)
    })
}
