//! Every so many elements of a range, along any axes.

use super::operator::{Operator, moved};
use crate::dtype::DType;
use crate::error::{Result, ensure};
use crate::shape;

/// Along some axes, the elements from `start` to before `end` in steps; whole along the others. Equals ONNX's `Slice` and
/// numpy's `input[start:end:step]`, and with positive steps PyTorch's.
///
/// A negative start or end counts from the end; those past an end of the axis are clamped. A negative step goes backwards,
/// and includes the first element where `end` lies before it: `isize::MIN` always does, as `isize::MAX` is always past
/// the last. (Backwards from before the first element, ONNX takes the first and numpy nothing; this is ONNX's.)
///
/// ```
/// use convoke::ops::Slice;
/// let rows = Slice::new([1], [3]);
/// assert_eq!(rows.output_shape(&[4, 5])?, [2, 5]);
/// let mirrored = Slice::new([-1], [isize::MIN]).axes([1]).steps([-1]);
/// assert_eq!(mirrored.output_shape(&[4, 5])?, [4, 5]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: lists of different lengths; an axis out of range or named twice; a step of 0. An empty result is none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Slice {
    /// The first element's index along each axis.
    pub starts: Vec<isize>,
    /// The index before which each axis's range ends.
    pub ends: Vec<isize>,
    /// The axes, negative ones from the end. Empty: the first ones in order.
    pub axes: Vec<isize>,
    /// The steps. Empty: all 1.
    pub steps: Vec<isize>,
}

/// What is taken along one axis: `count` elements from `start` on, `step` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: usize,
    pub(crate) step: isize,
    pub(crate) count: usize,
}

impl Slice {
    const NAME: &'static str = "slice";

    /// Takes these ranges of the first axes, in steps of 1.
    pub fn new(starts: impl Into<Vec<isize>>, ends: impl Into<Vec<isize>>) -> Self {
        Self {
            starts: starts.into(),
            ends: ends.into(),
            axes: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Sets the axes.
    pub fn axes(mut self, axes: impl Into<Vec<isize>>) -> Self {
        self.axes = axes.into();
        self
    }

    /// Sets the steps.
    pub fn steps(mut self, steps: impl Into<Vec<isize>>) -> Self {
        self.steps = steps.into();
        self
    }

    /// Checks the ranges and gives the output's shape.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let output: Vec<usize> = self.ranges(input)?.iter().map(|range| range.count).collect();
        shape::element_count(Self::NAME, &output)?;
        Ok(output)
    }

    /// What is taken along each of the input's axes.
    pub(crate) fn ranges(&self, input: &[usize]) -> Result<Vec<Range>> {
        let named = self.starts.len();
        let fits = |list: &[isize]| list.is_empty() || list.len() == named;
        ensure!(
            self.ends.len() == named && fits(&self.axes) && fits(&self.steps),
            Self::NAME,
            "starts {:?}, ends {:?}, axes {:?} and steps {:?} must be lists of one length",
            self.starts,
            self.ends,
            self.axes,
            self.steps
        );
        let mut ranges: Vec<Range> = input
            .iter()
            .map(|&count| Range {
                start: 0,
                step: 1,
                count,
            })
            .collect();
        let mut seen = vec![false; input.len()];
        for i in 0..named {
            let axis = shape::axis(Self::NAME, self.axes.get(i).copied().unwrap_or(i as isize), input.len())?;
            ensure!(!seen[axis], Self::NAME, "axes {:?} name axis {axis} twice", self.axes);
            seen[axis] = true;
            let step = self.steps.get(i).copied().unwrap_or(1);
            ensure!(step != 0, Self::NAME, "step {i} of {:?} must not be 0", self.steps);
            ranges[axis] = range(self.starts[i], self.ends[i], step, input[axis]);
        }
        Ok(ranges)
    }
}

/// One axis's range, clamped to its extent. Wide arithmetic: any number may be asked for.
fn range(start: isize, end: isize, step: isize, extent: usize) -> Range {
    let extent = extent as i128;
    let from_start = |index: isize| index as i128 + if index < 0 { extent } else { 0 };
    // Forwards, `extent` is the place past the last; backwards, -1 is the one past the first.
    let shift = i128::from(step < 0);
    let start = from_start(start).min(extent - shift).max(0);
    let end = from_start(end).clamp(-shift, extent - shift);
    let distance = if step > 0 { end - start } else { start - end };
    // Backwards, 0 is no place of an axis without any.
    let count = if distance > 0 && extent > 0 {
        (distance - 1) / (step.unsigned_abs() as i128) + 1
    } else {
        0
    };
    Range {
        start: if count > 0 { start as usize } else { 0 },
        step,
        count: count as usize,
    }
}

impl Operator for Slice {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        moved(self.name(), inputs)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_onnxs() {
        let taken = |start, end, step, extent| {
            let range = range(start, end, step, extent);
            (0..range.count as isize)
                .map(|i| range.start as isize + i * range.step)
                .collect::<Vec<_>>()
        };
        assert_eq!(taken(1, 4, 1, 5), [1, 2, 3]);
        assert_eq!(taken(-3, -1, 1, 5), [2, 3]);
        assert_eq!(taken(0, isize::MAX, 2, 5), [0, 2, 4]);
        assert_eq!(taken(isize::MIN, 3, 2, 5), [0, 2]);
        assert_eq!(taken(9, 12, 1, 5), [0; 0]);
        assert_eq!(taken(3, 1, 1, 5), [0; 0]);
        assert_eq!(taken(-1, isize::MIN, -1, 5), [4, 3, 2, 1, 0]);
        assert_eq!(taken(9, 0, -2, 5), [4, 2]);
        assert_eq!(taken(9, -6, -2, 5), [4, 2, 0]);
        assert_eq!(taken(2, -1, -1, 5), [0; 0]);
        // ONNX clamps to the first place; numpy takes nothing.
        assert_eq!(taken(-9, isize::MIN, -1, 5), [0]);
        assert_eq!(taken(3, 5, isize::MAX, 5), [3]);
        assert_eq!(taken(3, isize::MIN, isize::MIN, 5), [3]);
        assert_eq!(taken(-1, isize::MIN, -1, 0), [0; 0]);
        assert_eq!(taken(0, 7, 1, 0), [0; 0]);
    }

    #[test]
    fn shapes_and_refusals() {
        let input = [4, 5, 6];
        let slice = Slice::new([1, -2], [3, isize::MAX]);
        assert_eq!(slice.output_shape(&input).unwrap(), [2, 2, 6]);
        assert_eq!(slice.clone().axes([-1, 0]).output_shape(&input).unwrap(), [2, 5, 2]);
        assert_eq!(slice.clone().steps([1, -1]).output_shape(&input).unwrap(), [2, 0, 6]);
        assert_eq!(Slice::new([], []).output_shape(&[]).unwrap(), [0; 0]);
        let message = |slice: Slice| slice.output_shape(&input).unwrap_err().to_string();
        assert!(message(Slice::new([0], [1, 2])).contains("one length"));
        assert!(message(slice.clone().axes([0])).contains("axes [0]"));
        assert!(message(slice.clone().axes([1, -2])).contains("axis 1 twice"));
        assert!(message(slice.clone().axes([0, 3])).contains("axis 3 is out of range"));
        assert!(message(slice.clone().steps([1, 0])).contains("step 1 of [1, 0]"));
        assert!(message(Slice::new([0; 4], [1; 4])).contains("out of range"));
    }
}
