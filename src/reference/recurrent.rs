//! Recurrent layers by their definition. Errors go from step to step: what a step inherits is at most what the functions' slopes
//! make of it, 1/4 of sigmoid's and 1 of tanh's, and never more than the whole range of a gate.

use ndarray::{Array2, Array3, Ix1, Ix2, Ix3};

use super::answer::Answer;
use super::number::{Number, Sum, ULP};
use super::unary::of_float;
use crate::error::{Error, Result};
use crate::ops::{Recurrent, RecurrentCell, Unary};

pub(super) fn recurrent(op: Recurrent, inputs: &[&Answer]) -> Result<Vec<Answer>> {
    let [projected, weight, bias, state] = [inputs[0], inputs[1], inputs[2], inputs[3]];
    let (projected, weight) = (projected.view::<Ix3>()?, weight.view::<Ix2>()?);
    let (bias, initial) = (bias.view::<Ix1>()?, state.view::<Ix2>()?);
    let (steps, _, _) = projected.dim();
    let (batch, hidden) = initial.dim();
    let mut state = Array2::from_shape_fn((batch, hidden), |place| initial.at(place));
    let mut cell_state = match inputs.get(4) {
        Some(cell_state) => {
            let cell_state = cell_state.view::<Ix2>()?;
            Array2::from_shape_fn((batch, hidden), |place| cell_state.at(place))
        }
        None => Array2::from_elem((batch, hidden), Number::ZERO),
    };
    let mut output = Array3::from_elem((steps, batch, hidden), Number::ZERO);
    for step in 0..steps {
        let step = if op.reverse { steps - 1 - step } else { step };
        let before = state.clone();
        for ((n, unit), next) in state.indexed_iter_mut() {
            let of_input = |gate: usize| projected.at([step, n, gate * hidden + unit]);
            let of_state = |gate: usize| {
                let row = gate * hidden + unit;
                let mut sum = Sum::default();
                for k in 0..hidden {
                    sum.add_product(weight.at([row, k]), before[[n, k]]);
                }
                sum.add(bias.at(row));
                sum
            };
            let gate = |gate: usize| {
                let mut sum = of_state(gate);
                sum.add(of_input(gate));
                sum.total()
            };
            *next = match op.cell {
                RecurrentCell::Lstm => {
                    let [input, output, forget] = [sigmoid(gate(0))?, sigmoid(gate(1))?, sigmoid(gate(2))?];
                    let mut sum = Sum::default();
                    sum.add_product(forget, cell_state[[n, unit]]);
                    sum.add_product(input, tanh(gate(3))?);
                    cell_state[[n, unit]] = sum.total();
                    product(output, tanh(sum.total())?)
                }
                RecurrentCell::Gru => {
                    let (update, reset) = (sigmoid(gate(0))?, sigmoid(gate(1))?);
                    let mut sum = Sum::default();
                    sum.add(of_input(2));
                    sum.add_product(reset, of_state(2).total());
                    let new = tanh(sum.total())?;
                    let mut rest = Sum::default();
                    rest.add(Number::exact(1.0));
                    rest.add(Number::new(-update.value, update.bound));
                    let mut sum = Sum::default();
                    sum.add_product(rest.total(), new);
                    sum.add_product(update, before[[n, unit]]);
                    sum.total()
                }
                RecurrentCell::Tanh => tanh(gate(0))?,
                RecurrentCell::Relu => function(Unary::Relu, gate(0))?,
            };
            output[[step, n, unit]] = *next;
        }
    }
    let mut outputs = vec![Answer::from(output)];
    if op.cell == RecurrentCell::Lstm {
        outputs.push(cell_state.into());
    }
    Ok(outputs)
}

fn product(left: Number, right: Number) -> Number {
    let mut sum = Sum::default();
    sum.add_product(left, right);
    sum.total()
}

fn function(function: Unary, x: Number) -> Result<Number> {
    of_float(function, x).ok_or_else(|| Error::Internal(format!("{} of floats", function.name())))
}

fn sigmoid(x: Number) -> Result<Number> {
    Ok(within(0.0, function(Unary::Sigmoid, x)?))
}

fn tanh(x: Number) -> Result<Number> {
    Ok(within(-1.0, function(Unary::Tanh, x)?))
}

/// No implementation leaves the range of such a function, which ends at 1, but by its own rounding.
fn within(least: f64, x: Number) -> Number {
    let farthest = (x.value - least).max(1.0 - x.value) + 32.0 * ULP;
    Number::new(x.value, x.bound.min(farthest))
}
