//! Sum, product, mean and maximum along axes, and the reductions that softmax and normalisations are made of.
//!
//! Long sums are cut into parts, which a further reduction puts together: what one invocation adds up is short.

use crate::error::{Error, Result};
use crate::gpu::choose::rules::long_row_lanes;
use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::lower::common::{elements, fill, slot};
use crate::gpu::lower::matmul::register_block::lanes;
use crate::gpu::lower::movement::strided_copy::{Axis, check_axes, merge, strides};
use crate::gpu::lower::rows::fold;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::MOST_AXES;
use crate::gpu::wgsl::parameters::rows::ReduceParameters;
use crate::ops::{Reduce, ReduceKind};

/// Elements from which on a row is worth a workgroup.
pub(crate) const FEWEST_ALONG: usize = 128;
/// The most terms that an invocation has, where lanes run along the outputs; fewer where there are few outputs.
const MOST_TERMS: usize = 4096;
const FEWEST_TERMS: usize = 128;
/// The most elements that a workgroup has, where its lanes run along a row.
const MOST_ALONG: usize = 16_384;
/// Invocations that keep a device busy.
const ENOUGH_INVOCATIONS: usize = 1024;

/// What is reduced of each element.
#[derive(Clone, Copy)]
pub(crate) enum Term<'a> {
    /// The element.
    Plain,
    /// `exp(x - centre)`, with a centre for each output.
    Exponential(&'a Value),
    /// `(x - centre)^2`, with a centre for each output, or with none `x^2`.
    Square(Option<&'a Value>),
}

impl<'a> Term<'a> {
    fn code(self) -> u32 {
        match self {
            Self::Plain => 0,
            Self::Exponential(_) => 1,
            Self::Square(Some(_)) => 2,
            Self::Square(None) => 3,
        }
    }

    fn centre(self) -> Option<&'a Value> {
        match self {
            Self::Plain => None,
            Self::Exponential(centre) => Some(centre),
            Self::Square(centre) => centre,
        }
    }
}

/// The axes that stay and those that go, the last first, merged.
pub(crate) struct Axes {
    kept: Vec<Axis>,
    reduced: Vec<Axis>,
}

impl Axes {
    pub(crate) fn new(op: &Reduce, input: &[usize]) -> Result<Self> {
        let (reduced, strides) = (op.reduced(input.len())?, strides(input));
        let of_kind = |goes: bool| {
            let axes = (0..input.len()).rev().filter(|&axis| reduced[axis] == goes);
            merge(axes.map(|axis| Axis::of_input(input[axis], strides[axis])))
        };
        let axes = Self {
            kept: of_kind(false),
            reduced: of_kind(true),
        };
        check_axes(op.kind.name(), &axes.kept, input)?;
        check_axes(op.kind.name(), &axes.reduced, input)?;
        Ok(axes)
    }

    /// The middle one of three extents goes.
    pub(crate) fn middle(outer: usize, extent: usize, inner: usize) -> Self {
        let row = extent * inner;
        Self {
            kept: merge([Axis::of_input(inner, 1), Axis::of_input(outer, row as isize)]),
            reduced: merge([Axis::of_input(extent, inner as isize)]),
        }
    }

    pub(super) fn terms(&self) -> usize {
        self.reduced.iter().map(|axis| axis.extent).product()
    }

    /// The numbers of kept axes and of reduced ones, of which there seems to be one at least.
    pub(super) fn counts(&self) -> [u32; 2] {
        [&self.kept, &self.reduced].map(|axes| axes.len().max(1) as u32)
    }

    /// Extents and strides as kernels take them, where a Real has `width` elements.
    pub(super) fn packed(&self, width: usize) -> [[u32; 4]; MOST_AXES] {
        let mut axes = [[1, 0, 1, 0]; MOST_AXES];
        for (to, axis) in axes.iter_mut().zip(&self.kept) {
            [to[0], to[1]] = [axis.extent as u32, (axis.input_stride as usize / width) as u32];
        }
        for (to, axis) in axes.iter_mut().zip(&self.reduced) {
            [to[2], to[3]] = [axis.extent as u32, axis.input_stride as u32];
        }
        axes
    }

    /// Whether what goes is one row whose elements lie together.
    fn is_along(&self) -> bool {
        matches!(self.reduced[..], [Axis { input_stride: 1, .. }])
    }

    /// Whether rows are whole vectors of four.
    fn are_quads(&self) -> bool {
        self.terms().is_multiple_of(4) && self.kept.iter().all(|axis| axis.input_stride % 4 == 0)
    }
}

pub(crate) fn lower(op: &Reduce, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    if input.slot.is_none() {
        // Of none.
        let value = match op.kind {
            ReduceKind::Sum => 0.0,
            ReduceKind::Product => 1.0,
            ReduceKind::Mean | ReduceKind::Max => f32::NAN,
        };
        return fill(op.kind.name(), value, output, recording);
    }
    if op.kind == ReduceKind::Product || !input.dtype.is_float() {
        return fold::lower(op, input, output, recording);
    }
    let axes = Axes::new(op, &input.shape)?;
    reduce(op.kind.name(), op.kind, Term::Plain, &axes, input, output, recording)
}

/// Records a reduction of a tensor that has elements.
pub(crate) fn reduce(
    name: &'static str,
    kind: ReduceKind,
    term: Term<'_>,
    axes: &Axes,
    input: &Value,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let divisor = axes.terms() as f32;
    reduce_by(name, kind, term, axes, divisor, input, output, recording)
}

/// As [`reduce`]; a mean is the sum over `divisor`.
#[expect(clippy::too_many_arguments, reason = "what is reduced, how, from where to where")]
pub(crate) fn reduce_by(
    name: &'static str,
    kind: ReduceKind,
    term: Term<'_>,
    axes: &Axes,
    divisor: f32,
    input: &Value,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let (outputs, terms) = (elements(output), axes.terms());
    let is_along = axes.is_along() && terms >= FEWEST_ALONG && recording.capabilities.splits_sums();
    let fewest = if is_along {
        terms.div_ceil(MOST_ALONG)
    } else {
        fewest_parts(terms, outputs)
    };
    let parts = if recording.capabilities.splits_sums() {
        fewest.max(1)
    } else {
        1
    };
    // Whole vectors, whatever the last part has.
    let part_terms = terms.div_ceil(parts).next_multiple_of(4);
    let parts = terms.div_ceil(part_terms);
    let (first_kind, first_output) = match (parts, kind) {
        (1, _) => (kind, output.clone()),
        (_, ReduceKind::Mean) => (ReduceKind::Sum, recording.inner(name, &[parts, outputs])?),
        _ => (kind, recording.inner(name, &[parts, outputs])?),
    };
    let one = Tasks {
        name,
        kind: first_kind,
        term,
        axes,
        divisor,
        outputs,
        parts,
        part_terms,
    };
    if is_along {
        one.along_rows(input, &first_output, recording)?;
    } else {
        one.along_outputs(input, &first_output, recording)?;
    }
    if parts == 1 {
        return Ok(());
    }
    let rest = Axes::middle(1, parts, outputs);
    reduce_by(name, kind, Term::Plain, &rest, divisor, &first_output, output, recording)
}

/// In how many parts the terms of each output are to be at least, where lanes run along the outputs.
pub(super) fn fewest_parts(terms: usize, outputs: usize) -> usize {
    let for_all = (terms / FEWEST_TERMS).min(ENOUGH_INVOCATIONS / outputs);
    terms.div_ceil(MOST_TERMS).max(for_all)
}

/// One dispatch of a reduction.
struct Tasks<'a> {
    name: &'static str,
    kind: ReduceKind,
    term: Term<'a>,
    axes: &'a Axes,
    divisor: f32,
    outputs: usize,
    parts: usize,
    part_terms: usize,
}

impl Tasks<'_> {
    /// An invocation has a task.
    fn along_outputs(&self, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
        let lanes = lanes(recording, false);
        let mut constants = self.constants(lanes)?;
        let [_, reduced] = self.axes.counts();
        constants.push(("REDUCED", reduced));
        let work = Work::of((self.outputs * self.parts).div_ceil(lanes as usize)).rounds(self.part_terms);
        self.dispatch(Kernel::Reduce, constants, 1, work, input, output, recording)
    }

    /// A workgroup has a task.
    fn along_rows(&self, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
        let class = recording.capabilities.class;
        let lanes = if class == DeviceClass::Software {
            8
        } else {
            long_row_lanes(class)
        };
        let (kernel, width) = if self.axes.are_quads() {
            (Kernel::ReduceRowsQuads, 4)
        } else {
            (Kernel::ReduceRows, 1)
        };
        let rounds = (self.part_terms / width).div_ceil(lanes as usize) + lanes.ilog2() as usize;
        let work = Work::of(self.outputs * self.parts).rounds(rounds);
        self.dispatch(kernel, self.constants(lanes)?, width, work, input, output, recording)
    }

    fn constants(&self, lanes: u32) -> Result<Vec<(&'static str, u32)>> {
        let kind = match self.kind {
            ReduceKind::Sum => 0,
            ReduceKind::Mean => 1,
            ReduceKind::Max => 2,
            ReduceKind::Product => return Err(Error::Internal("a product by the kernels of sums".to_owned())),
        };
        let [kept, _] = self.axes.counts();
        Ok(vec![
            ("LANES", lanes),
            ("REDUCTION", kind),
            ("TERM", self.term.code()),
            ("KEPT", kept),
        ])
    }

    #[expect(clippy::too_many_arguments, reason = "what is dispatched, from where to where")]
    fn dispatch(
        &self,
        kernel: Kernel,
        constants: Vec<(&'static str, u32)>,
        width: usize,
        work: Work,
        input: &Value,
        output: &Value,
        recording: &mut Recording,
    ) -> Result<()> {
        let parameters = ReduceParameters {
            outputs: self.outputs as u32,
            tasks: (self.outputs * self.parts) as u32,
            terms: (self.axes.terms() / width) as u32,
            part_terms: (self.part_terms / width) as u32,
            divisor: self.divisor,
            unused: [0; 3],
            axes: self.axes.packed(width),
        };
        let key = PipelineKey::new(kernel, constants);
        let input = slot(input)?;
        // Where there are no centres, the input stands in.
        let centre = self.term.centre().map_or(Ok(input), slot)?;
        recording.dispatch(self.name, key, &parameters, &[input, centre], &[slot(output)?], work)
    }
}

/// A tensor of `f32` that an operator keeps to itself, with the reduction of the middle one of three extents.
pub(crate) fn middle(
    name: &'static str,
    kind: ReduceKind,
    term: Term<'_>,
    [outer, extent, inner]: [usize; 3],
    input: &Value,
    recording: &mut Recording,
) -> Result<Value> {
    let output = recording.inner(name, &[outer, inner])?;
    reduce(
        name,
        kind,
        term,
        &Axes::middle(outer, extent, inner),
        input,
        &output,
        recording,
    )?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_one_axis() {
        let numbers = |axes: &[isize], input: &[usize]| {
            let Axes { kept, reduced } = Axes::new(&Reduce::sum(axes), input).unwrap();
            [kept, reduced].map(|axes| axes.iter().map(|axis| (axis.extent, axis.input_stride)).collect::<Vec<_>>())
        };
        assert_eq!(numbers(&[2, 3], &[2, 3, 5, 7]), [vec![(6, 35)], vec![(35, 1)]]);
        assert_eq!(numbers(&[0, 2], &[2, 3, 5]), [vec![(3, 5)], vec![(5, 1), (2, 15)]]);
        assert_eq!(numbers(&[1], &[2, 3, 5]), [vec![(5, 1), (2, 15)], vec![(3, 5)]]);
        assert_eq!(numbers(&[], &[2, 3]), [vec![], vec![(6, 1)]]);
    }
}
