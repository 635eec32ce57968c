//! Recurrent layers: for each step a product of the state, and what the cell makes of it.

use crate::error::{Error, Result};
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::matmul::epilogue::Operands;
use crate::gpu::lower::matmul::gemm;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::function::{Function, Scalar};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::recurrent::StepParameters;
use crate::ops::{Op, Recurrent, RecurrentCell, Unary};

pub(crate) fn lower(op: Recurrent, inputs: &[Value], outputs: &[Value], recording: &mut Recording) -> Result<()> {
    let name = Op::from(op).name();
    let [projected, weight, bias, initial] = [&inputs[0], &inputs[1], &inputs[2], &inputs[3]];
    let extents = Recurrent::extents(&projected.shape, &initial.shape);
    let product_shape = [extents.batch, op.cell.gates() * extents.hidden];
    let (mut state, mut cell_state) = (initial.clone(), inputs.get(4).cloned());
    let mut steps = op.order(extents.steps).peekable();
    while let Some(step) = steps.next() {
        let product = recording.inner(name, &product_shape)?;
        let operands = Operands {
            input: &state,
            weight,
            bias: Some(bias),
            residual: None,
            activation: None,
            exact: None,
        };
        gemm::lower(&operands, &product, recording)?;
        let next = recording.inner(name, &initial.shape)?;
        let mut reads = vec![slot(projected)?, slot(&product)?];
        let mut writes = vec![slot(&outputs[0])?, slot(&next)?];
        match op.cell {
            RecurrentCell::Lstm => {
                let (Some(cell), Some(last)) = (&cell_state, outputs.get(1)) else {
                    return Err(Error::Internal("LSTM without its cell's state".to_owned()));
                };
                let is_last = steps.peek().is_none();
                let next_cell = if is_last {
                    last.clone()
                } else {
                    recording.inner(name, &last.shape)?
                };
                reads.push(slot(cell)?);
                writes.push(slot(&next_cell)?);
                cell_state = Some(next_cell);
            }
            RecurrentCell::Gru => reads.push(slot(&state)?),
            RecurrentCell::Tanh | RecurrentCell::Relu => {}
        }
        let parameters = StepParameters {
            elements: elements(initial) as u32,
            hidden: extents.hidden as u32,
            step: step as u32,
        };
        let work = Work::of(elements(initial).div_ceil(LANES as usize));
        recording.dispatch(name, key(op.cell), &parameters, &reads, &writes, work)?;
        state = next;
    }
    Ok(())
}

fn key(cell: RecurrentCell) -> PipelineKey {
    let of = |kernel| PipelineKey::new(kernel, [("LANES", LANES)]);
    let plain = |function| of(Kernel::RnnStep).with(Function::activation(function, Scalar::Float, Scalar::Float));
    match cell {
        RecurrentCell::Lstm => of(Kernel::LstmStep),
        RecurrentCell::Gru => of(Kernel::GruStep),
        RecurrentCell::Tanh => plain(Unary::Tanh),
        RecurrentCell::Relu => plain(Unary::Relu),
    }
}
