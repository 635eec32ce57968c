//! Choosing, joining and reordering known elements.

use ndarray::{ArrayD, Axis, IxDyn};

use super::known::{charge, host, spread, wrong};
use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value, indices};
use crate::ops;
use crate::shape;
use crate::tensor::{Element, SharedArray, Tensor, each};

pub(super) fn concat(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let parts: Vec<Tensor> = (0..node.input_count()).map(|index| node.host(index)).collect::<Result<_>>()?;
    let first = parts.first().ok_or_else(|| Error::Onnx("no inputs".to_owned()))?;
    let axis = node
        .optional_int("axis")?
        .ok_or_else(|| Error::Onnx("axis is missing".to_owned()))?;
    let axis = Axis(shape::axis("onnx", axis as isize, first.shape().len())?);
    for part in &parts {
        if part.shape().len() != first.shape().len() {
            let (first, part) = (first.shape(), part.shape());
            return Err(Error::Onnx(format!(
                "parts of shape {first:?} and of {part:?}, which have not as many axes"
            )));
        }
        charge(node, part.shape())?;
    }
    Ok(each!(Tensor, first, array => vec![Value::Host(joined(axis, array, &parts)?)]))
}

/// Parts of the type of the first.
fn joined<T: Element>(axis: Axis, first: &SharedArray<T>, parts: &[Tensor]) -> Result<Tensor> {
    let mut views = vec![first.view()];
    for part in &parts[1..] {
        let array = part.array::<T>();
        let mixed = |_| Error::Onnx(format!("parts of {} and of {}", T::DTYPE, part.dtype()));
        views.push(array.map_err(mixed)?.view());
    }
    Ok(ndarray::concatenate(axis, &views).map_err(wrong)?.into())
}

pub(super) fn slice(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let data = node.host(0)?;
    let attribute = |name: &str| Ok::<_, Error>(node.ints(name)?.map(<[i64]>::to_vec));
    let missing = || Error::Onnx("starts or ends are missing".to_owned());
    let (starts, ends, axes, steps) = if node.opset() < 10 {
        let (starts, ends) = (attribute("starts")?, attribute("ends")?);
        (
            starts.ok_or_else(missing)?,
            ends.ok_or_else(missing)?,
            attribute("axes")?,
            None,
        )
    } else {
        let (axes, steps) = (node.optional_host_ints(3)?, node.optional_host_ints(4)?);
        (node.host_ints(1)?, node.host_ints(2)?, axes, steps)
    };
    let slice = ops::Slice::new(indices(&starts), indices(&ends))
        .axes(indices(&axes.unwrap_or_default()))
        .steps(indices(&steps.unwrap_or_default()));
    let ranges = slice.ranges(data.shape())?;
    let shape: Vec<usize> = ranges.iter().map(|range| range.count).collect();
    charge(node, &shape)?;
    Ok(each!(Tensor, data, array => {
        let view = array.slice_each_axis(|axis| {
            let range = &ranges[axis.axis.index()];
            taken(range.start, range.step, range.count)
        });
        host(ArrayD::from_shape_vec(IxDyn(&shape), view.iter().copied().collect()).map_err(wrong)?)
    }))
}

/// So many elements from `start` on as ndarray has it, where a range that goes backwards starts at its end.
fn taken(start: usize, step: isize, count: usize) -> ndarray::Slice {
    match count {
        0 => ndarray::Slice::from(0..0),
        1 => ndarray::Slice::from(start..start + 1),
        // Of two elements and more the steps are shorter than the axis.
        count => {
            let (first, span) = (start as isize, (count as isize - 1) * step);
            let (low, high) = (first.min(first + span), first.max(first + span));
            ndarray::Slice::new(low, Some(high + 1), step)
        }
    }
}

pub(super) fn transpose(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let data = node.host(0)?;
    let rank = data.shape().len();
    let order = match node.ints("perm")? {
        Some(order) => order
            .iter()
            .map(|&axis| shape::axis("onnx", axis as isize, rank))
            .collect::<Result<_>>()?,
        None => (0..rank).rev().collect::<Vec<_>>(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return Err(Error::Onnx(format!("perm {order:?} of {rank} dimensions")));
    }
    charge(node, data.shape())?;
    Ok(each!(Tensor, data, array => {
        let view = array.view().permuted_axes(IxDyn(&order));
        host(ArrayD::from_shape_vec(view.raw_dim(), view.iter().copied().collect()).map_err(wrong)?)
    }))
}

pub(super) fn expand(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let data = node.host(0)?;
    let wanted: Vec<usize> = node
        .host_ints(1)?
        .iter()
        .map(|&extent| usize::try_from(extent).map_err(|_| Error::Onnx(format!("an extent of {extent}"))))
        .collect::<Result<_>>()?;
    let shape = shape::broadcast("onnx", data.shape(), &wanted)?;
    charge(node, &shape)?;
    Ok(each!(Tensor, &data, array => host(spread(array, &shape)?.to_owned())))
}
