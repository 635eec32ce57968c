//! Determinants of small matrices.

use super::builder::{Value, signed};
use super::node::{Node, unsupported};
use crate::error::{Error, Result};
use crate::ops::{Binary, Slice};

/// The largest matrices, whose determinants have 24 products.
const LARGEST: usize = 4;

/// By cofactors along the first row: for matrices this small as exact as by elimination, and without a choice of pivots.
pub(super) fn determinant(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let &[ref batch @ .., rows, columns] = input.shape() else {
        return Err(Error::Onnx(format!("expected matrices, but got shape {:?}", input.shape())));
    };
    if rows != columns {
        return Err(Error::Onnx(format!("expected square matrices, but got {rows} x {columns}")));
    }
    if rows == 0 || rows > LARGEST {
        return Err(unsupported(format!(
            "of {rows} x {columns} matrices: 1 x 1 to {LARGEST} x {LARGEST} only"
        )));
    }
    let batch = signed(batch);
    let left: Vec<usize> = (0..columns).collect();
    let result = minor(node, &input, rows, &left)?;
    Ok(vec![node.reshape(&result, &batch)?])
}

/// The determinant of the last rows, as many as columns are left.
fn minor(node: &mut Node<'_, '_>, input: &Value, size: usize, left: &[usize]) -> Result<Value> {
    let mut total: Option<Value> = None;
    for (index, &column) in left.iter().enumerate() {
        let row = size - left.len();
        let first = [row, column].map(|place| place as isize);
        let entry = node.emit(Slice::new(first, first.map(|place| place + 1)).axes([-2, -1]), &[input])?;
        if left.len() == 1 {
            return Ok(entry);
        }
        let others: Vec<usize> = left.iter().copied().filter(|&other| other != column).collect();
        let rest = minor(node, input, size, &others)?;
        let product = node.emit(Binary::Mul, &[&entry, &rest])?;
        total = Some(match total {
            None => product,
            Some(total) if index % 2 == 1 => node.emit(Binary::Sub, &[&total, &product])?,
            Some(total) => node.emit(Binary::Add, &[&total, &product])?,
        });
    }
    total.ok_or_else(|| Error::Onnx("a determinant of nothing".to_owned()))
}
