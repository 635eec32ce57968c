//! Joining tensors along an axis.

use rayon::prelude::*;

use super::operand::Operand;
use crate::error::Result;
use crate::ops::Concat;

pub(super) fn concat(op: Concat, inputs: &[Operand<'_>], output: &mut [f32]) -> Result<()> {
    let Some(first) = inputs.first() else { return Ok(()) };
    let axis = op.resolved_axis(first.shape)?;
    // What lies together in each input, and in the output.
    let lengths: Vec<usize> = inputs.iter().map(|input| input.shape[axis..].iter().product()).collect();
    let together: usize = lengths.iter().sum();
    if together == 0 {
        return Ok(());
    }
    let mut parts = Vec::new();
    for (index, mut rest) in output.chunks_exact_mut(together).enumerate() {
        for (input, &length) in inputs.iter().zip(&lengths) {
            let (own, others) = rest.split_at_mut(length);
            rest = others;
            parts.push((own, &input.data[index * length..(index + 1) * length]));
        }
    }
    let least = (1 << 16) / together + 1;
    parts
        .into_par_iter()
        .with_min_len(least)
        .for_each(|(own, source)| own.copy_from_slice(source));
    Ok(())
}
