//! The matrix product of two tensors, either of which may change from run to run.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::gpu::choose::gemm::Gemm;
use crate::gpu::choose::kernel_choice::How;
use crate::gpu::choose::rules;
use crate::gpu::choose::rules::LANES;
use crate::gpu::choose::signature::LayerSignature;
use crate::gpu::lower::common::{elements, fill, slot, varies};
use crate::gpu::lower::decide::decide;
use crate::gpu::lower::decide::misplaced;
use crate::gpu::lower::elementwise::broadcast::merge_axes;
use crate::gpu::lower::matmul::epilogue::Operands;
use crate::gpu::lower::matmul::gemm;
use crate::gpu::lower::matmul::long_sums;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::MOST_AXES;
use crate::gpu::wgsl::parameters::matmul::MatMulParameters;
use crate::graph::exact_sums::ExactSums;
use crate::ops::{MatMul, MatMulExtents};

/// Rows and columns of outputs that an invocation computes, where there are as many.
const LARGEST_BLOCK: usize = 4;

pub(crate) fn lower(left: &Value, right: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let extents = MatMul::extents(&left.shape, &right.shape)?;
    if extents.inner == 0 {
        return fill("matmul", 0.0, output, recording);
    }
    let batch = crate::shape::broadcast("matmul", extents.left_batch, extents.right_batch)?;
    let blocks = Blocks::new(&extents, &batch, [left, right], output)?;
    let Some(gemm) = as_gemm(&extents, &batch) else {
        return as_they_are(&blocks, left, right, output, recording);
    };
    let layer = LayerSignature::matmul(&gemm, varies(left, recording));
    let rule = |capabilities: &_| rules::matmul(&gemm, capabilities).map_or(How::MatMul, How::Product);
    decide(layer, recording, rule, |how, recording| match how {
        How::MatMul => as_they_are(&blocks, left, right, output, recording),
        How::Product(by) => {
            let operands = [right.clone(), left.clone()];
            gemm::gemm("matmul", &gemm, by, &Operands::plain(&operands), output, recording)
        }
        other => Err(misplaced(&layer, other)),
    })
}

/// The product of whole numbers. `exact` says how `f32` adds the sums up exactly, where the graph tells.
pub(crate) fn lower_integer(
    left: &Value,
    right: &Value,
    exact: Option<&ExactSums>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    const NAME: &str = "matmul_integer";
    let extents = MatMul::extents(&left.shape, &right.shape)?;
    if extents.inner == 0 {
        return fill(NAME, 0.0, output, recording);
    }
    let by_types = || ExactSums::of_types(left.dtype, right.dtype, extents.inner, 1);
    let exact = exact.cloned().or_else(by_types);
    if let (Some(exact), Some(gemm)) = (exact, as_layer(&extents).filter(|_| !varies(right, recording))) {
        let by = rules::product(&gemm, &recording.capabilities);
        let by = if exact.parts.len() > 1 { by.in_parts() } else { by };
        let operands = Operands {
            exact: Some(&exact),
            ..Operands::new(left, right)
        };
        return gemm::gemm(NAME, &gemm, by, &operands, output, recording);
    }
    let batch = crate::shape::broadcast(NAME, extents.left_batch, extents.right_batch)?;
    let blocks = Blocks::new(&extents, &batch, [left, right], output)?;
    let parts = long_sums::parts(extents.inner, None, recording);
    long_sums::whole_in_parts(NAME, &parts, output, recording, |terms, before, output, recording| {
        blocks.record(NAME, Kernel::MatMulInteger, terms, [left, right], before, output, recording)
    })
}

/// Both operands are read as they are.
fn as_they_are(blocks: &Blocks, left: &Value, right: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let operands = [right.clone(), left.clone()];
    let parts = long_sums::parts(blocks.inner, None, recording);
    long_sums::in_parts(
        "matmul",
        &parts,
        &Operands::plain(&operands),
        output,
        recording,
        |terms, operands, output, recording| {
            let before = operands.residual;
            blocks.record("matmul", Kernel::MatMul, terms, [left, right], before, output, recording)
        },
    )
}

/// A product by blocks of up to 4 x 4 outputs, one an invocation.
struct Blocks {
    rows: usize,
    inner: usize,
    columns: usize,
    count: usize,
    axes: [[u32; 4]; MOST_AXES],
}

impl Blocks {
    fn new(extents: &MatMulExtents<'_>, batch: &[usize], [left, right]: [&Value; 2], output: &Value) -> Result<Self> {
        let merged = merge_axes([extents.left_batch, extents.right_batch], batch);
        if merged.len() > MOST_AXES {
            return Err(Error::unsupported(
                "matmul",
                format!(
                    "shapes {:?} and {:?} alternate between broadcast and not over more than {MOST_AXES} leading axes",
                    left.shape, right.shape
                ),
            ));
        }
        let mut axes = [[1, 0, 0, 0]; MOST_AXES];
        axes[..merged.len()].copy_from_slice(&merged);
        let &MatMulExtents {
            rows, inner, columns, ..
        } = extents;
        let matrices = elements(output) / (rows * columns);
        Ok(Self {
            rows,
            inner,
            columns,
            count: matrices * rows.div_ceil(block(rows)) * columns.div_ceil(block(columns)),
            axes,
        })
    }

    /// Some terms, added to what was summed before.
    #[expect(clippy::too_many_arguments, reason = "what a dispatch consists of")]
    fn record(
        &self,
        name: &'static str,
        kernel: Kernel,
        terms: &Range<usize>,
        [left, right]: [&Value; 2],
        before: Option<&Value>,
        output: &Value,
        recording: &mut Recording,
    ) -> Result<()> {
        let (rows, columns) = (block(self.rows), block(self.columns));
        let key = PipelineKey::new(
            kernel,
            [
                ("LANES", LANES),
                ("ROWS", rows as u32),
                ("COLUMNS", columns as u32),
                ("AXES", MOST_AXES as u32),
                ("HAS_BEFORE", u32::from(before.is_some())),
            ],
        );
        let parameters = MatMulParameters {
            rows: self.rows as u32,
            inner: self.inner as u32,
            columns: self.columns as u32,
            row_blocks: self.rows.div_ceil(rows) as u32,
            column_blocks: self.columns.div_ceil(columns) as u32,
            blocks: self.count as u32,
            first_term: terms.start as u32,
            last_term: terms.end as u32,
            axes: self.axes,
        };
        let left = slot(left)?;
        let before = before.map_or(Ok(left), slot)?;
        recording.dispatch(
            name,
            key,
            &parameters,
            &[left, slot(right)?, before],
            &[slot(output)?],
            Work::of(self.count.div_ceil(LANES as usize)).rounds(terms.len()),
        )
    }
}

/// The product with the left operand as the weight, one matrix a group, where neither is broadcast; or as one matrix, where all
/// of the left are multiplied by one on the right.
fn as_gemm(extents: &MatMulExtents<'_>, batch: &[usize]) -> Option<Gemm> {
    let count = |shape: &[usize]| shape.iter().product::<usize>();
    let matrices = count(batch);
    let (groups, rows) = match (count(extents.left_batch) == matrices, count(extents.right_batch)) {
        (true, 1) => (1, matrices * extents.rows),
        (true, right) if right == matrices => (matrices, extents.rows),
        _ => return None,
    };
    Some(Gemm::matmul(groups, rows, extents.inner, extents.columns))
}

/// The product with the right operand as the weight of a linear layer, where that is one matrix.
fn as_layer(extents: &MatMulExtents<'_>) -> Option<Gemm> {
    let rows = extents.left_batch.iter().product::<usize>() * extents.rows;
    let is_one = extents.right_batch.iter().all(|&extent| extent == 1);
    is_one.then(|| Gemm {
        transposed: true,
        ..Gemm::linear(rows, extents.inner, extents.columns)
    })
}

/// 1, 2 or 4: no more than twice the extent.
pub(crate) fn block(extent: usize) -> usize {
    extent.next_power_of_two().min(LARGEST_BLOCK)
}
