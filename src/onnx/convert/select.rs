//! Operators that choose elements by their places: one-hot tensors, triangles, parts of sequences, crops.

use super::builder::{Value, signed};
use super::gather::{as_i64, counting, dtype_of, number_of, whole};
use super::movement::take;
use super::node::Node;
use super::pad::constant_sides;
use crate::error::{Error, Result};
use crate::onnx::tensor;
use crate::ops::{Binary, Gather, Slice, Ternary};
use crate::shape;
use crate::tensor::Tensor;

/// For each index a row of `off` with `on` at the index; of indices beyond the depth `off` alone.
pub(super) fn one_hot(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (indices, depth, values) = (node.input(0)?, node.host(1)?, node.input(2)?);
    let depth = match depth.to_f32().as_slice() {
        Some(&[depth]) if depth >= 0.0 && depth <= i32::MAX as f32 => depth as usize,
        _ => {
            return Err(Error::Onnx(format!(
                "the depth must be one number that is not negative, but it is {depth}"
            )));
        }
    };
    if values.shape() != [2] {
        return Err(Error::Onnx(format!(
            "values of shape {:?}, but [2] is expected",
            values.shape()
        )));
    }
    let rank = indices.shape().len() + 1;
    let axis = shape::axis("onnx", node.int("axis", -1)? as isize, rank)?;
    let mut column = indices.shape().to_vec();
    column.insert(axis, 1);
    let indices = as_i64(node, &indices)?;
    let indices = node.reshape(&indices, &signed(&column))?;
    let is_negative = node.emit(Binary::Less, &[&indices, &whole(0)])?;
    let from_end = node.emit(Binary::Add, &[&indices, &whole(depth)])?;
    let places = node.emit(Ternary::Where, &[&is_negative, &from_end, &indices])?;
    let all = counting(node, rank, axis, depth)?;
    let is_hot = node.emit(Binary::Equal, &[&places, &all])?;
    let [off, on] = [0, 1].map(|at| Slice::new([at], [at + 1]));
    let (off, on) = (node.emit(off, &[&values])?, node.emit(on, &[&values])?);
    node.emit_one(Ternary::Where, &[&is_hot, &on, &off])
}

/// The elements from a diagonal on, or up to it; zeros elsewhere.
pub(super) fn trilu(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let &[.., rows, columns] = input.shape() else {
        return Err(Error::Onnx(format!(
            "an input of shape {:?}: expected matrices",
            input.shape()
        )));
    };
    let (row, column) = (counting(node, 2, 0, rows)?, counting(node, 2, 1, columns)?);
    let mut diagonal = node.emit(Binary::Sub, &[&column, &row])?;
    if let Some(first) = node.optional(1) {
        let first = node.reshape(&first, &[1, 1])?;
        let first = as_i64(node, &first)?;
        diagonal = node.emit(Binary::Sub, &[&diagonal, &first])?;
    }
    let is_inside = if node.flag("upper", true)? {
        Binary::GreaterOrEqual
    } else {
        Binary::LessOrEqual
    };
    let is_inside = node.emit(is_inside, &[&diagonal, &whole(0)])?;
    let zero = number_of(dtype_of(&input)?, 0);
    node.emit_one(Ternary::Where, &[&is_inside, &input, &zero])
}

/// The parts along an axis, or the elements, for which a condition holds. How many that are depends on it, and so it must be known.
pub(super) fn compress(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let mut input = node.input(0)?;
    let at = if let Some(axis) = node.optional_int("axis")? {
        shape::axis("onnx", axis as isize, input.shape().len())?
    } else {
        input = node.reshape(&input, &[-1])?;
        0
    };
    let places = match node.host(1)? {
        Tensor::Bool(condition) if condition.ndim() == 1 => {
            node.budget().charge("the places", condition.len(), 8)?;
            let places = condition.iter().enumerate().filter(|&(_, &holds)| holds);
            places.map(|(place, _)| place).collect::<Vec<_>>()
        }
        other => {
            return Err(Error::Onnx(format!(
                "a condition of {}: expected bools in one dimension",
                other.tensor_type()
            )));
        }
    };
    let extent = input.shape()[at];
    if let Some(&place) = places.last().filter(|&&place| place >= extent) {
        return Err(Error::Onnx(format!("a condition that holds at {place} of {extent} elements")));
    }
    Ok(vec![take(node, &input, at, &places)?])
}

/// The first elements of each sequence in reverse order, the others as they are.
pub(super) fn reverse_sequence(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, lengths) = (node.input(0)?, node.input(1)?);
    let axes = (node.int("batch_axis", 1)?, node.int("time_axis", 0)?);
    let (batch_axis, time_axis) = match axes {
        (0, 1) => (0, 1),
        (1, 0) => (1, 0),
        _ => {
            return Err(Error::Onnx(format!(
                "batch_axis and time_axis must be 0 and 1, but they are {axes:?}"
            )));
        }
    };
    let &[first, second, ref part @ ..] = input.shape() else {
        return Err(Error::Onnx(format!(
            "an input of shape {:?}: expected two dimensions or more",
            input.shape()
        )));
    };
    let (batch, time) = ([first, second][batch_axis], [first, second][time_axis]);
    if lengths.shape() != [batch] {
        return Err(Error::Onnx(format!(
            "lengths of shape {:?} for {batch} sequences",
            lengths.shape()
        )));
    }
    let part: usize = part.iter().product();
    let mut shape = [1, 1];
    shape[batch_axis] = batch as isize;
    let lengths = as_i64(node, &lengths)?;
    let lengths = node.reshape(&lengths, &shape)?;
    let (steps, sequences) = (counting(node, 2, time_axis, time)?, counting(node, 2, batch_axis, batch)?);
    // Step t of n comes from n - 1 - t.
    let last = node.emit(Binary::Sub, &[&lengths, &whole(1)])?;
    let mirrored = node.emit(Binary::Sub, &[&last, &steps])?;
    let is_mirrored = node.emit(Binary::Less, &[&steps, &lengths])?;
    let source = node.emit(Ternary::Where, &[&is_mirrored, &mirrored, &steps])?;
    let strides = if time_axis == 0 { (batch, 1) } else { (1, time) };
    let along_time = node.emit(Binary::Mul, &[&source, &whole(strides.0)])?;
    let along_batch = node.emit(Binary::Mul, &[&sequences, &whole(strides.1)])?;
    let row = node.emit(Binary::Add, &[&along_time, &along_batch])?;
    // A length beyond the last step names no row: it must not be taken for one of the next sequence.
    let is_within = node.emit(Binary::Less, &[&source, &whole(time)])?;
    let row = node.emit(Ternary::Where, &[&is_within, &row, &whole(first * second)])?;
    let row = node.reshape(&row, &signed(&[first * second]))?;
    let rows = node.reshape(&input, &signed(&[first * second, part]))?;
    let reversed = node.emit(Gather::new(0), &[&rows, &row])?;
    Ok(vec![node.reshape(&reversed, &signed(input.shape()))?])
}

/// The middle of the input along each axis, or the input in the middle of zeros.
pub(super) fn center_crop_pad(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (mut result, wanted) = (node.input(0)?, node.host_ints(1)?);
    let rank = result.shape().len();
    let axes = node.ints("axes")?.map_or_else(|| (0..rank as i64).collect(), <[i64]>::to_vec);
    if axes.len() != wanted.len() {
        return Err(Error::Onnx(format!("extents {wanted:?} for axes {axes:?}")));
    }
    let zero = number_of(dtype_of(&result)?, 0);
    for (&axis, wanted) in axes.iter().zip(tensor::extents("the output", &wanted)?) {
        let axis = shape::axis("onnx", axis as isize, rank)?;
        // Halves are rounded towards the start, of what is added as of what is taken away.
        let added = wanted as i64 - result.shape()[axis] as i64;
        let before = added / 2;
        result = constant_sides(node, &result, axis, (before, added - before), &zero)?;
    }
    Ok(vec![result])
}
