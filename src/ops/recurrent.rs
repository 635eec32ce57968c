//! Recurrent layers: steps one after another, each from the state that the one before it left.

use super::operator::Operator;
use crate::error::{Error, Result, ensure};
use crate::shape;

/// What a step of a [`Recurrent`] layer makes of `x`, the input's share of its gates, and of `s = weight * h + bias`, the state's.
/// Gates stand in ONNX's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecurrentCell {
    /// `torch.nn.LSTM`: with the gates `i`, `o` and `f = sigmoid(x + s)` and `g = tanh(x + s)`, in this order, the cell's state
    /// becomes `c = f * c + i * g`, and `h = o * tanh(c)`.
    Lstm,
    /// `torch.nn.GRU`: with the gates `z` and `r = sigmoid(x + s)` and `n = tanh(x + r * s)`, in this order,
    /// `h = (1 - z) * n + z * h`. In ONNX's terms it is linear before reset.
    Gru,
    /// `torch.nn.RNN`: `h = tanh(x + s)`.
    Tanh,
    /// `torch.nn.RNN` with ReLU: `h = relu(x + s)`.
    Relu,
}

impl RecurrentCell {
    /// How many gates it has.
    pub fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
            Self::Tanh | Self::Relu => 1,
        }
    }

    /// PyTorch's name.
    fn name(self) -> &'static str {
        match self {
            Self::Lstm => "lstm",
            Self::Gru => "gru",
            Self::Tanh => "rnn_tanh",
            Self::Relu => "rnn_relu",
        }
    }
}

/// One direction of a layer of `torch.nn.LSTM`, `GRU` or `RNN`, once its input is projected to the gates of all steps, by a
/// [`Linear`](super::Linear) with `weight_ih` and `bias_ih`.
///
/// Inputs: what is projected `[L, N, gates * H]`, the weight of the state `[gates * H, H]` and its bias `[gates * H]` (`weight_hh` and
/// `bias_hh`), the state before the first step `[N, H]`, and for [`RecurrentCell::Lstm`] the cell's state `[N, H]`. Outputs: the state
/// after each step `[L, N, H]`, and for LSTM the cell's state after all of them `[N, H]`. In reverse the last step comes first.
///
/// ```
/// use convoke::ops::{Recurrent, RecurrentCell};
/// let layer = Recurrent::new(RecurrentCell::Gru);
/// let outputs = layer.layer_shapes(&[&[7, 2, 15], &[15, 5], &[15], &[2, 5]])?;
/// assert_eq!(outputs, [[7, 2, 5]]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: shapes that do not belong together; no steps, or nothing in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Recurrent {
    /// What each step computes.
    pub cell: RecurrentCell,
    /// Whether the last step comes first.
    pub reverse: bool,
}

/// The extents of a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecurrentExtents {
    pub(crate) steps: usize,
    pub(crate) batch: usize,
    pub(crate) hidden: usize,
}

impl Recurrent {
    /// From the first step to the last.
    pub const fn new(cell: RecurrentCell) -> Self {
        Self { cell, reverse: false }
    }

    /// Sets whether the last step comes first.
    pub const fn reverse(mut self, reverse: bool) -> Self {
        self.reverse = reverse;
        self
    }

    /// Checks the shapes of all inputs and gives those of the outputs.
    pub fn layer_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        let name = self.cell.name();
        let (&[projected, weight, bias, state], cell_state) =
            (inputs.first_chunk().ok_or_else(|| self.too_few(inputs))?, inputs.get(4));
        let (&[steps, batch, rows], &[_, hidden]) = (projected, weight) else {
            return Err(Error::invalid(
                name,
                format!("expected an input [L, N, gates * H] and a weight [gates * H, H], but got {projected:?} and {weight:?}"),
            ));
        };
        ensure!(
            steps > 0 && hidden > 0,
            name,
            "expected steps and a state, but got {steps} steps with {hidden} elements of state"
        );
        let gates = self.cell.gates();
        ensure!(
            hidden.checked_mul(gates) == Some(rows),
            name,
            "an input of shape {projected:?} has {gates} gates of {hidden} elements: expected {gates} * {hidden} in its last axis"
        );
        for (what, given, expected) in [
            ("weight", weight, &[rows, hidden][..]),
            ("bias", bias, &[rows]),
            ("state", state, &[batch, hidden]),
            ("cell's state", cell_state.copied().unwrap_or(state), &[batch, hidden]),
        ] {
            ensure!(
                given == expected,
                name,
                "{what} must have shape {expected:?}, but got {given:?}"
            );
        }
        shape::element_count(name, projected)?;
        let mut outputs = vec![vec![steps, batch, hidden]];
        if self.cell == RecurrentCell::Lstm {
            outputs.push(vec![batch, hidden]);
        }
        Ok(outputs)
    }

    fn too_few(&self, inputs: &[&[usize]]) -> Error {
        Error::invalid(
            self.cell.name(),
            format!("expected at least 4 inputs, but got {}", inputs.len()),
        )
    }

    /// The extents, of shapes that were checked.
    pub(crate) fn extents(projected: &[usize], state: &[usize]) -> RecurrentExtents {
        RecurrentExtents {
            steps: projected[0],
            batch: projected[1],
            hidden: state[1],
        }
    }

    /// The numbers of the steps in their order.
    pub(crate) fn order(self, steps: usize) -> impl Iterator<Item = usize> {
        (0..steps).map(move |step| if self.reverse { steps - 1 - step } else { step })
    }
}

impl Operator for Recurrent {
    fn name(&self) -> &'static str {
        self.cell.name()
    }

    fn arity(&self) -> (usize, usize) {
        let inputs = if self.cell == RecurrentCell::Lstm { 5 } else { 4 };
        (inputs, inputs)
    }

    fn output_count(&self) -> usize {
        if self.cell == RecurrentCell::Lstm { 2 } else { 1 }
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        self.layer_shapes(inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Op;

    #[test]
    fn refusals_carry_the_numbers() {
        let gru = Recurrent::new(RecurrentCell::Gru);
        for (inputs, words) in [
            (
                &[&[7, 2, 15][..], &[15, 5], &[15], &[2, 4]][..],
                "state must have shape [2, 5], but got [2, 4]",
            ),
            (&[&[7, 2, 15], &[14, 5], &[15], &[2, 5]], "weight must have shape [15, 5]"),
            (&[&[7, 2, 15], &[15, 5], &[5], &[2, 5]], "bias must have shape [15]"),
            (&[&[7, 2, 20], &[20, 5], &[20], &[2, 5]], "expected 3 * 5 in its last axis"),
            (&[&[0, 2, 15], &[15, 5], &[15], &[2, 5]], "0 steps with 5 elements"),
            (&[&[7, 15], &[15, 5], &[15], &[2, 5]], "but got [7, 15] and [15, 5]"),
            (&[&[7, 2, 15], &[15, 5], &[15]], "gru: expected 4 to 4 inputs"),
        ] {
            let message = Op::from(gru).output_shapes(inputs).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
        let lstm = Op::from(Recurrent::new(RecurrentCell::Lstm));
        let shapes: [&[usize]; 5] = [&[7, 2, 20], &[20, 5], &[20], &[2, 5], &[3, 5]];
        let message = lstm.output_shapes(&shapes).unwrap_err().to_string();
        assert!(
            message.contains("cell's state must have shape [2, 5], but got [3, 5]"),
            "{message}"
        );
        assert_eq!(
            gru.layer_shapes(&[&[7, 0, 15], &[15, 5], &[15], &[0, 5]]).unwrap(),
            [[7, 0, 5]]
        );
    }
}
