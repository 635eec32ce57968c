//! Weights of 8 bits, by which rows are multiplied that are quantised themselves while the network runs.

use super::layer::range;
use crate::dtype::DType;
use crate::error::Result;
use crate::onnx::convert::builder::Value;
use crate::onnx::convert::node::Node;
use crate::onnx::convert::quantize::{Dynamic, centred, dynamic};
use crate::ops::{Binary, Cast, MatMulInteger};

/// A matrix of one direction.
pub(super) struct Quantised {
    /// Without the zero point: `[inputs, gates * hidden]`.
    numbers: Value,
    /// One, or one for each column.
    scale: Value,
}

impl Quantised {
    /// Of the inputs of these indices the scale and the zero point: `[directions]`, or `[directions, gates * hidden]`.
    pub(super) fn read(node: &mut Node<'_, '_>, weight: &Value, direction: usize, [scale, zero_point]: [usize; 2]) -> Result<Self> {
        let (scale, zero_point) = (node.input(scale)?, node.optional(zero_point));
        let mut own = |value: &Value| {
            let own = range(node, value, 0, direction, 1)?;
            node.reshape(&own, &[-1])
        };
        let scale = own(&scale)?;
        let zero_point = zero_point.map(|zero_point| own(&zero_point)).transpose()?;
        Ok(Self {
            numbers: centred(node, weight, zero_point.as_ref())?,
            scale,
        })
    }

    /// Rows of reals, quantised all together, times the matrix, and a bias.
    pub(super) fn product(&self, node: &mut Node<'_, '_>, rows: &Value, bias: &Value) -> Result<Value> {
        let Dynamic { by, numbers } = dynamic(node, rows)?;
        let rows = centred(node, &numbers, by.zero_point.as_ref())?;
        let sums = node.emit(MatMulInteger, &[&rows, &self.numbers])?;
        let sums = node.emit(Cast::new(DType::F32), &[&sums])?;
        let row_scale = node.reshape(&by.scale, &[1])?;
        let factor = node.emit(Binary::Mul, &[&row_scale, &self.scale])?;
        let product = node.emit(Binary::Mul, &[&sums, &factor])?;
        node.emit(Binary::Add, &[&product, bias])
    }
}
