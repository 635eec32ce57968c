//! Columns of blocks back into images, where what overlaps is added up.

use std::sync::Arc;

use super::builder::{Value, signed};
use super::node::Node;
use super::window::numbers;
use crate::error::{Error, Result};
use crate::ops::{Resample, TapTable, Transpose};

/// Blocks along one axis of an image.
struct Blocks {
    image: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    count: usize,
}

impl Blocks {
    /// The elements of all blocks, block within element, that fall on each of the image.
    fn table(&self) -> Result<TapTable> {
        let mut table = TapTable::new(self.kernel * self.count);
        for place in 0..self.image {
            let taps = (0..self.kernel).filter_map(|element| {
                let start = (place + self.before).checked_sub(element * self.dilation)?;
                let block = start / self.stride;
                (start.is_multiple_of(self.stride) && block < self.count).then_some((element * self.count + block, 1.0))
            });
            table.push(taps)?;
        }
        Ok(table)
    }
}

pub(super) fn col2im(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let &[batch, rows, columns] = input.shape() else {
        let message = format!("an input of shape {:?}, but it must have 3 dimensions", input.shape());
        return Err(Error::Onnx(message));
    };
    let blocks = blocks(node)?;
    let elements = product(blocks.iter().map(|axis| axis.kernel));
    let count = product(blocks.iter().map(|axis| axis.count));
    if input.shape().contains(&0) || count != columns || !rows.is_multiple_of(elements) {
        return Err(Error::Onnx(format!(
            "expected a multiple of {elements} rows and {count} columns, but got {:?}",
            input.shape()
        )));
    }
    let channels = rows / elements;
    // An axis of the image after another: of what is left of blocks, the first axis beside the first of their places.
    let (mut outer, mut elements, mut count) = (batch * channels, elements, count);
    let mut image = input;
    for axis in &blocks {
        elements /= axis.kernel;
        count /= axis.count;
        let apart = node.reshape(&image, &signed(&[outer, axis.kernel, elements, axis.count, count]))?;
        let together = node.emit(Transpose::new([0, 1, 3, 2, 4]), &[&apart])?;
        let together = node.reshape(&together, &signed(&[outer, axis.kernel * axis.count, elements * count]))?;
        node.budget()
            .charge("a table of blocks", axis.image.saturating_mul(axis.kernel), 8)?;
        image = node.emit(Resample::new(1, Arc::new(axis.table()?)), &[&together])?;
        outer *= axis.image;
    }
    let shape: Vec<usize> = [batch, channels]
        .into_iter()
        .chain(blocks.iter().map(|axis| axis.image))
        .collect();
    Ok(vec![node.reshape(&image, &signed(&shape))?])
}

/// A product of extents, as large as there is where it is larger.
fn product(extents: impl Iterator<Item = usize>) -> usize {
    extents.fold(1, usize::saturating_mul)
}

/// Along each axis of the image.
fn blocks(node: &mut Node<'_, '_>) -> Result<Vec<Blocks>> {
    let extents = |what: &str, numbers: Vec<i64>| {
        let extents: Option<Vec<usize>> = numbers.iter().map(|&x| usize::try_from(x).ok().filter(|&x| x > 0)).collect();
        extents.ok_or_else(|| Error::Onnx(format!("{what} is {numbers:?}")))
    };
    let image = extents("image_shape", node.host_ints(1)?)?;
    let kernel = extents("block_shape", node.host_ints(2)?)?;
    let axes = image.len();
    let ones = || vec![1; axes];
    let strides = numbers(node, "strides", 1, axes)?.unwrap_or_else(ones);
    let dilations = numbers(node, "dilations", 1, axes)?.unwrap_or_else(ones);
    let pads = numbers(node, "pads", 0, 2 * axes)?.unwrap_or_else(|| vec![0; 2 * axes]);
    if kernel.len() != axes {
        return Err(Error::Onnx(format!("block_shape {kernel:?} of image_shape {image:?}")));
    }
    let along = |axis: usize| {
        let whole = (kernel[axis] - 1).checked_mul(dilations[axis])?.checked_add(1)?;
        let padded = image[axis].checked_add(pads[axis])?.checked_add(pads[axes + axis])?;
        Some(Blocks {
            image: image[axis],
            kernel: kernel[axis],
            stride: strides[axis],
            dilation: dilations[axis],
            before: pads[axis],
            count: padded.checked_sub(whole)? / strides[axis] + 1,
        })
    };
    let blocks: Option<Vec<Blocks>> = (0..axes).map(along).collect();
    blocks.ok_or_else(|| Error::Onnx(format!("blocks of {kernel:?} do not fit in an image of {image:?}")))
}
