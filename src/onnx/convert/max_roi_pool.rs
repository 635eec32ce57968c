//! The maxima of the parts of regions, once the regions are known: of the rows of each part, and then of its columns.

use std::ops::Range;

use ndarray::{Array1, ArrayD, IxDyn};

use super::builder::{Value, signed};
use super::node::Node;
use crate::error::{Error, Result};
use crate::ops::{Gather, Reduce, Ternary, Transpose};
use crate::tensor::Tensor;

pub(super) fn max_roi_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let &[batch, channels, height, width] = input.shape() else {
        return Err(Error::Onnx(format!("images of shape {:?}", input.shape())));
    };
    let pooled = node.ints("pooled_shape")?.unwrap_or_default();
    let &[rows, columns] = pooled else {
        return Err(Error::Onnx(format!("a pooled_shape of {pooled:?}")));
    };
    let regions = Regions::new(node, batch, [height, width])?;
    let rows = regions.parts(node, 0, rows)?;
    let columns = regions.parts(node, 1, columns)?;
    let count = regions.images.len();
    // Of all images, the rows of each part one after another: [C, K, parts, W].
    let image_rows = node.emit(Transpose::new([1, 0, 2, 3]), &[&input])?;
    let image_rows = node.reshape(&image_rows, &signed(&[channels, batch * height, width]))?;
    let firsts = regions.images.iter().map(|image| image * height);
    let maxima = rows.maxima(node, &image_rows, firsts, &[channels])?;
    // Of all regions, the columns of each part: [C, parts, K, parts].
    let region_columns = node.emit(Transpose::new([0, 2, 1, 3]), &[&maxima])?;
    let region_columns = node.reshape(&region_columns, &signed(&[channels, rows.count, count * width]))?;
    let firsts = (0..count).map(|region| region * width);
    let maxima = columns.maxima(node, &region_columns, firsts, &[channels, rows.count])?;
    let maxima = node.emit(Transpose::new([2, 0, 1, 3]), &[&maxima])?;
    let total = count.saturating_mul(rows.count).saturating_mul(columns.count);
    node.budget().charge("the parts of regions", total, 1)?;
    let is_empty = ArrayD::from_shape_fn(IxDyn(&[count, 1, rows.count, columns.count]), |at| {
        rows.part(at[0], at[2]).is_empty() || columns.part(at[0], at[3]).is_empty()
    });
    let is_empty = Value::Host(Tensor::from(is_empty));
    node.emit_one(
        Ternary::Where,
        &[&is_empty, &Value::Host(Array1::from_vec(vec![0.0_f32]).into()), &maxima],
    )
}

/// Rectangles in images, with their last rows and columns.
struct Regions {
    images: Vec<usize>,
    /// The first and the last row, the first and the last column.
    corners: Vec<[[f32; 2]; 2]>,
    extents: [usize; 2],
}

impl Regions {
    fn new(node: &mut Node<'_, '_>, batch: usize, extents: [usize; 2]) -> Result<Self> {
        let scale = node.float("spatial_scale", 1.0)?;
        let regions = node.host(1)?;
        let (Tensor::F32(regions), &[count, 5]) = (&regions, regions.shape()) else {
            return Err(Error::Onnx(format!("regions of {}", regions.tensor_type())));
        };
        node.budget().charge("the regions", count, size_of::<[f32; 5]>() as u64)?;
        let mut images = Vec::with_capacity(count);
        let mut corners = Vec::with_capacity(count);
        for region in regions.rows() {
            let image = region[0];
            if image.fract() != 0.0 || !(0.0..batch as f32).contains(&image) {
                return Err(Error::Onnx(format!("a region of image {image}, where there are {batch}")));
            }
            images.push(image as usize);
            let [left, top, right, bottom] = [1, 2, 3, 4].map(|at| (region[at] * scale).round());
            corners.push([[top, bottom], [left, right]]);
        }
        Ok(Self {
            images,
            corners,
            extents,
        })
    }

    /// The parts of all regions along an axis.
    fn parts(&self, node: &mut Node<'_, '_>, axis: usize, count: i64) -> Result<Parts> {
        let count = usize::try_from(count).ok().filter(|&count| count > 0);
        let count = count.ok_or_else(|| Error::Onnx("pooled_shape must be positive".to_owned()))?;
        let total = count.saturating_mul(self.corners.len());
        node.budget()
            .charge("the parts of regions", total, size_of::<Range<usize>>() as u64)?;
        let extent = self.extents[axis] as f32;
        let mut ranges = Vec::with_capacity(total);
        for corners in &self.corners {
            let [first, last] = corners[axis];
            let length = (last - first + 1.0).max(1.0) / count as f32;
            let place = |place: f32| (place + first).clamp(0.0, extent) as usize;
            ranges.extend((0..count).map(|part| place((part as f32 * length).floor())..place(((part + 1) as f32 * length).ceil())));
        }
        Ok(Parts { count, ranges })
    }
}

/// What regions are cut into along an axis, region after region.
struct Parts {
    /// Of each region.
    count: usize,
    ranges: Vec<Range<usize>>,
}

impl Parts {
    fn part(&self, region: usize, part: usize) -> &Range<usize> {
        &self.ranges[region * self.count + part]
    }

    /// The maxima of the parts along the axis that follows the leading ones. Each region counts from a place of its own. Short
    /// parts have their last element again, and empty ones any.
    fn maxima(
        &self,
        node: &mut Node<'_, '_>,
        input: &Value,
        firsts: impl Iterator<Item = usize>,
        leading: &[usize],
    ) -> Result<Value> {
        let longest = self.ranges.iter().map(Range::len).max().unwrap_or(0).max(1);
        let total = self.ranges.len().saturating_mul(longest);
        node.budget()
            .charge("the places of regions", total, size_of::<i64>() as u64)?;
        let mut places = Vec::with_capacity(total);
        for (first, parts) in firsts.zip(self.ranges.chunks(self.count)) {
            for part in parts {
                let place = |index: usize| (part.start + index).min(part.end.max(1) - 1);
                places.extend((0..longest).map(|index| (first + place(index)) as i64));
            }
        }
        let axis = leading.len();
        let gathered = node.emit(
            Gather::new(axis as isize),
            &[input, &Value::Host(Array1::from_vec(places).into())],
        )?;
        let rest = &input.shape()[axis + 1..];
        let regions = self.ranges.len() / self.count;
        let shape = [leading, &[regions, self.count, longest], rest].concat();
        let gathered = node.reshape(&gathered, &signed(&shape))?;
        node.emit(Reduce::max([axis as isize + 2]), &[&gathered])
    }
}
