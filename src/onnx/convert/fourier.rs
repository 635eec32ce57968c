//! Discrete Fourier transforms as products with matrices of cosines and sines, which are known.

use std::f64::consts::TAU;

use ndarray::{Array1, ArrayD, IxDyn};

use super::builder::{Value, signed};
use super::node::Node;
use crate::error::{Error, Result};
use crate::ops::{Binary, Gather, Linear, Slice, Transpose};
use crate::shape;

/// What a transform makes of each row of numbers.
#[derive(Clone, Copy)]
struct Transform {
    /// How many numbers the sum goes around.
    length: usize,
    /// How many there are; the others are 0.
    given: usize,
    /// 1 for real numbers, 2 for complex ones.
    parts: usize,
    is_inverse: bool,
    /// Whether of a spectrum that is symmetric only the first half is given, or taken.
    is_onesided: bool,
}

impl Transform {
    /// How many numbers come out, and of how many parts.
    fn output(self) -> (usize, usize) {
        match (self.is_onesided, self.is_inverse) {
            (true, false) => (self.length / 2 + 1, 2),
            (true, true) => (self.length, 1),
            (false, _) => (self.length, 2),
        }
    }

    /// How often a given number counts: those of half a spectrum stand for their mirror images as well.
    fn weight(self, place: usize) -> f64 {
        let scale = if self.is_inverse { 1.0 / self.length as f64 } else { 1.0 };
        let has_mirror_image = self.is_inverse && self.is_onesided && place != 0 && place * 2 != self.length;
        if has_mirror_image { 2.0 * scale } else { scale }
    }

    /// The factor of part `part` of number `place` in part `to_part` of output `to`: of `(x + iy)(cos + i sin)`.
    fn factor(self, (to, to_part): (usize, usize), (place, part): (usize, usize)) -> f64 {
        // Turns around the circle do not change it, and would cost digits.
        let turn = (to as u128 * place as u128 % self.length as u128) as f64 / self.length as f64;
        let angle = if self.is_inverse { TAU * turn } else { -TAU * turn };
        let factor = match (to_part, part) {
            (0, 0) | (1, 1) => angle.cos(),
            (0, _) => -angle.sin(),
            _ => angle.sin(),
        };
        factor * self.weight(place)
    }

    /// The numbers that the sum goes over.
    fn used(self) -> usize {
        let all = if self.is_onesided && self.is_inverse {
            self.length / 2 + 1
        } else {
            self.length
        };
        self.given.min(all)
    }

    /// The weight `[outputs * parts, used * parts]` of a linear layer.
    fn weights(self, node: &mut Node<'_, '_>) -> Result<Value> {
        let ((outputs, output_parts), used) = (self.output(), self.used());
        let (rows, columns) = (outputs * output_parts, used * self.parts);
        node.budget().charge("the transform", rows.saturating_mul(columns), 4)?;
        let weights = ArrayD::from_shape_fn(IxDyn(&[rows, columns]), |at| {
            let (to, from) = (at[0], at[1]);
            let to = (to / output_parts, to % output_parts);
            self.factor(to, (from / self.parts, from % self.parts)) as f32
        });
        Ok(Value::Host(weights.into()))
    }

    /// Of an input `[.., length, parts]`.
    fn apply(self, node: &mut Node<'_, '_>, input: &Value) -> Result<Value> {
        let mut shape = input.shape().to_vec();
        let weights = self.weights(node)?;
        let at = shape.len() - 2;
        let input = if self.used() < shape[at] {
            let first = Slice::new([0], [self.used() as isize]).axes([at as isize]);
            node.emit(first, &[input])?
        } else {
            input.clone()
        };
        let rows = shape[..at].iter().product();
        let flat = node.reshape(&input, &signed(&[rows, self.used() * self.parts]))?;
        let product = node.emit(Linear, &[&flat, &weights])?;
        (shape[at], shape[at + 1]) = self.output();
        node.reshape(&product, &signed(&shape))
    }
}

/// The parts of the numbers of an input, which are its last dimension.
fn parts(input: &Value) -> Result<usize> {
    match input.shape() {
        [_, .., parts @ (1 | 2)] => Ok(*parts),
        shape => Err(Error::Onnx(format!(
            "an input of shape {shape:?}, but [.., 1] of real or [.., 2] of complex numbers is expected"
        ))),
    }
}

pub(super) fn dft(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let parts = parts(&input)?;
    let rank = input.shape().len();
    let axis = if node.opset() < 20 {
        node.int("axis", 1)?
    } else {
        one_number(node, 2)?.unwrap_or(-2)
    };
    let axis = shape::axis("onnx", axis as isize, rank)?;
    if axis + 1 == rank {
        return Err(Error::Onnx(format!("axis {axis} is that of real and imaginary parts")));
    }
    let given = input.shape()[axis];
    let (is_inverse, is_onesided) = (node.flag("inverse", false)?, node.flag("onesided", false)?);
    let default = match (is_inverse, is_onesided) {
        (true, true) => 2 * given.saturating_sub(1),
        _ => given,
    };
    let transform = Transform {
        length: length(one_number(node, 1)?, default)?,
        given,
        parts,
        is_inverse,
        is_onesided,
    };
    check_onesided(transform)?;
    let mut order: Vec<usize> = (0..rank).filter(|&other| other != axis && other + 1 != rank).collect();
    order.extend([axis, rank - 1]);
    let rows = node.emit(Transpose::new(signed(&order)), &[&input])?;
    let result = transform.apply(node, &rows)?;
    let mut back = vec![0; rank];
    for (place, &axis) in order.iter().enumerate() {
        back[axis] = place;
    }
    node.emit_one(Transpose::new(signed(&back)), &[&result])
}

/// Half a spectrum is that of real numbers.
fn check_onesided(transform: Transform) -> Result<()> {
    let wanted = if transform.is_inverse { 2 } else { 1 };
    if transform.is_onesided && transform.parts != wanted {
        return Err(Error::Onnx(format!(
            "one side of a spectrum of numbers of {} parts",
            transform.parts
        )));
    }
    Ok(())
}

/// A number that must be known now.
fn one_number(node: &Node<'_, '_>, index: usize) -> Result<Option<i64>> {
    match node.optional_host_ints(index)?.as_deref() {
        None => Ok(None),
        Some(&[number]) => Ok(Some(number)),
        Some(numbers) => Err(Error::Onnx(format!("input {index} must be one number, but is {numbers:?}"))),
    }
}

fn length(given: Option<i64>, default: usize) -> Result<usize> {
    let length = match given {
        None => default,
        Some(length) => usize::try_from(length).unwrap_or_default(),
    };
    if length == 0 {
        return Err(Error::Onnx(format!("a length of {}", given.unwrap_or_default())));
    }
    Ok(length)
}

/// Transforms of parts of a signal, each so many numbers after the last.
pub(super) fn stft(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let signal = node.input(0)?;
    let parts = parts(&signal)?;
    let &[batch, count, _] = signal.shape() else {
        return Err(Error::Onnx(format!(
            "a signal of shape {:?}, but it must have 3 dimensions",
            signal.shape()
        )));
    };
    let step = length(one_number(node, 1)?, 0)?;
    let window = node.optional(2);
    let window_length = window.as_ref().and_then(|window| window.shape().first().copied());
    let length = length(one_number(node, 3)?, window_length.unwrap_or(count))?;
    if length > count || window.as_ref().is_some_and(|window| window.shape() != [length]) {
        return Err(Error::Onnx(format!(
            "frames of {length} numbers of a signal of {count}, and a window of {window_length:?}"
        )));
    }
    let transform = Transform {
        length,
        given: length,
        parts,
        is_inverse: false,
        // There is no other side of complex numbers, and the default is 1 all the same.
        is_onesided: node.flag("onesided", true)? && parts == 1,
    };
    let frames = (count - length) / step + 1;
    node.budget()
        .charge("the places of frames", frames.saturating_mul(length), 8)?;
    let places: Array1<i64> = (0..frames)
        .flat_map(|frame| (0..length).map(move |place| (frame * step + place) as i64))
        .collect();
    let framed = node.emit(Gather::new(1), &[&signal, &Value::Host(places.into_dyn().into())])?;
    let mut framed = node.reshape(&framed, &signed(&[batch, frames, length, parts]))?;
    if let Some(window) = window {
        let window = node.reshape(&window, &signed(&[length, 1]))?;
        framed = node.emit(Binary::Mul, &[&framed, &window])?;
    }
    Ok(vec![transform.apply(node, &framed)?])
}
