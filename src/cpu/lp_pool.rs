//! Pooling by the p-norm, each window's elements relative to its largest.

use super::operand::Operand;
use super::parallel;
use super::pool_window::Plane;
use crate::cancel;
use crate::error::Result;
use crate::ops::LpPool;

pub(super) fn lp_pool(op: &LpPool, input: &Operand<'_>, output: &mut [f32]) -> Result<()> {
    let plane = Plane::of(&op.window(input.shape)?);
    let columns = &plane.columns;
    parallel::planes(output, plane.windows(), |index, output| {
        let input = &input.data[index * plane.elements..(index + 1) * plane.elements];
        let mut elements = Vec::new();
        for (output, rows) in output.chunks_exact_mut(columns.taps.len()).zip(&plane.rows) {
            if cancel::is_over() {
                return;
            }
            for (output, column) in output.iter_mut().zip(&columns.taps) {
                elements.clear();
                for row in &rows.inside {
                    let start = row * plane.width + column.first;
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
