//! What a recurrent node says of its layer: directions, sizes, weights, and how its outputs lie.

use ndarray::ArrayD;

use super::activation::{Activation, activations};
use super::quantised::Quantised;
use super::steps;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::onnx::convert::builder::{Value, signed};
use crate::onnx::convert::movement::joined;
use crate::onnx::convert::node::{Node, unsupported};
use crate::ops::{Cast, Linear, Slice, Transpose, Unary};

/// What a step computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Gates: input, output, forget, cell.
    Lstm {
        /// Whether the forget gate is `1 - input`.
        is_coupled: bool,
    },
    /// Gates: update, reset, hidden.
    Gru {
        /// Whether the reset gate is applied to the product with the state, and not to the state.
        is_linear_first: bool,
    },
    Rnn,
}

impl Cell {
    fn gates(self) -> usize {
        match self {
            Self::Lstm { .. } => 4,
            Self::Gru { .. } => 3,
            Self::Rnn => 1,
        }
    }

    /// The functions that are meant where none are named.
    fn activations(self) -> &'static [Unary] {
        match self {
            Self::Lstm { .. } => &[Unary::Sigmoid, Unary::Tanh, Unary::Tanh],
            Self::Gru { .. } => &[Unary::Sigmoid, Unary::Tanh],
            Self::Rnn => &[Unary::Tanh],
        }
    }
}

/// One direction of a layer.
pub(super) struct Direction {
    pub(super) cell: Cell,
    pub(super) activations: Vec<Activation>,
    /// What goes into a gate's activation is at most this far from 0.
    pub(super) clip: Option<f32>,
    pub(super) is_reverse: bool,
    pub(super) hidden: usize,
    /// The input's share of all gates, its bias included: `[steps, batch, gates * hidden]`.
    pub(super) projected: Value,
    /// Of the state: `[gates * hidden, hidden]`.
    pub(super) weight: Value,
    /// In place of that weight, where it is of 8 bits.
    pub(super) quantised: Option<Quantised>,
    /// Of the state's share: `[gates * hidden]`.
    pub(super) bias: Value,
    /// `[3 * hidden]`: of the cell's state for the gates input, output and forget.
    pub(super) peepholes: Option<Value>,
    /// How many steps each element of the batch has: `i32[batch]`.
    pub(super) lengths: Option<Value>,
    /// `[batch, hidden]`
    pub(super) state: Value,
    /// `[batch, hidden]`
    pub(super) cell_state: Value,
}

/// What a direction gives.
pub(super) struct Outcome {
    /// `[steps, batch, hidden]`
    pub(super) output: Value,
    /// `[batch, hidden]`
    pub(super) state: Value,
    /// `[batch, hidden]`
    pub(super) cell_state: Value,
}

/// One of the things that a direction gives.
type Part = fn(&Outcome) -> &Value;

pub(in crate::onnx::convert) fn lstm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let is_coupled = node.flag("input_forget", false)?;
    layer(node, Cell::Lstm { is_coupled }, false)
}

/// ONNX Runtime's LSTM of weights of 8 bits.
pub(in crate::onnx::convert) fn dynamic_quantize_lstm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let is_coupled = node.flag("input_forget", false)?;
    layer(node, Cell::Lstm { is_coupled }, true)
}

pub(in crate::onnx::convert) fn gru(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let is_linear_first = node.flag("linear_before_reset", false)?;
    layer(node, Cell::Gru { is_linear_first }, false)
}

pub(in crate::onnx::convert) fn rnn(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    layer(node, Cell::Rnn, false)
}

/// A node's layer: what it says of all directions together.
struct Layer {
    cell: Cell,
    /// Whether a direction goes from the last step to the first.
    reverses: &'static [bool],
    /// Of each direction.
    activations: Vec<Vec<Activation>>,
    clip: Option<f32>,
    /// Whether the axis of the batch is the first of inputs and outputs.
    is_batch_first: bool,
    batch: usize,
    hidden: usize,
    /// `[steps, batch, inputs]`
    input: Value,
    /// Whether both weights are of 8 bits, and have their last two axes exchanged.
    is_quantised: bool,
    /// `[directions, gates * hidden, inputs]`
    weight: Value,
    /// `[directions, gates * hidden, hidden]`
    state_weight: Value,
    /// `[directions, 2 * gates * hidden]`: the input's, then the state's.
    bias: Option<Value>,
    /// `[batch]`
    lengths: Option<Value>,
    /// `[directions, batch, hidden]`
    state: Option<Value>,
    /// `[directions, batch, hidden]`
    cell_state: Option<Value>,
    /// `[directions, 3 * hidden]`
    peepholes: Option<Value>,
}

fn layer(node: &mut Node<'_, '_>, cell: Cell, is_quantised: bool) -> Result<Vec<Value>> {
    let layer = Layer::read(node, cell, is_quantised)?;
    let mut outcomes = Vec::new();
    for index in 0..layer.reverses.len() {
        let direction = layer.direction(node, index)?;
        outcomes.push(match direction.whole() {
            Some(cell) => direction.run_whole(node, cell)?,
            None => steps::run(node, &direction)?,
        });
    }
    layer.outputs(node, &outcomes)
}

impl Layer {
    fn read(node: &mut Node<'_, '_>, cell: Cell, is_quantised: bool) -> Result<Self> {
        let reverses: &[bool] = match node.string("direction", "forward")? {
            "forward" => &[false],
            "reverse" => &[true],
            "bidirectional" => &[false, true],
            other => return Err(Error::Onnx(format!("direction {other:?}"))),
        };
        let clip = node.optional_float("clip")?;
        if let Some(clip) = clip.filter(|clip| clip.is_nan() || *clip < 0.0) {
            return Err(Error::Onnx(format!("clip is {clip}")));
        }
        let is_batch_first = node.flag("layout", false)?;
        let (input, state_weight) = (node.input(0)?, node.input(2)?);
        let (&[steps, batch, inputs], &[_, transposed, last]) = (input.shape(), state_weight.shape()) else {
            return Err(Error::Onnx(format!(
                "an input of shape {:?} and a weight of the state of shape {:?}, but both must have 3 dimensions",
                input.shape(),
                state_weight.shape()
            )));
        };
        let hidden = if is_quantised { transposed } else { last };
        let (steps, batch) = if is_batch_first { (batch, steps) } else { (steps, batch) };
        if steps == 0 || batch == 0 || inputs == 0 || hidden == 0 {
            return Err(unsupported(format!(
                "an input of shape {:?} for {hidden} hidden elements",
                input.shape()
            )));
        }
        if let Some(given) = node.optional_int("hidden_size")?.filter(|&given| given != hidden as i64) {
            return Err(Error::Onnx(format!("hidden_size is {given}, but the weights have {hidden}")));
        }
        let (directions, rows) = (reverses.len(), cell.gates().saturating_mul(hidden));
        let states = if is_batch_first {
            [batch, directions, hidden]
        } else {
            [directions, batch, hidden]
        };
        let of_shape = |index, what, shape: &[usize]| of_shape(node, index, what, shape);
        let matrix = |inputs| {
            if is_quantised {
                [directions, inputs, rows]
            } else {
                [directions, rows, inputs]
            }
        };
        let weight = of_shape(1, "the weight of the input", &matrix(inputs))?;
        of_shape(2, "the weight of the state", &matrix(hidden))?;
        let bias = of_shape(3, "the bias", &[directions, rows.saturating_mul(2)])?;
        let lengths = of_shape(4, "the lengths", &[batch])?;
        let state = of_shape(5, "the state", &states)?;
        let (cell_state, peepholes) = match cell {
            Cell::Lstm { .. } => (
                of_shape(6, "the cell's state", &states)?,
                of_shape(7, "the peepholes", &[directions, hidden.saturating_mul(3)])?,
            ),
            Cell::Gru { .. } | Cell::Rnn => (None, None),
        };
        let activations = activations(node, directions, cell.activations())?;
        let mut batch_second = |value: Value| {
            if is_batch_first {
                node.emit(Transpose::new([1, 0, 2]), &[&value])
            } else {
                Ok(value)
            }
        };
        Ok(Self {
            cell,
            reverses,
            activations,
            clip,
            is_batch_first,
            batch,
            hidden,
            input: batch_second(input)?,
            is_quantised,
            weight: weight.ok_or_else(|| Error::Onnx("input 1 is missing".to_owned()))?,
            state_weight,
            bias,
            lengths,
            state: state.map(&mut batch_second).transpose()?,
            cell_state: cell_state.map(&mut batch_second).transpose()?,
            peepholes,
        })
    }

    /// What one direction computes with.
    fn direction(&self, node: &mut Node<'_, '_>, index: usize) -> Result<Direction> {
        let rows = self.cell.gates() * self.hidden;
        let bias = match &self.bias {
            Some(bias) => part(node, bias, index)?,
            None => zeros(node, &[2 * rows])?,
        };
        let [own, of_state] = [0, rows].map(|start| range(node, &bias, 0, start, rows));
        let weight = part(node, &self.weight, index)?;
        let state_weight = part(node, &self.state_weight, index)?;
        let (projected, quantised) = if self.is_quantised {
            let weight = Quantised::read(node, &weight, index, [8, 9])?;
            let of_state = Quantised::read(node, &state_weight, index, [10, 11])?;
            (weight.product(node, &self.input, &own?)?, Some(of_state))
        } else {
            (node.emit(Linear, &[&self.input, &weight, &own?])?, None)
        };
        let lengths = match &self.lengths {
            Some(lengths) => Some(node.emit(Cast::new(DType::I32), &[lengths])?),
            None => None,
        };
        let mut state = |state: &Option<Value>| match state {
            Some(state) => part(node, state, index),
            None => zeros(node, &[self.batch, self.hidden]),
        };
        let (hidden_state, cell_state) = (state(&self.state)?, state(&self.cell_state)?);
        Ok(Direction {
            cell: self.cell,
            activations: self.activations[index].clone(),
            clip: self.clip,
            is_reverse: self.reverses[index],
            hidden: self.hidden,
            projected,
            weight: state_weight,
            quantised,
            bias: of_state?,
            peepholes: (self.peepholes.as_ref())
                .map(|peepholes| part(node, peepholes, index))
                .transpose()?,
            lengths,
            state: hidden_state,
            cell_state,
        })
    }

    /// All directions' outputs together, as the node gives them.
    fn outputs(&self, node: &mut Node<'_, '_>, outcomes: &[Outcome]) -> Result<Vec<Value>> {
        // From [steps, directions, batch, hidden], and from [directions, batch, hidden].
        let [states, state]: [(usize, &[isize]); 2] = [(1, &[2, 0, 1, 3]), (0, &[1, 0, 2])];
        let kinds: [(Part, _); 3] = [
            (|outcome| &outcome.output, states),
            (|outcome| &outcome.state, state),
            (|outcome| &outcome.cell_state, state),
        ];
        let count = if matches!(self.cell, Cell::Lstm { .. }) { 3 } else { 2 };
        let mut outputs = Vec::new();
        for (index, &(value, (axis, batch_first))) in kinds[..count].iter().enumerate() {
            outputs.push(if node.is_used(index) {
                let joined = joined(node, outcomes.iter().map(value), axis)?;
                self.laid_out(node, joined, batch_first)?
            } else {
                Value::Missing(String::new())
            });
        }
        Ok(outputs)
    }

    /// With the axes in this order where the batch's comes first.
    fn laid_out(&self, node: &mut Node<'_, '_>, value: Value, order: &[isize]) -> Result<Value> {
        if self.is_batch_first {
            node.emit(Transpose::new(order), &[&value])
        } else {
            Ok(value)
        }
    }
}

/// An input that must have a shape, where it is there.
fn of_shape(node: &Node<'_, '_>, index: usize, what: &str, shape: &[usize]) -> Result<Option<Value>> {
    match node.optional(index) {
        Some(value) if value.shape() != shape => Err(Error::Onnx(format!(
            "{what} must have shape {shape:?}, but got {:?}",
            value.shape()
        ))),
        value => Ok(value),
    }
}

fn zeros(node: &mut Node<'_, '_>, shape: &[usize]) -> Result<Value> {
    node.budget().charge("zeros", shape.iter().product(), 4)?;
    Ok(Value::Host(ArrayD::<f32>::zeros(shape).into()))
}

/// What a direction has of something, without the axis of directions.
fn part(node: &mut Node<'_, '_>, value: &Value, index: usize) -> Result<Value> {
    let own = range(node, value, 0, index, 1)?;
    let shape = signed(&own.shape()[1..]);
    node.reshape(&own, &shape)
}

/// So many places of an axis.
pub(super) fn range(node: &mut Node<'_, '_>, value: &Value, axis: usize, start: usize, length: usize) -> Result<Value> {
    let slice = Slice::new([start as isize], [(start + length) as isize]).axes([axis as isize]);
    node.emit(slice, &[value])
}
