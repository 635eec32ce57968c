//! Any operator on tensors of any type, each with outputs of its own.

use ndarray::{ArrayD, ArrayViewD, Axis, Dimension, IxDyn};

use super::arg_reduce::arg_reduce;
use super::base::Prepared;
use super::blocked::Layout;
use super::cast::cast;
use super::cumulative;
use super::device::Cpu;
use super::elementwise::elementwise;
use super::execute::execute;
use super::gather::gather;
use super::gather_elements::gather_elements;
use super::operand::{Operand, array, operand, with_rearranged};
use super::pool::{adaptive_max_pool, max_pool};
use super::recurrent;
use super::reduce;
use super::scatter_elements::scatter_elements;
use super::sums::{Operands, sums};
use super::top_k::top_k;
use crate::cancel;
use crate::dtype::{DType, TensorType};
use crate::error::{Error, Result};
use crate::ops::{Op, Slice};
use crate::room::room;
use crate::shape::{self, element_count};
use crate::tensor::{Element, Tensor, TensorView, each};

/// Runs one operator on the default [`Cpu`]. The inputs stand in the operator's order (see [`Op`]).
///
/// Errors: as [`Cpu::run`].
pub fn run<'a>(op: &Op, inputs: &[impl Into<TensorView<'a>> + Clone]) -> Result<Vec<Tensor>> {
    Cpu::default().run(op, inputs)
}

impl Cpu {
    /// Runs one operator. The inputs stand in the operator's order (see [`Op`]).
    ///
    /// Errors: what [`Op::infer`] refuses.
    pub fn run<'a>(&self, op: &Op, inputs: &[impl Into<TensorView<'a>> + Clone]) -> Result<Vec<Tensor>> {
        let inputs: Vec<TensorView<'_>> = inputs.iter().cloned().map(Into::into).collect();
        let types: Vec<TensorType> = inputs.iter().map(TensorView::tensor_type).collect();
        let types = op.infer(&types.iter().collect::<Vec<_>>())?;
        let rearranged: Vec<Option<Tensor>> = inputs.iter().map(TensorView::rearranged).collect();
        let inputs = with_rearranged(&inputs, &rearranged);
        let outputs = self.install(|| run_into_new(op, &inputs, None, &types))?;
        cancel::check()?;
        Ok(outputs)
    }
}

/// Runs an operator whose inputs lie in row-major order and whose outputs have these types.
pub(super) fn run_into_new(
    op: &Op,
    inputs: &[TensorView<'_>],
    prepared: Option<&Prepared>,
    types: &[TensorType],
) -> Result<Vec<Tensor>> {
    for output in types {
        has_room(op.name(), output)?;
    }
    let operands: Option<Vec<Operand<'_>>> = inputs.iter().map(operand).collect();
    let is_f32 = types.iter().all(|output| output.dtype == DType::F32);
    match operands {
        _ if let Op::CustomOp(op) = op => op.compute(inputs, types),
        Some(operands) if types.len() > 1 && is_f32 => with_cell_state(op, &operands, types),
        Some(operands) if is_f32 => {
            let shape = &types[0].shape;
            let mut output = vec![0.0; element_count(op.name(), shape)?];
            execute(op, &operands, prepared, shape, &mut output)?;
            Ok(vec![array(op.name(), output, shape)?])
        }
        _ if matches!(op, Op::Cast(_)) => Ok(vec![cast(&inputs[0], &types[0])?]),
        _ if matches!(op, Op::MatMulInteger(_) | Op::ConvInteger(_)) => {
            Ok(vec![whole_sums(op, inputs, prepared, &types[0].shape)?])
        }
        _ if matches!(op, Op::Unary(_) | Op::Binary(_) | Op::Ternary(_)) => Ok(vec![elementwise(op, inputs, &types[0])?]),
        _ if let Op::ScatterElements(op) = op => Ok(vec![scatter_elements(*op, inputs, &types[0])?]),
        _ if matches!(op, Op::Reduce(_) | Op::ArgReduce(_) | Op::TopK(_) | Op::Cumulative(_)) => along_axes(op, &inputs[0], types),
        Some(operands) => with_indices(op, &operands[0], &types[0].shape),
        None => moved(op, inputs, &types[0].shape).map(|output| vec![output]),
    }
}

/// Refuses an output that the host has no memory for.
fn has_room(operator: &'static str, output: &TensorType) -> Result<()> {
    let elements = element_count(operator, &output.shape)?;
    match output.dtype.bytes() {
        1 => room::<u8>(operator, elements),
        2 => room::<u16>(operator, elements),
        4 => room::<u32>(operator, elements),
        _ => room::<u64>(operator, elements),
    }
}

/// What goes along axes, of whatever type.
fn along_axes(op: &Op, input: &TensorView<'_>, types: &[TensorType]) -> Result<Vec<Tensor>> {
    Ok(match op {
        Op::Reduce(op) => vec![reduce::of_whole(op, input, &types[0])?],
        Op::ArgReduce(op) => vec![arg_reduce(*op, input, &types[0])?],
        Op::Cumulative(op) => vec![cumulative::of_whole(*op, input, &types[0])?],
        Op::TopK(op) => top_k(*op, input, types)?,
        _ => return Err(Error::Internal(format!("{} of {}", op.name(), input.dtype()))),
    })
}

/// Sums of products of whole numbers.
fn whole_sums(op: &Op, inputs: &[TensorView<'_>], prepared: Option<&Prepared>, shape: &[usize]) -> Result<Tensor> {
    let mut output = vec![0; element_count(op.name(), shape)?];
    let operands = Operands {
        left: &inputs[0],
        zero_point: 0,
        right: &inputs[1],
        prepared,
        shape: inputs[0].shape(),
        layout: Layout::Plain,
    };
    sums(op, &operands, (&mut output, Layout::Plain), |_, sums, output: &mut [i32]| {
        output.copy_from_slice(sums);
    })?;
    array(op.name(), output, shape)
}

/// Maxima with their indices.
fn with_indices(op: &Op, input: &Operand<'_>, shape: &[usize]) -> Result<Vec<Tensor>> {
    let count = element_count(op.name(), shape)?;
    let (mut values, mut indices) = (vec![0.0; count], vec![0; count]);
    match op {
        Op::MaxPool(op) => max_pool(op, input, &mut values, Some(&mut indices))?,
        Op::AdaptiveMaxPool(op) => adaptive_max_pool(op, input, &mut values, Some(&mut indices))?,
        _ => return Err(Error::Internal(format!("{} has no indices", op.name()))),
    }
    Ok(vec![array(op.name(), values, shape)?, array(op.name(), indices, shape)?])
}

/// LSTM, whose outputs are the states and the cell's last.
fn with_cell_state(op: &Op, operands: &[Operand<'_>], types: &[TensorType]) -> Result<Vec<Tensor>> {
    let [output, cell_state] = types else {
        return Err(Error::Internal(format!("{} outputs of {}", types.len(), op.name())));
    };
    let Op::Recurrent(recurrent) = op else {
        return Err(Error::Internal(format!("{} has no cell's state", op.name())));
    };
    let mut data = vec![0.0; element_count(op.name(), &output.shape)?];
    let last = recurrent::recurrent(*recurrent, operands, &mut data);
    Ok(vec![
        array(op.name(), data, &output.shape)?,
        array(op.name(), last, &cell_state.shape)?,
    ])
}

/// What only moves elements, of whatever type.
fn moved(op: &Op, inputs: &[TensorView<'_>], shape: &[usize]) -> Result<Tensor> {
    each!(TensorView, &inputs[0], first => moved_elements(op, first, inputs, shape))
}

fn moved_elements<T: Element>(op: &Op, input: &ArrayViewD<'_, T>, inputs: &[TensorView<'_>], shape: &[usize]) -> Result<Tensor> {
    let misshapen = |error: ndarray::ShapeError| Error::Internal(format!("{} to {shape:?}: {error}", op.name()));
    let output: ArrayD<T> = match op {
        Op::Reshape(_) | Op::Flatten(_) => input.to_owned().into_shape_with_order(shape).map_err(misshapen)?,
        Op::Concat(op) => {
            let axis = shape::axis("concat", op.axis, shape.len())?;
            let parts = inputs.iter().map(TensorView::array::<T>).collect::<Result<Vec<_>>>()?;
            ndarray::concatenate(Axis(axis), &parts).map_err(misshapen)?
        }
        Op::Slice(op) => sliced(op, input, shape)?,
        Op::Transpose(op) => input.view().permuted_axes(op.resolved(input.ndim())?).to_owned(),
        Op::Expand(_) => {
            let target = shape::broadcast("expand", input.shape(), shape)?;
            let expanded = input.broadcast(target);
            expanded
                .ok_or_else(|| Error::Internal(format!("expand to {shape:?}")))?
                .to_owned()
        }
        Op::Gather(op) => gather(*op, input, &inputs[1], shape)?,
        Op::GatherElements(op) => gather_elements(*op, input, &inputs[1])?,
        _ => return Err(Error::unsupported(op.name(), format!("{} on the CPU", T::DTYPE))),
    };
    Ok(output.as_standard_layout().into_owned().into())
}

fn sliced<T: Element>(op: &Slice, input: &ArrayViewD<'_, T>, shape: &[usize]) -> Result<ArrayD<T>> {
    let ranges = op.ranges(input.shape())?;
    let place = |index: IxDyn| -> Vec<usize> {
        let places = index.slice().iter().copied().zip(&ranges);
        let places = places.map(|(step, range)| range.start.wrapping_add_signed(step as isize * range.step));
        places.collect()
    };
    Ok(ArrayD::from_shape_fn(shape, |index| input[place(index).as_slice()]))
}
