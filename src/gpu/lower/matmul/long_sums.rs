//! Long sums: products of so many terms that they are summed part after part, each added to those before it.
//!
//! A part's sum is short enough to be accurate, and no invocation's loops take too many rounds. What the bounds of
//! [`reference`](crate::reference) allow follows from these numbers.

use crate::gpu::choose::long_sums::LONGEST;
use crate::gpu::choose::long_sums::PART;
use crate::gpu::choose::long_sums::fewest_parts;
use std::ops::Range;

use crate::error::Result;
use crate::gpu::lower::elementwise::broadcast;
use crate::gpu::lower::matmul::epilogue::Operands;
use crate::gpu::plan::recording::{Recording, Value};
use crate::gpu::wgsl::kernel::Kernel;
use crate::graph::exact_sums::ExactSums;
use crate::ops::Binary;

/// The parts of a sum of so many terms: they begin at multiples of [`PART`], or where the ranges of channels do that are exact.
pub(crate) fn parts(terms: usize, exact: Option<&ExactSums>, recording: &Recording) -> Vec<Range<usize>> {
    if let Some(exact) = exact {
        let channels = exact.parts.last().map_or(1, |last| last.end.max(1));
        let of_channels = |range: &Range<usize>| range.start * (terms / channels)..range.end * (terms / channels);
        let parts = exact.parts.iter().map(of_channels);
        return parts
            .flat_map(|part| moved(chunks(part.len(), LONGEST), part.start))
            .collect();
    }
    let chunk = if fewest_parts(terms, &recording.capabilities) == 1 {
        terms
    } else {
        PART
    };
    chunks(terms, chunk).collect()
}

/// The parts of a sum over two extents: boxes of at most [`PART`] terms, whole along the shorter extent where that is possible.
/// Where ranges of the inner extent are exact, these are cut up instead.
pub(crate) fn boxes([outer, inner]: [usize; 2], exact: Option<&ExactSums>, recording: &Recording) -> Vec<[Range<usize>; 2]> {
    if let Some(exact) = exact {
        let of_range = |range: &Range<usize>| {
            let boxes = boxes([outer, range.len()], None, recording).into_iter();
            let start = range.start;
            boxes.map(move |[outer, inner]| [outer, inner.start + start..inner.end + start])
        };
        return exact.parts.iter().flat_map(of_range).collect();
    }
    if fewest_parts(outer.saturating_mul(inner), &recording.capabilities) == 1 {
        return vec![[0..outer, 0..inner]];
    }
    let short = outer.min(inner).min(PART);
    let long = (PART / short).max(1);
    let [outer_chunk, inner_chunk] = if outer <= inner { [short, long] } else { [long, short] };
    chunks(outer, outer_chunk)
        .flat_map(|outer| chunks(inner, inner_chunk).map(move |inner| [outer.clone(), inner]))
        .collect()
}

fn moved(ranges: impl Iterator<Item = Range<usize>>, by: usize) -> impl Iterator<Item = Range<usize>> {
    ranges.map(move |range| range.start + by..range.end + by)
}

fn chunks(extent: usize, chunk: usize) -> impl Iterator<Item = Range<usize>> {
    (0..extent)
        .step_by(chunk.max(1))
        .map(move |first| first..extent.min(first + chunk))
}

/// Records each part with what was summed before it as its residual. The sum's own residual goes with the first, its bias and
/// activation with the last.
pub(crate) fn in_parts<P>(
    name: &'static str,
    parts: &[P],
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
    mut record: impl FnMut(&P, &Operands<'_>, &Value, &mut Recording) -> Result<()>,
) -> Result<()> {
    let Some((last, others)) = parts.split_last() else {
        return Ok(());
    };
    if operands.exact.is_some() {
        return exact_in_parts(name, parts, operands, output, recording, record);
    }
    let mut before: Option<Value> = operands.residual.cloned();
    for part in others {
        let sum = recording.inner(name, &output.shape)?;
        let operands = Operands {
            residual: before.as_ref(),
            ..operands.bare()
        };
        record(part, &operands, &sum, recording)?;
        before = Some(sum);
    }
    let operands = Operands {
        residual: before.as_ref(),
        ..*operands
    };
    record(last, &operands, output, recording)
}

/// Records each part of sums that are exact, and adds them up as whole numbers, since their total may not be.
fn exact_in_parts<P>(
    name: &'static str,
    parts: &[P],
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
    mut record: impl FnMut(&P, &Operands<'_>, &Value, &mut Recording) -> Result<()>,
) -> Result<()> {
    let mut before: Option<Value> = None;
    for (index, part) in parts.iter().enumerate() {
        let mut target = |is_output: bool| {
            if is_output {
                Ok(output.clone())
            } else {
                recording.output(name, &output.shape, output.dtype)
            }
        };
        let is_last = index + 1 == parts.len();
        let sum = target(parts.len() == 1)?;
        let total = before.take().map(|before| Ok((before, target(is_last)?))).transpose()?;
        record(part, operands, &sum, recording)?;
        before = Some(match total {
            None => sum,
            Some((before, total)) => {
                add(&before, &sum, &total, recording)?;
                total
            }
        });
    }
    Ok(())
}

fn add(left: &Value, right: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    broadcast::lower(Kernel::Binary, Binary::Add.into(), [left, right], output, recording)
}

/// Records each part of sums of whole numbers, with what was summed before it.
pub(crate) fn whole_in_parts<P>(
    name: &'static str,
    parts: &[P],
    output: &Value,
    recording: &mut Recording,
    mut record: impl FnMut(&P, Option<&Value>, &Value, &mut Recording) -> Result<()>,
) -> Result<()> {
    let Some((last, others)) = parts.split_last() else {
        return Ok(());
    };
    let mut before: Option<Value> = None;
    for part in others {
        let sum = recording.output(name, &output.shape, output.dtype)?;
        record(part, before.as_ref(), &sum, recording)?;
        before = Some(sum);
    }
    record(last, before.as_ref(), output, recording)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::device::capabilities::Capabilities;
    use crate::gpu::device::capabilities::Loops;
    use crate::gpu::device::device_class::DeviceClass;

    fn recording(loops: Loops) -> Recording {
        let capabilities = Capabilities {
            loops,
            ..Capabilities::plain(DeviceClass::Software, true)
        };
        Recording::by_rules(&capabilities)
    }

    #[test]
    fn parts_cover_the_terms_and_are_short() {
        for terms in [1, LONGEST, LONGEST + 1, 65_535, 131_071] {
            let parts = parts(terms, None, &recording(Loops::Limited));
            assert_eq!(parts.iter().map(Range::len).sum::<usize>(), terms);
            assert!(parts.len() == 1 || parts.iter().all(|part| part.len() <= PART && part.start % PART == 0));
            assert_eq!(parts.len() == 1, terms <= LONGEST);
        }
        assert_eq!(parts(1 << 20, None, &recording(Loops::Unlimited)).len(), 1);
    }

    #[test]
    fn boxes_cover_both_extents_and_are_not_many() {
        for [outer, inner] in [
            [961, 70],
            [70, 961],
            [65_536, 3],
            [1, 90_000],
            [9, 7281],
            [3000, 5000],
            [1025, 64],
        ] {
            let boxes = boxes([outer, inner], None, &recording(Loops::Limited));
            let terms = |part: &[Range<usize>; 2]| part[0].len() * part[1].len();
            assert_eq!(boxes.iter().map(terms).sum::<usize>(), outer * inner);
            assert!(boxes.iter().all(|part| terms(part) <= PART), "{outer} x {inner}");
            // The bounds of the reference allow a part for every 256 terms.
            assert!(
                boxes.len() <= 2048 + outer * inner / 256,
                "{outer} x {inner}: {}",
                boxes.len()
            );
        }
        assert_eq!(boxes([9, 512], None, &recording(Loops::Limited)), [[0..9, 0..512]]);
    }
}
