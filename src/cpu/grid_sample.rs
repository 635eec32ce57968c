//! Samples at places that a grid names: the taps of each place serve all channels.

use super::operand::Operand;
use super::parallel;
use crate::error::Result;
use crate::ops::{GridCoordinates, GridMode, GridPadding, GridSample};
use crate::shape;

/// The most taps along an axis.
const MOST_TAPS: usize = 4;

/// The elements that a sample has along one axis, and their weights.
#[derive(Clone, Copy, Default)]
struct Taps {
    sources: [usize; MOST_TAPS],
    weights: [f32; MOST_TAPS],
    count: usize,
}

pub(super) fn grid_sample(op: GridSample, input: &Operand<'_>, grid: &Operand<'_>, output: &mut [f32]) -> Result<()> {
    let (batch, channels, extents) = shape::spatial("grid_sample", input.shape)?;
    let axes = extents.len();
    let points = grid.data.len() / (batch * axes).max(1);
    // Depth, height and width; what is not there has an extent of 1.
    let mut volume = [1; 3];
    volume[3 - axes..].copy_from_slice(extents);
    let elements: usize = extents.iter().product();
    let image = channels * points;
    if image == 0 {
        return Ok(());
    }
    let mut taps = vec![[Taps::one(); 3]; points];
    for (n, output) in output.chunks_mut(image).enumerate() {
        let grid = &grid.data[n * points * axes..][..points * axes];
        parallel::planes(&mut taps, 1, |point, taps| {
            let coordinates = &grid[point * axes..][..axes];
            // The grid names the last axis first.
            for (axis, &coordinate) in coordinates.iter().rev().enumerate() {
                taps[0][3 - axes + axis] = Taps::of(op, coordinate, extents[axis]);
            }
        });
        parallel::planes(output, points, |channel, output| {
            let plane = &input.data[(n * channels + channel) * elements..][..elements];
            for (output, taps) in output.iter_mut().zip(&taps) {
                *output = sample(plane, volume, taps);
            }
        });
    }
    Ok(())
}

fn sample(plane: &[f32], [_, height, width]: [usize; 3], [slices, rows, columns]: &[Taps; 3]) -> f32 {
    slices.sum(|slice| {
        rows.sum(|row| {
            let row = &plane[(slice * height + row) * width..][..width];
            columns.sum(|column| row[column])
        })
    })
}

impl Taps {
    /// The only element of an axis.
    fn one() -> Self {
        let mut taps = Self::default();
        taps.push(0, 1.0);
        taps
    }

    fn push(&mut self, source: usize, weight: f32) {
        self.sources[self.count] = source;
        self.weights[self.count] = weight;
        self.count += 1;
    }

    fn sum(&self, value: impl Fn(usize) -> f32) -> f32 {
        let taps = self.sources.iter().zip(&self.weights).take(self.count);
        taps.fold(0.0, |sum, (&source, weight)| sum + value(source) * weight)
    }

    fn of(op: GridSample, coordinate: f32, extent: usize) -> Self {
        let mut taps = Self::default();
        if coordinate.is_nan() {
            taps.push(0, f32::NAN);
            return taps;
        }
        let place = place(op, coordinate, extent);
        let below = place.floor();
        let t = place - below;
        let (first, weights): (_, &[f32]) = match op.mode {
            GridMode::Nearest => (place.round_ties_even(), &[1.0]),
            GridMode::Linear => (below, &[1.0 - t, t]),
            GridMode::Cubic => (below - 1.0, &cubic(t)),
        };
        for (tap, &weight) in weights.iter().enumerate() {
            if let Some(source) = source(op, first as i64 + tap as i64, extent as i64) {
                taps.push(source, weight);
            }
        }
        taps
    }
}

/// Where a coordinate lies among the elements, or beside them where there are none.
fn place(op: GridSample, coordinate: f32, extent: usize) -> f32 {
    let size = extent as f32;
    let mut place = match op.coordinates {
        GridCoordinates::Edges => ((coordinate + 1.0) * size - 1.0) * 0.5,
        GridCoordinates::Centres => (coordinate + 1.0) * 0.5 * (size - 1.0),
        GridCoordinates::Elements => coordinate,
    };
    if op.padding == GridPadding::Reflection {
        place = match op.coordinates {
            GridCoordinates::Edges => reflected(place, -0.5, size),
            GridCoordinates::Centres | GridCoordinates::Elements => reflected(place, 0.0, size - 1.0),
        };
    }
    if op.mode == GridMode::Cubic || op.padding == GridPadding::Zeros {
        place.clamp(-3.0, size + 2.0)
    } else {
        place.clamp(0.0, size - 1.0)
    }
}

/// By both ends of a span, until it is within.
fn reflected(place: f32, low: f32, span: f32) -> f32 {
    if span == 0.0 {
        return low;
    }
    let distance = (place - low).abs().min(f32::MAX);
    let flips = (distance / span).floor();
    let extra = (distance - flips * span).clamp(0.0, span);
    let is_back = flips % 2.0 == 1.0;
    low + if is_back { span - extra } else { extra }
}

/// The weights of the four elements around a place that is this far beyond the second.
fn cubic(t: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let inner = |t: f32| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let s = 1.0 - t;
    [A * t * s * s, inner(t), inner(s), A * t * t * s]
}

/// The element that a tap is, if any.
fn source(op: GridSample, tap: i64, size: i64) -> Option<usize> {
    let within = match op.padding {
        GridPadding::Border if op.mode == GridMode::Cubic => tap.clamp(0, size - 1),
        GridPadding::Reflection if op.mode == GridMode::Cubic => match op.coordinates {
            GridCoordinates::Edges => {
                let turn = tap.rem_euclid(2 * size);
                turn.min(2 * size - 1 - turn)
            }
            GridCoordinates::Centres | GridCoordinates::Elements => {
                let turn = tap.rem_euclid((2 * size - 2).max(1));
                turn.min(2 * size - 2 - turn)
            }
        },
        _ => tap,
    };
    usize::try_from(within).ok().filter(|&within| within < size as usize)
}
