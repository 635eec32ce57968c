//! Weighted sums along an axis, by a table of what each is made of.

use std::sync::Arc;

use super::operator::Operator;
use crate::error::{Error, Result, ensure};
use crate::shape;

const NAME: &str = "resample";

/// The taps of weighted sums along an axis: which elements each sum has, with which weights.
///
/// ```
/// use convoke::ops::TapTable;
/// // Three elements become two: the mean of the first two, and the last.
/// let mut table = TapTable::new(3);
/// table.push([(0, 0.5), (1, 0.5)])?;
/// table.push([(2, 1.0)])?;
/// assert_eq!((table.extent(), table.len()), (3, 2));
/// # Ok::<(), convoke::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TapTable {
    extent: usize,
    /// Where the taps of each sum start, and where the last one's end.
    starts: Vec<u32>,
    sources: Vec<u32>,
    weights: Vec<f32>,
}

impl TapTable {
    /// Without sums, over an axis of so many elements.
    pub fn new(extent: usize) -> Self {
        Self {
            extent,
            starts: vec![0],
            sources: Vec::new(),
            weights: Vec::new(),
        }
    }

    /// Adds a sum of elements, each with its weight. One without any is the operator's [`empty`](Resample::empty).
    ///
    /// Errors: an element that is not there; more than 2^32 taps.
    pub fn push(&mut self, taps: impl IntoIterator<Item = (usize, f32)>) -> Result<()> {
        for (source, weight) in taps {
            ensure!(
                source < self.extent,
                NAME,
                "expected taps of {} elements, but got number {source}",
                self.extent
            );
            self.sources.push(number(source)?);
            self.weights.push(weight);
        }
        self.starts.push(number(self.sources.len())?);
        Ok(())
    }

    /// How many elements the axis has.
    pub fn extent(&self) -> usize {
        self.extent
    }

    /// How many sums there are.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are no sums.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The taps of a sum, which must be there: elements and weights.
    pub fn taps(&self, sum: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let range = self.starts[sum] as usize..self.starts[sum + 1] as usize;
        let sources = self.sources[range.clone()].iter().map(|&source| source as usize);
        sources.zip(self.weights[range].iter().copied())
    }

    /// Where the taps of each sum start, the elements, and the weights.
    pub(crate) fn parts(&self) -> (&[u32], &[u32], &[f32]) {
        (&self.starts, &self.sources, &self.weights)
    }
}

fn number(count: usize) -> Result<u32> {
    u32::try_from(count).map_err(|_| Error::unsupported(NAME, format!("a table of {count} taps")))
}

/// Sums of an axis's elements with weights that are known: resizing by any filter, or adding up what overlaps. What is no tap of
/// a sum has no part in it, even if it is infinite or NaN. PyTorch has nothing of the kind; ONNX's `Resize` and `Col2Im` are such
/// sums along one axis after another.
///
/// ```
/// use std::sync::Arc;
/// use convoke::ops::{Resample, TapTable};
/// let mut table = TapTable::new(3);
/// table.push([(0, 0.5), (1, 0.5)])?;
/// table.push([(2, 1.0)])?;
/// assert_eq!(Resample::new(-1, Arc::new(table)).output_shape(&[4, 3])?, [4, 2]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: an axis out of range, or of another extent than the table is of.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Resample {
    /// The axis, from the end where it is negative.
    pub axis: isize,
    /// What the sums are made of.
    pub table: Arc<TapTable>,
    /// What a sum without taps is.
    pub empty: f32,
}

impl Resample {
    /// Along this axis, by this table. Sums without taps are 0.
    pub fn new(axis: isize, table: Arc<TapTable>) -> Self {
        Self { axis, table, empty: 0.0 }
    }

    /// Sets what sums without taps are.
    pub fn empty(mut self, empty: f32) -> Self {
        self.empty = empty;
        self
    }

    /// Checks the shape and gives the output's.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let axis = shape::axis(NAME, self.axis, input.len())?;
        ensure!(
            input[axis] == self.table.extent,
            NAME,
            "expected {} elements along axis {axis}, but got {input:?}",
            self.table.extent
        );
        let output = [&input[..axis], &[self.table.len()], &input[axis + 1..]].concat();
        shape::element_count(NAME, &output)?;
        Ok(output)
    }

    /// How many elements a step along the axis is.
    pub(crate) fn inner(&self, input: &[usize]) -> Result<usize> {
        let axis = shape::axis(NAME, self.axis, input.len())?;
        Ok(input[axis + 1..].iter().product())
    }
}

impl Operator for Resample {
    fn name(&self) -> &'static str {
        NAME
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_refusals() {
        let mut table = TapTable::new(3);
        table.push([(2, 1.0), (0, -1.0)]).unwrap();
        table.push([]).unwrap();
        let op = |axis| Resample::new(axis, Arc::new(table.clone()));
        assert_eq!(op(1).output_shape(&[4, 3, 5]).unwrap(), [4, 2, 5]);
        assert_eq!(op(-1).output_shape(&[3]).unwrap(), [2]);
        let message = |axis, shape: &[usize]| op(axis).output_shape(shape).unwrap_err().to_string();
        assert!(message(0, &[4, 3]).contains("expected 3 elements along axis 0, but got [4, 3]"));
        assert!(message(2, &[4, 3]).contains("out of range"));
        let outside = table.push([(3, 1.0)]).unwrap_err().to_string();
        assert!(outside.contains("taps of 3 elements, but got number 3"), "{outside}");
    }
}
