//! Samples at places that a grid names, by their definition.

use std::collections::BTreeSet;

use ndarray::{ArrayD, Dimension, IxDyn};

use super::answer::Answer;
use super::number::{Number, SMALLEST, ULP};
use crate::ops::{GridCoordinates, GridMode, GridPadding, GridSample};

/// The sum of the magnitudes of cubic weights is largest halfway between two elements.
const LARGEST_CUBIC_SUM: f64 = 1.375;
/// Of how steeply the weights change with the place: twice 0.75 and twice 1.35.
const LARGEST_CUBIC_SLOPE: f64 = 4.2;

pub(super) fn grid_sample(op: GridSample, input: &Answer, grid: &Answer) -> Answer {
    let axes = input.shape().len() - 2;
    let extents = &input.shape()[2..];
    let shape = [&input.shape()[..2], &grid.shape()[1..=axes]].concat();
    let (input, grid) = (input.numbers(), grid.numbers());
    let output = ArrayD::from_shape_fn(IxDyn(&shape), |place| {
        let place = place.slice();
        let (image, point) = place.split_at(2);
        let along: Option<Vec<Along>> = (0..axes)
            .map(|axis| {
                // The grid names the last axis first.
                let named = [&image[..1], point, &[axes - 1 - axis]].concat();
                Along::of(op, grid[named.as_slice()], extents[axis] as i64)
            })
            .collect();
        let at = |element: &[Option<i64>]| -> Option<Number> {
            let element: Option<Vec<usize>> = element.iter().map(|place| place.map(|place| place as usize)).collect();
            Some(input[[image, &element?].concat().as_slice()])
        };
        along.map_or(Number::exact(f64::NAN), |along| sample(op, &along, at))
    });
    output.into()
}

/// The elements that a sample has along one axis, and those that it would have where its place is another within its error.
struct Along {
    /// None outside the image.
    taps: Vec<(Option<i64>, f64)>,
    near: Vec<Option<i64>>,
    /// How far an implementation may have the place off.
    error: f64,
}

impl Along {
    /// None where the coordinate is NaN.
    fn of(op: GridSample, coordinate: Number, size: i64) -> Option<Self> {
        if coordinate.value.is_nan() {
            return None;
        }
        let (place, error) = place(op, coordinate, size as f64);
        let below = place.floor();
        let t = place - below;
        let (first, weights) = match op.mode {
            GridMode::Nearest => (place.round_ties_even(), vec![1.0]),
            GridMode::Linear => (below, vec![1.0 - t, t]),
            GridMode::Cubic => (below - 1.0, vec![cubic(1.0 + t), cubic(t), cubic(1.0 - t), cubic(2.0 - t)]),
        };
        let taps = (first as i64..).zip(weights);
        // Beyond twice the image everything has come up.
        let within = |place: f64| place.clamp(-2.0 * size as f64 - 4.0, 3.0 * size as f64 + 4.0);
        let (least, most) = match op.mode {
            GridMode::Nearest => (
                within(place - error).round_ties_even(),
                within(place + error).round_ties_even(),
            ),
            GridMode::Linear => (within(place - error).floor(), within(place + error).floor() + 1.0),
            GridMode::Cubic => (within(place - error).floor() - 1.0, within(place + error).floor() + 2.0),
        };
        let near: BTreeSet<Option<i64>> = (least as i64..=most as i64).map(|tap| source(op, tap, size)).collect();
        Some(Self {
            taps: taps.map(|(tap, weight)| (source(op, tap, size), weight)).collect(),
            near: near.into_iter().collect(),
            error,
        })
    }
}

/// Where a coordinate lies among the elements, and how far an implementation may have that off: sums, products and quotients
/// are rounded, each by an ULP of numbers no larger than the extent times the coordinate and one.
fn place(op: GridSample, coordinate: Number, size: f64) -> (f64, f64) {
    let x = coordinate.value;
    let (place, step, low, high) = match op.coordinates {
        GridCoordinates::Edges => (((x + 1.0) * size - 1.0) / 2.0, size / 2.0, -0.5, size - 0.5),
        GridCoordinates::Centres => ((x + 1.0) * (size - 1.0) / 2.0, (size - 1.0) / 2.0, 0.0, size - 1.0),
        GridCoordinates::Elements => (x, 1.0, 0.0, size - 1.0),
    };
    let magnitude = (x.abs() + 1.0) * size + 1.0;
    let own = 4.0 * ULP * magnitude + SMALLEST;
    let error = coordinate.bound * step + own;
    let (place, error) = match op.padding {
        GridPadding::Reflection if !place.is_finite() => (low, f64::INFINITY),
        GridPadding::Reflection => (reflected(place, low, high), error + own),
        _ if !place.is_finite() => (place, 0.0),
        _ => (place, error),
    };
    let place = match (op.mode, op.padding) {
        (GridMode::Cubic, _) | (_, GridPadding::Zeros) => place.clamp(-3.0, size + 2.0),
        _ => place.clamp(0.0, size - 1.0),
    };
    (place, error)
}

/// Within both ends, of which each reflects.
fn reflected(place: f64, low: f64, high: f64) -> f64 {
    let span = high - low;
    if span == 0.0 {
        return low;
    }
    let around = (place - low).rem_euclid(2.0 * span);
    low + around.min(2.0 * span - around)
}

/// The weight of an element this far away, by cubic convolution.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.75;
    if x <= 1.0 {
        (A + 2.0) * x.powi(3) - (A + 3.0) * x.powi(2) + 1.0
    } else {
        A * x.powi(3) - 5.0 * A * x.powi(2) + 8.0 * A * x - 4.0 * A
    }
}

/// The element that a tap is; none outside the image, where nothing but cubic samples reaches that are not padded by zeros.
fn source(op: GridSample, tap: i64, size: i64) -> Option<i64> {
    let tap = match op.padding {
        _ if op.mode != GridMode::Cubic => tap,
        GridPadding::Zeros => tap,
        GridPadding::Border => tap.clamp(0, size - 1),
        GridPadding::Reflection => {
            let (low, high) = match op.coordinates {
                GridCoordinates::Edges => (-0.5, size as f64 - 0.5),
                GridCoordinates::Centres | GridCoordinates::Elements => (0.0, size as f64 - 1.0),
            };
            reflected(tap as f64, low, high) as i64
        }
    };
    (0..size).contains(&tap).then_some(tap)
}

/// The weighted sum. What another place within its error would add is bounded by how steeply the weights change, times the
/// largest element that it could have.
fn sample(op: GridSample, along: &[Along], at: impl Fn(&[Option<i64>]) -> Option<Number>) -> Number {
    let near: Vec<Vec<Option<i64>>> = along.iter().map(|along| along.near.clone()).collect();
    let near: Vec<Option<Number>> = choices(&near).iter().map(|element| at(element)).collect();
    let taps: Vec<Vec<(Option<i64>, f64)>> = along.iter().map(|along| along.taps.clone()).collect();
    let (mut value, mut inherited) = (0.0, 0.0);
    for taps in choices(&taps) {
        let (element, weights): (Vec<Option<i64>>, Vec<f64>) = taps.into_iter().unzip();
        let weight: f64 = weights.iter().product();
        if let Some(number) = at(&element) {
            value += number.value * weight;
            inherited += number.bound * weight.abs();
        }
    }
    if op.mode == GridMode::Nearest {
        let apart = |other: &Option<Number>| other.map_or(value.abs(), |other| (other.value - value).abs() + other.bound);
        return Number::new(value, near.iter().map(apart).fold(inherited, f64::max));
    }
    let largest = near.iter().flatten().map(|number| number.largest()).fold(0.0, f64::max);
    let (sum, slope, count) = match op.mode {
        GridMode::Cubic => (LARGEST_CUBIC_SUM, LARGEST_CUBIC_SLOPE, 4.0),
        _ => (1.0, 2.0, 2.0),
    };
    let axes = along.len() as f64;
    let all: f64 = sum.powf(axes);
    let moved: f64 = along.iter().map(|along| along.error * slope * sum.powf(axes - 1.0)).sum();
    // Weights are off by at most eight ULP of 1, and each axis adds up its taps.
    let rounded = ULP * axes * (8.0 * count + count + 2.0) * all;
    let own = largest * (moved + rounded).min(2.0 * all) + 2.0 * SMALLEST * (1.0 + count.powf(axes));
    Number::new(value, inherited + own)
}

/// Every choice of one from each list.
fn choices<T: Copy>(lists: &[Vec<T>]) -> Vec<Vec<T>> {
    lists.iter().fold(vec![Vec::new()], |chosen, list| {
        let with = |chosen: &Vec<T>| list.iter().map(|&one| [&chosen[..], &[one]].concat()).collect::<Vec<_>>();
        chosen.iter().flat_map(with).collect()
    })
}
