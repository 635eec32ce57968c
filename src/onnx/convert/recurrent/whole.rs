//! A direction of a layer as one operator, where it is PyTorch's.

use super::layer::{Cell, Direction, Outcome, range};
use crate::error::Result;
use crate::onnx::convert::builder::{Value, signed};
use crate::onnx::convert::node::Node;
use crate::ops::{Recurrent, RecurrentCell, Unary};

impl Direction {
    /// The operator's cell, where it has everything that this direction asks for.
    pub(super) fn whole(&self) -> Option<RecurrentCell> {
        let has_more = self.clip.is_some() || self.peepholes.is_some() || self.lengths.is_some() || self.quantised.is_some();
        let functions: Vec<Option<Unary>> = self.activations.iter().map(|activation| activation.unary()).collect();
        match (self.cell, &functions[..]) {
            _ if has_more => None,
            (Cell::Lstm { is_coupled: false }, [Some(Unary::Sigmoid), Some(Unary::Tanh), Some(Unary::Tanh)]) => {
                Some(RecurrentCell::Lstm)
            }
            (Cell::Gru { is_linear_first: true }, [Some(Unary::Sigmoid), Some(Unary::Tanh)]) => Some(RecurrentCell::Gru),
            (Cell::Rnn, [Some(Unary::Tanh)]) => Some(RecurrentCell::Tanh),
            (Cell::Rnn, [Some(Unary::Relu)]) => Some(RecurrentCell::Relu),
            _ => None,
        }
    }

    pub(super) fn run_whole(&self, node: &mut Node<'_, '_>, cell: RecurrentCell) -> Result<Outcome> {
        let op = Recurrent::new(cell).reverse(self.is_reverse);
        let mut inputs = vec![&self.projected, &self.weight, &self.bias, &self.state];
        if cell == RecurrentCell::Lstm {
            inputs.push(&self.cell_state);
        }
        let mut outputs = node.emit_all(op, &inputs)?;
        let cell_state = if outputs.len() > 1 {
            outputs.remove(1)
        } else {
            self.cell_state.clone()
        };
        let output = outputs.swap_remove(0);
        let state = if node.is_used(1) {
            let last = if self.is_reverse { 0 } else { output.shape()[0] - 1 };
            let last = range(node, &output, 0, last, 1)?;
            let shape = signed(&output.shape()[1..]);
            node.reshape(&last, &shape)?
        } else {
            Value::Missing(String::new())
        };
        Ok(Outcome {
            output,
            state,
            cell_state,
        })
    }
}
