//! What every operator of known values uses.

use ndarray::{ArrayD, IxDyn};

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value};
use crate::onnx::tensor;
use crate::shape;
use crate::tensor::{Element, SharedArray, Tensor};

pub(super) fn host(tensor: impl Into<Tensor>) -> Vec<Value> {
    vec![Value::Host(tensor.into())]
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
pub(super) fn wrong(error: ndarray::ShapeError) -> Error {
    Error::Onnx(error.to_string())
}

/// Charges a result of this shape, which may be computed in 64 bits.
pub(super) fn charge(node: &mut Node<'_, '_>, shape: &[usize]) -> Result<()> {
    let elements = tensor::element_count("a constant", shape)?;
    node.budget().charge("a constant", elements, 8)
}

/// Whole numbers of any type, as 64-bit ones.
pub(super) fn whole(what: &str, tensor: &Tensor) -> Result<SharedArray<i64>> {
    tensor::whole(tensor).ok_or_else(|| Error::Onnx(format!("{what} must be whole numbers, but they are {}", tensor.dtype())))
}

/// Whole numbers as those of a type, which must have them all: a shape that wraps around is nobody's intention.
pub(super) fn narrowed(array: ArrayD<i64>, dtype: DType) -> Result<Tensor> {
    if let Some((least, largest)) = dtype.range()
        && let Some(value) = array.iter().find(|value| !(least..=largest).contains(value))
    {
        return Err(Error::Onnx(format!("{value} is no {dtype}")));
    }
    Ok(wrapped(array, dtype))
}

/// Whole numbers as those of a type, of which each has the lowest bits; reals are rounded, and what is not 0 is true.
pub(in crate::onnx) fn wrapped(array: ArrayD<i64>, dtype: DType) -> Tensor {
    match dtype {
        DType::F32 => array.mapv(|value| value as f32).into(),
        DType::F16 => array.mapv(|value| half::f16::from_f32(value as f32)).into(),
        DType::I64 => array.into(),
        DType::I32 => array.mapv(|value| value as i32).into(),
        DType::U8 => array.mapv(|value| value as u8).into(),
        DType::I8 => array.mapv(|value| value as i8).into(),
        DType::Bool => array.mapv(|value| value != 0).into(),
    }
}

/// Two operands of one type.
pub(super) enum Pair {
    Real(SharedArray<f32>, SharedArray<f32>),
    Whole(SharedArray<i64>, SharedArray<i64>, DType),
    Bool(SharedArray<bool>, SharedArray<bool>),
}

impl Pair {
    pub(super) fn new(left: Tensor, right: Tensor) -> Result<Self> {
        let dtype = left.dtype();
        match (left, right) {
            (Tensor::F32(left), Tensor::F32(right)) => Ok(Self::Real(left, right)),
            (Tensor::Bool(left), Tensor::Bool(right)) => Ok(Self::Bool(left, right)),
            (left, right) => match (tensor::whole(&left), tensor::whole(&right)) {
                (Some(left), Some(right_numbers)) if right.dtype() == dtype => Ok(Self::Whole(left, right_numbers, dtype)),
                _ => Err(Error::Onnx(format!(
                    "expected two tensors of one type, but got {dtype} and {}",
                    right.dtype()
                ))),
            },
        }
    }
}

/// The shape that two inputs of a node broadcast to, whose elements are charged.
pub(super) fn broadcast_shape(node: &mut Node<'_, '_>, left: &Tensor, right: &Tensor) -> Result<Vec<usize>> {
    let shape = shape::broadcast("onnx", left.shape(), right.shape())?;
    charge(node, &shape)?;
    Ok(shape)
}

/// An operation of the elements of two tensors that broadcast to a shape.
pub(super) fn zip<L: Element, R: Element, T>(
    left: &SharedArray<L>,
    right: &SharedArray<R>,
    shape: &[usize],
    operation: impl Fn(L, R) -> Result<T>,
) -> Result<ArrayD<T>> {
    let (left, right) = (spread(left, shape)?, spread(right, shape)?);
    let mut results = Vec::with_capacity(left.len());
    for (&left, &right) in left.iter().zip(&right) {
        results.push(operation(left, right)?);
    }
    ArrayD::from_shape_vec(IxDyn(shape), results).map_err(wrong)
}

/// A view that repeats elements up to a shape.
pub(super) fn spread<'a, T: Element>(array: &'a SharedArray<T>, shape: &[usize]) -> Result<ndarray::ArrayViewD<'a, T>> {
    let unfit = || Error::Onnx(format!("{:?} does not expand to {shape:?}", array.shape()));
    array.broadcast(IxDyn(shape)).ok_or_else(unfit)
}

/// The place that an index means, counted from the end where it is negative.
pub(super) fn place(index: i64, extent: usize) -> Result<usize> {
    let counted = if index < 0 {
        index.saturating_add(extent as i64)
    } else {
        index
    };
    let place = usize::try_from(counted).ok().filter(|&place| place < extent);
    place.ok_or_else(|| Error::Onnx(format!("index {index} of {extent} elements")))
}
