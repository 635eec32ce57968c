//! Padding and cropping of the last two dimensions, a row at a time.

use super::operand::Operand;
use super::parallel;
use crate::error::Result;
use crate::ops::Pad2d;
use crate::shape;

pub(super) fn pad2d(op: &Pad2d, input: &Operand<'_>, output_shape: &[usize], output: &mut [f32]) -> Result<()> {
    let [_, _, height, width] = shape::nchw("pad", input.shape)?;
    let [_, _, padded_height, padded_width] = shape::nchw("pad", output_shape)?;
    let (left, top) = (op.padding.left, op.padding.top);
    let place = |x: usize| op.mode.source_index(x as isize - left, width);
    let columns: Vec<Option<usize>> = (0..padded_width).map(place).collect();
    // Between these the columns follow one another.
    let first = (left.max(0) as usize).min(padded_width);
    let past = (left + width as isize).clamp(first as isize, padded_width as isize) as usize;
    let start = (-left).max(0) as usize;
    parallel::planes(output, padded_width, |index, output| {
        let (plane, y) = (index / padded_height, index % padded_height);
        let Some(row) = op.mode.source_index(y as isize - top, height) else {
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
