//! Weighted sums along an axis.

use super::operand::Operand;
use super::parallel;
use crate::error::Result;
use crate::ops::Resample;

pub(super) fn resample(op: &Resample, input: &Operand<'_>, output: &mut [f32]) -> Result<()> {
    let inner = op.inner(input.shape)?;
    let table = &op.table;
    let whole = table.extent() * inner;
    parallel::planes(output, inner, |index, output| {
        let (outer, sum) = (index / table.len(), index % table.len());
        let mut taps = table.taps(sum).peekable();
        output.fill(if taps.peek().is_none() { op.empty } else { 0.0 });
        for (source, weight) in taps {
            let source = &input.data[outer * whole + source * inner..][..inner];
            for (output, &value) in output.iter_mut().zip(source) {
                *output += value * weight;
            }
        }
    });
    Ok(())
}
