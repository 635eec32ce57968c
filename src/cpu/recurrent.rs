//! Recurrent layers: for each step a fully connected layer of the state, and what the cell makes of it.

use pulp::{Simd, WithSimd};

use super::epilogue::Epilogue;
use super::linear::linear;
use super::math::{sigmoid, tanh};
use super::operand::Operand;
use super::vectors::dispatch;
use crate::cancel;
use crate::ops::{Recurrent, RecurrentCell};

/// Fills the output and gives the cell's state, which LSTM alone has.
pub(super) fn recurrent(op: Recurrent, inputs: &[Operand<'_>], output: &mut [f32]) -> Vec<f32> {
    let [projected, weight, bias, initial] = [&inputs[0], &inputs[1], &inputs[2], &inputs[3]];
    let extents = Recurrent::extents(projected.shape, initial.shape);
    let (size, rows) = (extents.batch * extents.hidden, op.cell.gates() * extents.hidden);
    let mut cell_state = inputs.get(4).map(|cell_state| cell_state.data.to_vec()).unwrap_or_default();
    if size == 0 {
        return cell_state;
    }
    let epilogue = Epilogue {
        bias: Some(bias.data),
        by_column: true,
        ..Epilogue::default()
    };
    let mut state = initial.data.to_vec();
    let mut of_state = vec![0.0; extents.batch * rows];
    for step in op.order(extents.steps) {
        if cancel::is_over() {
            break;
        }
        linear(&state, weight, None, &epilogue, &mut of_state);
        let projected = &projected.data[step * of_state.len()..][..of_state.len()];
        for (n, (of_input, of_state)) in projected.chunks_exact(rows).zip(of_state.chunks_exact(rows)).enumerate() {
            let own = n * extents.hidden..(n + 1) * extents.hidden;
            let state = &mut state[own.clone()];
            let cell_state = cell_state.get_mut(own).unwrap_or_default();
            dispatch(Gates {
                cell: op.cell,
                of_input,
                of_state,
                state,
                cell_state,
            });
        }
        output[step * size..][..size].copy_from_slice(&state);
    }
    cell_state
}

/// One step of an element of the batch.
struct Gates<'a> {
    cell: RecurrentCell,
    of_input: &'a [f32],
    of_state: &'a [f32],
    state: &'a mut [f32],
    cell_state: &'a mut [f32],
}

impl WithSimd for Gates<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            cell,
            of_input,
            of_state,
            state,
            cell_state,
        } = self;
        let hidden = state.len();
        let gate = |gate: usize| {
            let own = gate * hidden..(gate + 1) * hidden;
            of_input[own.clone()].iter().zip(&of_state[own])
        };
        let sum = |(x, s): (&f32, &f32)| x + s;
        match cell {
            RecurrentCell::Lstm => {
                let gates = gate(0)
                    .map(sum)
                    .zip(gate(1).map(sum))
                    .zip(gate(2).map(sum).zip(gate(3).map(sum)));
                for ((state, cell_state), ((input, output), (forget, new))) in state.iter_mut().zip(cell_state).zip(gates) {
                    *cell_state = sigmoid::<S>(forget) * *cell_state + sigmoid::<S>(input) * tanh::<S>(new);
                    *state = sigmoid::<S>(output) * tanh::<S>(*cell_state);
                }
            }
            RecurrentCell::Gru => {
                let gates = gate(0).map(sum).zip(gate(1).map(sum)).zip(gate(2));
                for (state, ((update, reset), (x, s))) in state.iter_mut().zip(gates) {
                    let update = sigmoid::<S>(update);
                    let new = tanh::<S>(x + sigmoid::<S>(reset) * s);
                    *state = (1.0 - update) * new + update * *state;
                }
            }
            RecurrentCell::Tanh => {
                for (state, x) in state.iter_mut().zip(gate(0).map(sum)) {
                    *state = tanh::<S>(x);
                }
            }
            RecurrentCell::Relu => {
                for (state, x) in state.iter_mut().zip(gate(0).map(sum)) {
                    // NaN stays.
                    *state = if x < 0.0 { 0.0 } else { x };
                }
            }
        }
    }
}
