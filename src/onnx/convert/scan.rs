//! `Scan` and `SequenceMap`: a graph for each step along an axis, or for each tensor of a sequence. How many there are is known from
//! shapes, so that all are converted one after another.

use super::builder::{Builder, Value, signed};
use super::nested::Nested;
use super::node::unsupported;
use super::subgraph::{attribute, missing, run, stacked};
use crate::error::{Error, Result};
use crate::onnx::proto::{GraphProto, NodeProto};
use crate::ops::{Reshape, Slice};
use crate::shape::axis;

/// What a `Scan` goes along: its body, and how each input is taken apart and each output put together.
struct Steps<'m> {
    node: &'m NodeProto,
    body: &'m GraphProto,
    /// How many of the inputs and outputs are carried from step to step.
    states: usize,
    input_axes: Vec<i64>,
    input_directions: Vec<i64>,
    output_axes: Vec<i64>,
    output_directions: Vec<i64>,
}

/// The body, step by step. In opset 8 there is a batch before the steps' axis, and an input of lengths before the others.
pub(super) fn scan<'m>(
    conversion: &mut dyn Nested<'m>,
    builder: &mut Builder<'m>,
    node: &'m NodeProto,
    inputs: &[Option<Value>],
) -> Result<Vec<Value>> {
    let body = attribute(node, "body")?;
    let is_batched = builder.model.opset < 9;
    let inputs = if is_batched {
        inputs.get(1..).unwrap_or_default()
    } else {
        inputs
    };
    if is_batched && node.input.first().is_some_and(|lengths| !lengths.is_empty()) {
        return Err(unsupported("lengths of the sequences in a batch"));
    }
    let inputs: Vec<Value> = inputs.iter().flatten().cloned().collect();
    let scanned = node.attribute.iter().find(|attribute| attribute.name == "num_scan_inputs");
    let scanned = usize::try_from(scanned.map_or(0, |attribute| attribute.i)).unwrap_or_default();
    let states = inputs.len().checked_sub(scanned).filter(|_| scanned > 0);
    let states = states.ok_or_else(|| Error::Onnx(format!("{scanned} of {} inputs to be scanned", inputs.len())))?;
    let outputs = body.output.len().checked_sub(states);
    let outputs = outputs.ok_or_else(|| Error::Onnx(format!("a body of {} outputs for {states} states", body.output.len())))?;
    let directions = if is_batched { "directions" } else { "scan_input_directions" };
    let steps = Steps {
        node,
        body,
        states,
        input_axes: list(node, "scan_input_axes", scanned)?,
        input_directions: list(node, directions, scanned)?,
        output_axes: list(node, "scan_output_axes", outputs)?,
        output_directions: list(node, "scan_output_directions", outputs)?,
    };
    if is_batched {
        steps.of_batch(conversion, builder, &inputs)
    } else {
        steps.run(conversion, builder, inputs)
    }
}

/// As many numbers as expected, zeros where there is no such attribute.
fn list(node: &NodeProto, name: &str, expected: usize) -> Result<Vec<i64>> {
    let Some(attribute) = node.attribute.iter().find(|attribute| attribute.name == name) else {
        return Ok(vec![0; expected]);
    };
    if attribute.ints.len() != expected {
        return Err(Error::Onnx(format!(
            "attribute {name:?} has {} numbers, but {expected} are expected",
            attribute.ints.len()
        )));
    }
    Ok(attribute.ints.clone())
}

impl<'m> Steps<'m> {
    /// Each element of the batch by itself.
    fn of_batch(&self, conversion: &mut dyn Nested<'m>, builder: &mut Builder<'m>, inputs: &[Value]) -> Result<Vec<Value>> {
        let batch = inputs[0].shape().first().copied().unwrap_or_default();
        let mut rows: Vec<Vec<Value>> = vec![Vec::new(); self.body.output.len()];
        for element in 0..batch {
            let own = inputs.iter().map(|input| part(builder, self.node, input, 0, element));
            let own = own.collect::<Result<Vec<_>>>()?;
            for (rows, row) in rows.iter_mut().zip(self.run(conversion, builder, own)?) {
                rows.push(row);
            }
        }
        rows.iter().map(|rows| stacked(builder, self.node, rows, 0)).collect()
    }

    fn run(&self, conversion: &mut dyn Nested<'m>, builder: &mut Builder<'m>, mut states: Vec<Value>) -> Result<Vec<Value>> {
        let scanned = states.split_off(self.states);
        let mut extents = Vec::new();
        for (input, &at) in scanned.iter().zip(&self.input_axes) {
            extents.push(input.shape()[axis("onnx", at as isize, input.shape().len())?]);
        }
        let steps = extents[0];
        if extents.iter().any(|&extent| extent != steps) {
            return Err(Error::Onnx(format!("inputs of {extents:?} steps")));
        }
        let mut rows: Vec<Vec<Value>> = vec![Vec::new(); self.output_axes.len()];
        for step in 0..steps {
            for (input, (&at, &direction)) in scanned.iter().zip(self.input_axes.iter().zip(&self.input_directions)) {
                let place = if direction == 0 { step } else { steps - 1 - step };
                states.push(part(builder, self.node, input, at as isize, place)?);
            }
            states = run(conversion, builder, self.body, states)?;
            for (rows, row) in rows.iter_mut().zip(states.drain(self.states..)) {
                rows.push(row);
            }
        }
        for (mut rows, (&at, &direction)) in rows.into_iter().zip(self.output_axes.iter().zip(&self.output_directions)) {
            if direction != 0 {
                rows.reverse();
            }
            states.push(stacked(builder, self.node, &rows, at as isize)?);
        }
        Ok(states)
    }
}

/// What lies at a place along an axis, without the axis.
fn part(builder: &mut Builder<'_>, node: &NodeProto, value: &Value, at: isize, place: usize) -> Result<Value> {
    let at = axis("onnx", at, value.shape().len())?;
    let name = node.output.first().map_or("", String::as_str);
    let mut shape = signed(value.shape());
    shape.remove(at);
    let slice = Slice::new([place as isize], [place as isize + 1]).axes([at as isize]);
    let part = builder.emit(name, slice.into(), &[value])?;
    builder.emit(name, Reshape::new(shape).into(), &[&part])
}

/// The body for each tensor of a sequence, with those at the same place of other sequences, and with tensors as they are.
pub(super) fn sequence_map<'m>(
    conversion: &mut dyn Nested<'m>,
    builder: &mut Builder<'m>,
    node: &'m NodeProto,
    inputs: &[Option<Value>],
) -> Result<Vec<Value>> {
    let body = attribute(node, "body")?;
    let inputs: Vec<Value> = inputs.iter().flatten().cloned().collect();
    let Some(Value::Sequence(first)) = inputs.first() else {
        return Err(missing("the sequence"));
    };
    let mut sequences: Vec<Vec<Value>> = vec![Vec::new(); body.output.len()];
    for place in 0..first.len() {
        let of_place = |input: &Value| match input {
            Value::Sequence(values) if values.len() != first.len() => Err(Error::Onnx(format!(
                "sequences of {} and of {} tensors",
                first.len(),
                values.len()
            ))),
            Value::Sequence(values) => Ok(values[place].clone()),
            other => Ok(other.clone()),
        };
        let arguments = inputs.iter().map(of_place).collect::<Result<Vec<_>>>()?;
        let outputs = run(conversion, builder, body, arguments)?;
        for (sequence, value) in sequences.iter_mut().zip(outputs) {
            sequence.push(value);
        }
    }
    Ok(sequences.into_iter().map(Value::Sequence).collect())
}
