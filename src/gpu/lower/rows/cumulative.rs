//! Sums and products of each element with all before it: an invocation a row.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::slot;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::function::{Function, Scalar};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::rows::RowParameters;
use crate::ops::{Binary, Cumulative, Op};

pub(crate) fn lower(op: Cumulative, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let [outer, extent, inner] = op.extents(&input.shape)?;
    let rows = outer * inner;
    let function = if op.product { Binary::Mul } else { Binary::Add };
    let scalar = Scalar::from(input.dtype);
    let key = PipelineKey::new(
        Kernel::Cumulative,
        [
            ("LANES", LANES),
            ("PRODUCT", u32::from(op.product)),
            ("EXCLUSIVE", u32::from(op.exclusive)),
            ("REVERSE", u32::from(op.reverse)),
        ],
    );
    let key = key.with(Function::of_elements(function.into(), &[scalar; 2], scalar));
    let parameters = RowParameters {
        extent: extent as u32,
        inner: inner as u32,
        rows: rows as u32,
    };
    let work = Work::of(rows.div_ceil(LANES as usize)).rounds(extent);
    recording.dispatch(Op::from(op).name(), key, &parameters, &[slot(input)?], &[slot(output)?], work)
}
