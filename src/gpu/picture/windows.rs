//! The weights by which pictures are resized: Pillow's, and so torchvision's for pictures.

use std::ops::Range;

use super::options::Filter;
use crate::gpu::lower::picture::Windows;

/// Fraction bits of a weight: sums of products with levels stay within 32 bits.
const FRACTION: u32 = 22;

/// What these of `targets` pixels are made of, of `length` there are. Where pixels become fewer the filter is as much wider
/// (antialias).
pub(super) fn windows(filter: Filter, length: usize, targets: usize, wanted: Range<usize>) -> Windows {
    let mut windows = Windows {
        starts: vec![0],
        ..Windows::default()
    };
    let scale = length as f64 / targets as f64;
    let stretch = scale.max(1.0);
    let reach = filter.reach() * stretch;
    for target in wanted {
        let centre = (target as f64 + 0.5) * scale;
        let first = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(length);
        let weight = |source: usize| filter.weight((source as f64 - centre + 0.5) * (1.0 / stretch));
        let total: f64 = (first..end).map(weight).sum();
        windows.firsts.push(first as u32);
        windows.weights.extend((first..end).map(|source| {
            let scaled = weight(source) / total * f64::from(1_u32 << FRACTION);
            // Cut after half a step away from zero was added.
            (scaled + 0.5_f64.copysign(scaled)) as i32
        }));
        windows.starts.push(windows.weights.len() as u32);
    }
    windows
}
