//! Regions pooled to one size, by the definition.

use ndarray::{Array4, Ix2, Ix4};

use super::answer::{Answer, View};
use super::number::{Number, SMALLEST, Sum, ULP};
use crate::error::{Error, Result};
use crate::ops::{RoiAlign, RoiReduction};

pub(super) fn roi_align(op: RoiAlign, input: &Answer, regions: &Answer) -> Result<Answer> {
    let (images, regions) = (input.view::<Ix4>()?, regions.view::<Ix2>()?);
    let (batch, channels, height, width) = images.dim();
    let (count, _) = regions.dim();
    let [out_height, out_width] = op.parts()?;
    let mut output = Array4::from_elem((count, channels, out_height, out_width), Number::ZERO);
    for region in 0..count {
        let [image, left, top, right, bottom] = [0, 1, 2, 3, 4].map(|number| regions.at([region, number]));
        if !(0.0..batch as f64).contains(&image.value) {
            let message = format!("region {region} is of image {} of {batch}", image.value);
            return Err(Error::invalid("roi_align", message));
        }
        let down = Axis::new(op, [top, bottom], out_height, height);
        let across = Axis::new(op, [left, right], out_width, width);
        for channel in 0..channels {
            let plane = Plane {
                images: &images,
                image: image.value as usize,
                channel,
            };
            for y in 0..out_height {
                for x in 0..out_width {
                    output[[region, channel, y, x]] = match (&down, &across) {
                        (Some(down), Some(across)) => pooled(op, &plane, [down, across], [y, x]),
                        _ => Number::exact(f64::NAN),
                    };
                }
            }
        }
    }
    Ok(output.into())
}

struct Plane<'a> {
    images: &'a View<'a, Ix4>,
    image: usize,
    channel: usize,
}

impl Plane<'_> {
    fn at(&self, y: usize, x: usize) -> Number {
        self.images.at([self.image, self.channel, y, x])
    }
}

/// A region along one axis, and how far an implementation may have the places in it off.
struct Axis {
    start: f64,
    part: f64,
    extent: usize,
    error: f64,
    /// How many samples a part may have: one number, or two where the extent of a part is near a whole number.
    samples: Vec<usize>,
}

impl Axis {
    /// None where a corner is nowhere.
    fn new(op: RoiAlign, corners: [Number; 2], parts: usize, extent: usize) -> Option<Self> {
        let scale = f64::from(op.spatial_scale);
        let shift = if op.aligned { 0.5 } else { 0.0 };
        let [start, end] = corners.map(|corner| corner.value * scale - shift);
        let is_somewhere = |corner: f64| corner.abs() < f64::from(RoiAlign::FARTHEST);
        if !is_somewhere(start) || !is_somewhere(end) {
            return None;
        }
        let length = if op.aligned { end - start } else { (end - start).max(1.0) };
        // Each of ten operations at most rounds a number no larger than this.
        let magnitude = start.abs() + end.abs() + length.abs() + 1.0;
        let inherited = (corners[0].bound + corners[1].bound) * scale.abs();
        let error = 2.0 * inherited + 12.0 * ULP * magnitude + SMALLEST;
        let part = length / parts as f64;
        let mut samples = match op.sampling_ratio {
            0 => vec![part, part - error, part + error]
                .into_iter()
                .map(|part| part.ceil() as usize)
                .collect(),
            samples => vec![samples],
        };
        samples.dedup();
        Some(Self {
            start,
            part,
            extent,
            error,
            samples,
        })
    }

    /// The samples of a part, of so many, that may be inside.
    fn places(&self, index: usize, samples: usize) -> Vec<Place> {
        let place = |sample: usize| self.start + index as f64 * self.part + (sample as f64 + 0.5) * self.part / samples as f64;
        (0..samples).filter_map(|sample| Place::new(place(sample), self)).collect()
    }
}

/// A sample along one axis: two elements and the weight of the second, and the elements that another implementation may find.
struct Place {
    first: usize,
    second: usize,
    weight: f64,
    near: [usize; 2],
    error: f64,
    is_inside: bool,
    /// Whether another implementation finds the same.
    is_sure: bool,
}

impl Place {
    /// None surely outside.
    fn new(place: f64, axis: &Axis) -> Option<Self> {
        let (low, high, last) = (-1.0, axis.extent as f64, axis.extent as f64 - 1.0);
        if place < low - axis.error || place > high + axis.error {
            return None;
        }
        let element = |place: f64| place.clamp(0.0, last).floor() as usize;
        let within = place.clamp(0.0, last);
        let first = element(place);
        Some(Self {
            first,
            second: (first + 1).min(axis.extent - 1),
            weight: within - first as f64,
            near: [
                element(place - axis.error),
                (element(place + axis.error) + 1).min(axis.extent - 1),
            ],
            error: axis.error,
            is_inside: (low..=high).contains(&place),
            is_sure: place >= low + axis.error && place <= high - axis.error,
        })
    }
}

/// One part. Where an implementation may take another number of samples, what that gives is within the bound.
fn pooled(op: RoiAlign, plane: &Plane<'_>, [down, across]: [&Axis; 2], [y, x]: [usize; 2]) -> Number {
    let numbers = down
        .samples
        .iter()
        .flat_map(|&rows| across.samples.iter().map(move |&columns| (rows, columns)));
    let mut answers = numbers.map(|(rows, columns)| {
        let samples = [down.places(y, rows), across.places(x, columns)];
        of_samples(op, plane, &samples, rows as f64 * columns as f64)
    });
    let answer = answers.next().unwrap_or(Number::ZERO);
    let apart = |other: Number| (other.value - answer.value).abs() + other.bound;
    Number::new(answer.value, answers.map(apart).fold(answer.bound, f64::max))
}

fn of_samples(op: RoiAlign, plane: &Plane<'_>, [rows, columns]: &[Vec<Place>; 2], count: f64) -> Number {
    let samples = rows
        .iter()
        .flat_map(|row| columns.iter().map(move |column| terms(plane, row, column)));
    match op.reduction {
        RoiReduction::Average => {
            let mut sum = Sum::default();
            samples.flatten().for_each(|term| sum.add(term));
            sum.total_in_a_row().divided_by(count.max(1.0))
        }
        RoiReduction::Max => {
            let is_any_outside = (rows.len() as f64) * (columns.len() as f64) < count;
            let outside = is_any_outside.then_some(Number::ZERO);
            let larger = |best: Number, term: Number| {
                let value = if term.value > best.value || term.value.is_nan() {
                    term.value
                } else {
                    best.value
                };
                Number::new(value, best.bound.max(term.bound))
            };
            samples.flatten().chain(outside).reduce(larger).unwrap_or(Number::ZERO)
        }
    }
}

/// The four elements around a sample, each with its weight: off by as much as the place is, times the largest element near it.
fn terms(plane: &Plane<'_>, row: &Place, column: &Place) -> [Number; 4] {
    let near = (row.near[0]..=row.near[1]).flat_map(|y| (column.near[0]..=column.near[1]).map(move |x| plane.at(y, x)));
    let largest = near.map(Number::largest).fold(0.0, f64::max);
    let is_inside = row.is_inside && column.is_inside;
    let either = if row.is_sure && column.is_sure { 0.0 } else { largest };
    [
        (row.first, 1.0 - row.weight, column.first, 1.0 - column.weight),
        (row.first, 1.0 - row.weight, column.second, column.weight),
        (row.second, row.weight, column.first, 1.0 - column.weight),
        (row.second, row.weight, column.second, column.weight),
    ]
    .map(|(y, of_row, x, of_column)| {
        let (element, weight) = (plane.at(y, x), of_row * of_column);
        let moved = (row.error + column.error + 6.0 * ULP).min(1.0) * largest;
        let own = element.bound * weight + moved + either + 4.0 * SMALLEST;
        Number::new(if is_inside { element.value * weight } else { 0.0 }, own)
    })
}
