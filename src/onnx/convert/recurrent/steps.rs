//! A direction of a layer, unrolled: a few nodes for each step.

use ndarray::arr0;

use super::layer::{Cell, Direction, Outcome, range};
use crate::error::Result;
use crate::onnx::convert::activation::number;
use crate::onnx::convert::builder::Value;
use crate::onnx::convert::movement::joined;
use crate::onnx::convert::node::{Node, unsupported};
use crate::ops::{Binary, Linear, Ternary, Unary};

/// The most steps that are unrolled.
const MOST_STEPS: usize = 2048;

pub(super) fn run(node: &mut Node<'_, '_>, direction: &Direction) -> Result<Outcome> {
    let (steps, batch) = (direction.projected.shape()[0], direction.projected.shape()[1]);
    if steps > MOST_STEPS {
        return Err(unsupported(format!("{steps} steps: {MOST_STEPS} are the most")));
    }
    let [mut state, mut cell_state] = [&direction.state, &direction.cell_state].map(Clone::clone);
    let mut outputs = vec![state.clone(); steps];
    let mut order: Vec<usize> = (0..steps).collect();
    if direction.is_reverse {
        order.reverse();
    }
    for step in order {
        let own = range(node, &direction.projected, 0, step, 1)?;
        let own = node.reshape(&own, &[batch as isize, -1])?;
        let (next, next_cell) = match direction.cell {
            Cell::Lstm { is_coupled } => direction.lstm(node, is_coupled, &own, &state, &cell_state)?,
            Cell::Gru { is_linear_first } => (direction.gru(node, is_linear_first, &own, &state)?, cell_state.clone()),
            Cell::Rnn => (direction.rnn(node, &own, &state)?, cell_state.clone()),
        };
        let Some(lengths) = &direction.lengths else {
            outputs[step] = next.clone();
            (state, cell_state) = (next, next_cell);
            continue;
        };
        // An element of the batch that has no such step keeps its state, and gives zeros.
        let step_number = Value::Host(arr0(step as i32).into_dyn().into());
        let goes_on = node.emit(Binary::Less, &[&step_number, lengths])?;
        let goes_on = node.reshape(&goes_on, &[batch as isize, 1])?;
        outputs[step] = node.emit(Ternary::Where, &[&goes_on, &next, &number(0.0)])?;
        state = node.emit(Ternary::Where, &[&goes_on, &next, &state])?;
        if matches!(direction.cell, Cell::Lstm { .. }) {
            cell_state = node.emit(Ternary::Where, &[&goes_on, &next_cell, &cell_state])?;
        }
    }
    Ok(Outcome {
        output: joined(node, outputs.iter(), 0)?,
        state,
        cell_state,
    })
}

impl Direction {
    fn lstm(
        &self,
        node: &mut Node<'_, '_>,
        is_coupled: bool,
        own: &Value,
        state: &Value,
        cell_state: &Value,
    ) -> Result<(Value, Value)> {
        let of_state = match &self.quantised {
            Some(weight) => weight.product(node, state, &self.bias)?,
            None => node.emit(Linear, &[state, &self.weight, &self.bias])?,
        };
        let gates = node.emit(Binary::Add, &[own, &of_state])?;
        let input = self.peep(node, &gates, 0, 0, cell_state)?;
        let input = self.activated(node, 0, &input)?;
        let forget = if is_coupled {
            node.emit(Binary::Sub, &[&number(1.0), &input])?
        } else {
            let forget = self.peep(node, &gates, 2, 2, cell_state)?;
            self.activated(node, 0, &forget)?
        };
        let new = self.gate(node, &gates, 3)?;
        let new = self.activated(node, 1, &new)?;
        let kept = node.emit(Binary::Mul, &[&forget, cell_state])?;
        let added = node.emit(Binary::Mul, &[&input, &new])?;
        let next_cell = node.emit(Binary::Add, &[&kept, &added])?;
        let output = self.peep(node, &gates, 1, 1, &next_cell)?;
        let output = self.activated(node, 0, &output)?;
        // Gates are clipped; the cell's state is not, as in ONNX Runtime.
        let seen = self.activations[2].emit(node, &next_cell)?;
        Ok((node.emit(Binary::Mul, &[&output, &seen])?, next_cell))
    }

    fn gru(&self, node: &mut Node<'_, '_>, is_linear_first: bool, own: &Value, state: &Value) -> Result<Value> {
        let hidden = self.hidden;
        let of_state = if is_linear_first {
            node.emit(Linear, &[state, &self.weight, &self.bias])?
        } else {
            let weight = range(node, &self.weight, 0, 0, 2 * hidden)?;
            let bias = range(node, &self.bias, 0, 0, 2 * hidden)?;
            node.emit(Linear, &[state, &weight, &bias])?
        };
        let gate = |node: &mut Node<'_, '_>, gate: usize| {
            let (own, of_state) = (self.gate(node, own, gate)?, self.gate(node, &of_state, gate)?);
            let sum = node.emit(Binary::Add, &[&own, &of_state])?;
            self.activated(node, 0, &sum)
        };
        let (update, reset) = (gate(node, 0)?, gate(node, 1)?);
        let share = if is_linear_first {
            let of_state = self.gate(node, &of_state, 2)?;
            node.emit(Binary::Mul, &[&reset, &of_state])?
        } else {
            let weight = range(node, &self.weight, 0, 2 * hidden, hidden)?;
            let bias = range(node, &self.bias, 0, 2 * hidden, hidden)?;
            let kept = node.emit(Binary::Mul, &[&reset, state])?;
            node.emit(Linear, &[&kept, &weight, &bias])?
        };
        let own = self.gate(node, own, 2)?;
        let new = node.emit(Binary::Add, &[&own, &share])?;
        let new = self.activated(node, 1, &new)?;
        let rest = node.emit(Binary::Sub, &[&number(1.0), &update])?;
        let added = node.emit(Binary::Mul, &[&rest, &new])?;
        let kept = node.emit(Binary::Mul, &[&update, state])?;
        node.emit(Binary::Add, &[&added, &kept])
    }

    fn rnn(&self, node: &mut Node<'_, '_>, own: &Value, state: &Value) -> Result<Value> {
        let of_state = node.emit(Linear, &[state, &self.weight, &self.bias])?;
        let sum = node.emit(Binary::Add, &[own, &of_state])?;
        self.activated(node, 0, &sum)
    }

    /// What all gates' columns have for one.
    fn gate(&self, node: &mut Node<'_, '_>, gates: &Value, gate: usize) -> Result<Value> {
        range(node, gates, 1, gate * self.hidden, self.hidden)
    }

    /// A gate with what it sees of the cell's state.
    fn peep(&self, node: &mut Node<'_, '_>, gates: &Value, gate: usize, peephole: usize, cell_state: &Value) -> Result<Value> {
        let own = self.gate(node, gates, gate)?;
        let Some(peepholes) = &self.peepholes else {
            return Ok(own);
        };
        let weight = range(node, peepholes, 0, peephole * self.hidden, self.hidden)?;
        let seen = node.emit(Binary::Mul, &[&weight, cell_state])?;
        node.emit(Binary::Add, &[&own, &seen])
    }

    fn activated(&self, node: &mut Node<'_, '_>, function: usize, input: &Value) -> Result<Value> {
        let clipped = match self.clip {
            Some(clip) => node.emit(Unary::Clamp { min: -clip, max: clip }, &[input])?,
            None => input.clone(),
        };
        self.activations[function].emit(node, &clipped)
    }
}
