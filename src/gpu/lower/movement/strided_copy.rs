//! What only moves elements: concat, slice, transpose and expand, each a copy between strided places.

use crate::error::{Error, Result};
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::plan::recording::{Part, Recording, SlotId, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::MOST_AXES;
use crate::gpu::wgsl::parameters::movement::StridedCopyParameters;
use crate::ops::{Concat, Op, Slice, Transpose};

/// Items that an invocation copies.
const ITEMS: u32 = 4;

/// An axis of a copy: its extent, and how many elements its neighbours lie apart on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) extent: usize,
    pub(crate) input_stride: isize,
    pub(crate) output_stride: isize,
}

impl Axis {
    /// An axis of an input alone.
    pub(crate) fn of_input(extent: usize, input_stride: isize) -> Self {
        Self {
            extent,
            input_stride,
            output_stride: 0,
        }
    }
}

/// A copy of all places of some axes.
#[derive(Debug)]
struct Copy {
    input_offset: usize,
    output_offset: usize,
    /// The last axis first, merged.
    axes: Vec<Axis>,
}

impl Copy {
    /// Whether it copies a whole tensor of so many elements as it lies.
    fn is_whole(&self, elements: usize) -> bool {
        let plain = match self.axes.as_slice() {
            [] => true,
            [axis] => (axis.input_stride, axis.output_stride) == (1, 1),
            _ => false,
        };
        plain && self.elements() == elements
    }

    fn elements(&self) -> usize {
        self.axes.iter().map(|axis| axis.extent).product()
    }

    /// The same copy with four elements for each item, where it moves whole aligned quads.
    fn in_quads(&self) -> Option<Self> {
        let (first, rest) = self.axes.split_first()?;
        let is_run = (first.input_stride, first.output_stride) == (1, 1) && first.extent.is_multiple_of(4);
        let aligned = self.input_offset.is_multiple_of(4) && self.output_offset.is_multiple_of(4);
        let stays_aligned = rest
            .iter()
            .all(|axis| axis.input_stride % 4 == 0 && axis.output_stride % 4 == 0);
        if !(is_run && aligned && stays_aligned) {
            return None;
        }
        let run = Axis {
            extent: first.extent / 4,
            ..*first
        };
        let rest = rest.iter().map(|axis| Axis {
            extent: axis.extent,
            input_stride: axis.input_stride / 4,
            output_stride: axis.output_stride / 4,
        });
        Some(Self {
            input_offset: self.input_offset / 4,
            output_offset: self.output_offset / 4,
            axes: std::iter::once(run).chain(rest).collect(),
        })
    }

    fn record(&self, op: &Op, input: &Value, output: SlotId, recording: &mut Recording) -> Result<()> {
        check_axes(op.name(), &self.axes, &input.shape)?;
        let quads = self.in_quads();
        let kernel = if quads.is_some() {
            Kernel::StridedCopyQuads
        } else {
            Kernel::StridedCopy
        };
        let copy = quads.as_ref().unwrap_or(self);
        let mut axes = [[1, 0, 0, 0]; MOST_AXES];
        for (to, axis) in axes.iter_mut().zip(&copy.axes) {
            // Kernels add modulo 2^32, so that negative strides need no sign.
            *to = [axis.extent as u32, axis.input_stride as u32, axis.output_stride as u32, 0];
        }
        let items = copy.elements();
        let constants = [("LANES", LANES), ("ITEMS", ITEMS), ("AXES", copy.axes.len().max(1) as u32)];
        let parameters = StridedCopyParameters {
            items: items as u32,
            input_offset: copy.input_offset as u32,
            output_offset: copy.output_offset as u32,
            unused: [0],
            axes,
        };
        let workgroups = items.div_ceil((LANES * ITEMS) as usize);
        let key = PipelineKey::new(kernel, constants);
        recording.dispatch(op.name(), key, &parameters, &[slot(input)?], &[output], Work::of(workgroups))
    }
}

/// Records the copies of a moving operator: one for each input that has elements.
pub(crate) fn lower(op: &Op, inputs: &[Value], output: &Value, recording: &mut Recording) -> Result<()> {
    let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.shape.as_slice()).collect();
    let output_slot = slot(output)?;
    let parts: Vec<(Copy, &Value)> = (copies(op, &shapes, &output.shape)?.into_iter().zip(inputs))
        .filter(|(_, input)| input.slot.is_some())
        .collect();
    let bytes = recording.slots[output_slot.0].storage.bytes();
    let announced = parts.iter().map(|(copy, input)| {
        Ok(Part {
            input: slot(input)?,
            whole_at: copy.is_whole(elements(input)).then_some((copy.output_offset * bytes) as u64),
        })
    });
    recording.write_in_parts(output_slot, announced.collect::<Result<_>>()?);
    for (copy, input) in parts {
        copy.record(op, input, output_slot, recording)?;
    }
    Ok(())
}

/// Whether a moving operator's output is its only input as it lies, so that no copy is needed.
pub(crate) fn is_view(op: &Op, inputs: &[&[usize]], output: &[usize]) -> Result<bool> {
    let [input] = inputs else {
        return Ok(false);
    };
    // Without elements there is no buffer either, and no stride that is sure to be countable.
    if output.contains(&0) {
        return Ok(false);
    }
    let elements = input.iter().product();
    Ok(matches!(copies(op, inputs, output)?.as_slice(), [copy] if copy.is_whole(elements)))
}

/// A copy for each input; none for operators that do more than move elements.
fn copies(op: &Op, inputs: &[&[usize]], output: &[usize]) -> Result<Vec<Copy>> {
    Ok(match op {
        Op::Concat(op) => concat(*op, inputs, output)?,
        Op::Slice(op) => vec![slice(op, inputs[0], output)?],
        Op::Transpose(op) => vec![transpose(op, inputs[0], output)?],
        Op::Expand(_) => vec![expand(inputs[0], output)],
        _ => Vec::new(),
    })
}

/// Each input fills a part of the output.
fn concat(op: Concat, inputs: &[&[usize]], output: &[usize]) -> Result<Vec<Copy>> {
    let axis = op.resolved_axis(output)?;
    let output_strides = strides(output);
    let mut before = 0;
    Ok(inputs
        .iter()
        .map(|input| {
            let output_offset = before * output_strides[axis] as usize;
            before += input[axis];
            Copy {
                input_offset: 0,
                output_offset,
                axes: merge(axes(input, &strides(input), &output_strides)),
            }
        })
        .collect())
}

fn slice(op: &Slice, input: &[usize], output: &[usize]) -> Result<Copy> {
    let (ranges, steps) = (op.ranges(input)?, strides(input));
    let first = ranges
        .iter()
        .zip(&steps)
        .map(|(range, &stride)| range.start * stride as usize);
    let input_strides: Vec<isize> = (ranges.iter().zip(&steps))
        // A step that is never taken may be any number.
        .map(|(range, &stride)| if range.count > 1 { range.step * stride } else { 0 })
        .collect();
    Ok(Copy {
        input_offset: first.sum(),
        output_offset: 0,
        axes: merge(axes(output, &input_strides, &strides(output))),
    })
}

fn transpose(op: &Transpose, input: &[usize], output: &[usize]) -> Result<Copy> {
    let own = strides(input);
    let input_strides: Vec<isize> = op.resolved(input.len())?.into_iter().map(|axis| own[axis]).collect();
    Ok(Copy {
        input_offset: 0,
        output_offset: 0,
        axes: merge(axes(output, &input_strides, &strides(output))),
    })
}

fn expand(input: &[usize], output: &[usize]) -> Copy {
    let own = strides(input);
    let added = output.len() - input.len();
    let input_strides: Vec<isize> = (0..output.len())
        .map(|axis| match axis.checked_sub(added) {
            Some(axis) if input[axis] != 1 => own[axis],
            _ => 0,
        })
        .collect();
    Copy {
        input_offset: 0,
        output_offset: 0,
        axes: merge(axes(output, &input_strides, &strides(output))),
    }
}

/// How many elements apart neighbours along each axis lie in a row-major tensor that has elements.
pub(crate) fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis] as isize;
    }
    strides
}

/// The axes from the last to the first.
fn axes(extents: &[usize], input_strides: &[isize], output_strides: &[isize]) -> impl Iterator<Item = Axis> {
    let strides = input_strides.iter().zip(output_strides);
    extents
        .iter()
        .zip(strides)
        .rev()
        .map(|(&extent, (&input_stride, &output_stride))| Axis {
            extent,
            input_stride,
            output_stride,
        })
}

/// Merges axes, given from the last to the first, that run on as before on both sides; an extent of 1 is no axis.
pub(crate) fn merge(axes: impl IntoIterator<Item = Axis>) -> Vec<Axis> {
    let mut merged: Vec<Axis> = Vec::new();
    for axis in axes {
        let runs_on = |last: &Axis| {
            let extent = last.extent as isize;
            axis.input_stride == extent * last.input_stride && axis.output_stride == extent * last.output_stride
        };
        match merged.last_mut() {
            _ if axis.extent == 1 => {}
            Some(last) if runs_on(last) => last.extent *= axis.extent,
            _ => merged.push(axis),
        }
    }
    merged
}

/// Checks that the kernels can tell so many axes apart.
pub(crate) fn check_axes(operator: &'static str, axes: &[Axis], input: &[usize]) -> Result<()> {
    if axes.len() > MOST_AXES {
        return Err(Error::unsupported(
            operator,
            format!(
                "input {input:?} has {} axes that cannot be merged, over the limit of {MOST_AXES}",
                axes.len()
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(op: impl Into<Op>, input: &[usize]) -> Copy {
        let op = op.into();
        let output = op.output_shapes(&[input]).unwrap().swap_remove(0);
        copies(&op, &[input], &output).unwrap().swap_remove(0)
    }

    fn numbers(copy: &Copy) -> Vec<(usize, isize, isize)> {
        let axes = copy.axes.iter();
        axes.map(|axis| (axis.extent, axis.input_stride, axis.output_stride))
            .collect()
    }

    #[test]
    fn neighbours_that_run_on_merge() {
        let to_last = only(Transpose::new([0, 2, 3, 1]), &[1, 3, 4, 5]);
        assert_eq!(numbers(&to_last), [(3, 20, 1), (20, 1, 3)]);
        let rows = only(Slice::new([1], [3]), &[4, 5, 6]);
        assert_eq!((rows.input_offset, numbers(&rows)), (30, vec![(60, 1, 1)]));
        let mirrored = only(Slice::new([-1, -1], [isize::MIN; 2]).steps([-1, -1]), &[4, 5]);
        assert_eq!((mirrored.input_offset, numbers(&mirrored)), (19, vec![(20, -1, 1)]));
        let row = only(Slice::new([2], [3]).steps([isize::MAX]), &[4, 5]);
        assert_eq!((row.input_offset, numbers(&row)), (10, vec![(5, 1, 1)]));
        let channels = only(crate::ops::Expand::new([2, 3, 4, 5]), &[3, 1, 1]);
        assert_eq!(numbers(&channels), [(20, 0, 1), (3, 1, 20), (2, 0, 60)]);
    }

    #[test]
    fn what_lies_as_it_did_is_a_view() {
        let view = |op: Op, input: &[usize]| {
            let output = op.output_shapes(&[input]).unwrap().swap_remove(0);
            is_view(&op, &[input], &output).unwrap()
        };
        assert!(view(Concat::new(1).into(), &[2, 3, 4]));
        assert!(view(Transpose::new([2, 0, 1, 3]).into(), &[2, 3, 1, 4]));
        assert!(view(Slice::new([0, -1], [9, isize::MIN]).steps([1, -1]).into(), &[3, 1, 2]));
        assert!(view(crate::ops::Expand::new([1, -1, 1]).into(), &[3, 4]));
        assert!(view(Transpose::reversed().into(), &[]));
        assert!(!view(Transpose::reversed().into(), &[2, 3]));
        assert!(!view(Slice::new([0], [2]).into(), &[3, 2]));
        assert!(!view(Slice::new([-1], [isize::MIN]).steps([-1]).into(), &[3, 2]));
        assert!(!view(Slice::new([1], [2]).into(), &[2]));
        assert!(!view(crate::ops::Expand::new([2, 1]).into(), &[3]));
        assert!(!view(Slice::new([0, 0], [9, 1]).steps([1, -1]).into(), &[3, 1, 2]));
        assert!(!view(Transpose::reversed().into(), &[0, 1 << 40, 1 << 20]));
        assert!(!view(crate::ops::Unary::Relu.into(), &[3]));
    }

    #[test]
    fn aligned_runs_are_copied_in_quads() {
        let quads = |copy: &Copy| {
            copy.in_quads()
                .map(|copy| (copy.input_offset, copy.output_offset, numbers(&copy)))
        };
        let inputs: [&[usize]; 2] = [&[2, 3, 2, 6], &[2, 4, 2, 6]];
        let parts = concat(Concat::new(1), &inputs, &[2, 7, 2, 6]).unwrap();
        assert_eq!(quads(&parts[0]), Some((0, 0, vec![(9, 1, 1), (2, 9, 21)])));
        assert_eq!(quads(&parts[1]), Some((0, 9, vec![(12, 1, 1), (2, 12, 21)])));
        let channels = only(Slice::new([1], [3]).axes([1]), &[2, 3, 4]);
        assert_eq!(quads(&channels), Some((1, 0, vec![(2, 1, 1), (2, 3, 2)])));
        // A run that is no whole number of quads, a start within one, a row length that is none, no run at all.
        for (op, shape) in [
            (Slice::new([0], [3]).axes([2]), [2, 3, 4]),
            (Slice::new([2], [6]).axes([2]), [2, 3, 8]),
            (Slice::new([0], [4]).axes([2]), [2, 3, 6]),
            (Slice::new([-1], [isize::MIN]).axes([2]).steps([-1]), [2, 3, 4]),
        ] {
            assert_eq!(quads(&only(op.clone(), &shape)), None, "{op:?}");
        }
    }

    #[test]
    fn parts_lie_one_after_another() {
        let inputs: [&[usize]; 3] = [&[2, 3, 5], &[2, 0, 5], &[2, 1, 5]];
        let parts = concat(Concat::new(1), &inputs, &[2, 4, 5]).unwrap();
        assert_eq!(parts.iter().map(|part| part.output_offset).collect::<Vec<_>>(), [0, 15, 15]);
        assert_eq!(numbers(&parts[0]), [(15, 1, 1), (2, 15, 20)]);
        assert_eq!(numbers(&parts[2]), [(5, 1, 1), (2, 5, 20)]);
    }

    #[test]
    fn seven_axes_apart_are_unsupported() {
        let reversed = only(Transpose::reversed(), &[2; 6]);
        assert!(check_axes("permute", &reversed.axes, &[2; 6]).is_ok());
        let reversed = only(Transpose::reversed(), &[2; 7]);
        let outcome = check_axes("permute", &reversed.axes, &[2; 7]);
        assert!(matches!(outcome, Err(Error::Unsupported { .. })), "{outcome:?}");
    }
}
