//! Padding and cropping of the spatial axes, a row at a time.

use super::operand::Operand;
use super::parallel;
use super::plane::{Places, split};
use crate::error::Result;
use crate::ops::Pad;
use crate::shape;

pub(super) fn pad(op: &Pad, input: &Operand<'_>, output_shape: &[usize], output: &mut [f32]) -> Result<()> {
    // The places of columns that no plane has may be very many.
    if output.is_empty() {
        return Ok(());
    }
    let (_, _, extents) = shape::spatial("pad", input.shape)?;
    let (_, _, padded) = shape::spatial("pad", output_shape)?;
    let padding = op.padding.of_axes("pad", "padding", extents.len())?;
    let ((outer_sides, sides), (outer, width), (outer_padded, padded_width)) = (split(&padding), split(extents), split(padded));
    let source = |place: usize, before: isize, extent: usize| op.mode.source_index(place as isize - before, extent);
    let axes = outer_sides.iter().zip(outer).zip(outer_padded);
    let rows = Places::of_rows(
        axes.map(|((sides, &extent), &padded)| Places::new(1, padded, extent, |_, place| source(place, sides.before, extent))),
    );
    let (height, padded_height): (usize, usize) = (outer.iter().product(), outer_padded.iter().product());
    let left = sides.before;
    let columns: Vec<Option<usize>> = (0..padded_width).map(|place| source(place, left, width)).collect();
    // Between these the columns follow one another.
    let first = (left.max(0) as usize).min(padded_width);
    let past = (left + width as isize).clamp(first as isize, padded_width as isize) as usize;
    let start = (-left).max(0) as usize;
    parallel::planes(output, padded_width, |index, output| {
        let (plane, y) = (index / padded_height, index % padded_height);
        let Some(row) = rows.at(0, y) else {
            output.fill(op.value);
            return;
        };
        let row = &input.data[(plane * height + row) * width..][..width];
        let fill = |output: &mut [f32], columns: &[Option<usize>]| {
            for (output, column) in output.iter_mut().zip(columns) {
                *output = column.map_or(op.value, |column| row[column]);
            }
        };
        fill(&mut output[..first], &columns[..first]);
        output[first..past].copy_from_slice(&row[start..start + past - first]);
        fill(&mut output[past..], &columns[past..]);
    });
    Ok(())
}
