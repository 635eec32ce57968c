//! Regions pooled to one size: the samples of each region serve all channels.

use std::ops::Range;

use super::math::larger;
use super::operand::Operand;
use super::parallel;
use crate::error::{Error, Result};
use crate::ops::{RoiAlign, RoiReduction};

/// A sample along one axis: two elements, and the weight of the second.
#[derive(Clone, Copy)]
struct Between {
    first: usize,
    second: usize,
    weight: f32,
}

/// The samples of each part along one axis.
struct Samples {
    /// Those that are not outside.
    inside: Vec<Vec<Between>>,
    /// How many each part has.
    each: usize,
}

struct Region {
    image: usize,
    /// None where a corner is nowhere.
    samples: Option<[Samples; 2]>,
}

pub(super) fn roi_align(op: RoiAlign, input: &Operand<'_>, regions: &Operand<'_>, output: &mut [f32]) -> Result<()> {
    let &[batch, channels, height, width] = input.shape else {
        return Err(Error::Internal(format!("images of {:?}", input.shape)));
    };
    let [out_height, out_width] = op.parts()?;
    let regions: Vec<Region> = regions
        .data
        .as_chunks::<5>()
        .0
        .iter()
        .map(|&[image, left, top, right, bottom]| {
            let rows = Samples::new(op, [top, bottom], out_height, height);
            let columns = Samples::new(op, [left, right], out_width, width);
            Ok(Region {
                image: number(image, batch)?,
                samples: rows.zip(columns).map(|(rows, columns)| [rows, columns]),
            })
        })
        .collect::<Result<_>>()?;
    parallel::planes(output, out_height * out_width, |index, output| {
        let region = &regions[index / channels];
        let plane = &input.data[(region.image * channels + index % channels) * height * width..][..height * width];
        match &region.samples {
            Some(samples) => pool(op, samples, plane, width, output),
            None => output.fill(f32::NAN),
        }
    });
    Ok(())
}

/// The image that a region is of.
fn number(image: f32, batch: usize) -> Result<usize> {
    let is_one = image >= 0.0 && image < batch as f32;
    if !is_one {
        let message = format!("expected numbers of images below {batch}, but got {image}");
        return Err(Error::invalid("roi_align", message));
    }
    Ok(image as usize)
}

fn pool(op: RoiAlign, [rows, columns]: &[Samples; 2], plane: &[f32], width: usize, output: &mut [f32]) {
    let count = (rows.each as f32 * columns.each as f32).max(1.0);
    let parts = rows
        .inside
        .iter()
        .flat_map(|rows| columns.inside.iter().map(move |columns| (rows, columns)));
    for (output, (of_rows, of_columns)) in output.iter_mut().zip(parts) {
        let samples = of_rows
            .iter()
            .flat_map(|&row| of_columns.iter().map(move |&column| terms(plane, width, row, column)));
        *output = match op.reduction {
            RoiReduction::Average => samples.map(|terms| terms.iter().sum::<f32>()).sum::<f32>() / count,
            RoiReduction::Max => {
                let is_all_inside = of_rows.len() == rows.each && of_columns.len() == columns.each;
                let outside = (!is_all_inside).then_some(0.0);
                samples.flatten().chain(outside).reduce(larger).unwrap_or(0.0)
            }
        };
    }
}

/// The four elements around a sample, each with its weight.
fn terms(plane: &[f32], width: usize, row: Between, column: Between) -> [f32; 4] {
    let at = |y: usize, x: usize| plane[y * width + x];
    let (upper, left) = (1.0 - row.weight, 1.0 - column.weight);
    [
        upper * left * at(row.first, column.first),
        upper * column.weight * at(row.first, column.second),
        row.weight * left * at(row.second, column.first),
        row.weight * column.weight * at(row.second, column.second),
    ]
}

impl Samples {
    fn new(op: RoiAlign, corners: [f32; 2], parts: usize, extent: usize) -> Option<Self> {
        let shift = if op.aligned { 0.5 } else { 0.0 };
        let [start, end] = corners.map(|corner| corner * op.spatial_scale - shift);
        let is_somewhere = |corner: f32| corner.abs() < RoiAlign::FARTHEST;
        if !is_somewhere(start) || !is_somewhere(end) {
            return None;
        }
        let length = if op.aligned { end - start } else { (end - start).max(1.0) };
        let part = length / parts as f32;
        let each = match op.sampling_ratio {
            0 => part.ceil() as usize,
            samples => samples,
        };
        let of_part = |index: usize| {
            let first = start + index as f32 * part;
            let place = move |sample: usize| first + (sample as f32 + 0.5) * part / each as f32;
            near(first, part / each as f32, each, extent)
                .filter_map(|sample| Between::at(place(sample), extent))
                .collect()
        };
        Some(Self {
            inside: (0..parts).map(of_part).collect(),
            each,
        })
    }
}

/// Steps by which what `f32` makes of 2^25 steps may be off, and more.
const MARGIN: usize = 8;

/// The samples, of so many in steps from a place on, that may be inside: all, or, where steps are so large that the others are
/// many, those from before the first element to behind the last.
fn near(first: f32, step: f32, count: usize, extent: usize) -> Range<usize> {
    if step < 0.5 {
        return 0..count;
    }
    let before = ((-1.0 - first) / step) as usize;
    let behind = ((extent as f32 - first) / step) as usize;
    before.saturating_sub(MARGIN).min(count)..behind.saturating_add(MARGIN).min(count)
}

impl Between {
    /// None outside.
    fn at(place: f32, extent: usize) -> Option<Self> {
        let is_near = (-1.0..=extent as f32).contains(&place);
        is_near.then(|| {
            let place = place.clamp(0.0, (extent - 1) as f32);
            let first = place as usize;
            Self {
                first,
                second: (first + 1).min(extent - 1),
                weight: place - first as f32,
            }
        })
    }
}
