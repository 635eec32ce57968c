//! Pooling by the p-norm, each window's elements relative to its largest.

use super::operand::Operand;
use super::parallel;
use super::pool2d::Windows;
use crate::error::Result;
use crate::ops::LpPool2d;

pub(super) fn lp_pool2d(op: &LpPool2d, input: &Operand<'_>, output: &mut [f32]) -> Result<()> {
    let window = op.window(input.shape)?;
    let (rows, columns) = Windows::of(&window);
    let (height, width) = (window.input.height, window.input.width);
    parallel::planes(output, rows.taps.len() * columns.taps.len(), |index, output| {
        let input = &input.data[index * height * width..(index + 1) * height * width];
        let mut elements = Vec::new();
        for (output, row) in output.chunks_exact_mut(columns.taps.len()).zip(&rows.taps) {
            for (output, column) in output.iter_mut().zip(&columns.taps) {
                elements.clear();
                for i in 0..row.count {
                    let start = (row.first + i * rows.step) * width + column.first;
                    elements.extend((0..column.count).map(|j| input[start + j * columns.step].abs()));
                }
                *output = norm(&elements, op.p);
            }
        }
    });
    Ok(())
}

/// `(sum x^p)^(1/p)` of numbers that are not negative. In `f64`, where no quotient's power is so small that it counts.
fn norm(elements: &[f32], p: u32) -> f32 {
    if p == 1 {
        return elements.iter().copied().map(f64::from).sum::<f64>() as f32;
    }
    let largest = elements
        .iter()
        .fold(0.0, |largest: f32, &x| if x > largest || x.is_nan() { x } else { largest });
    if largest.is_nan() || largest == 0.0 || largest.is_infinite() {
        return largest;
    }
    let largest = f64::from(largest);
    let power = f64::from(p);
    let sum: f64 = elements.iter().map(|&x| (f64::from(x) / largest).powf(power)).sum();
    (largest * sum.powf(power.recip())) as f32
}
