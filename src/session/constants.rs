//! Operators of constants, computed before a network runs.

use crate::error::Result;
use crate::graph::work::steps;
use crate::ops::Op;
use crate::reference;
use crate::tensor::Tensor;

/// The most elements that the reference goes through: it has some fifty bytes for each, and takes seconds.
const OF_REFERENCE: u64 = 1 << 26;
/// The most that the CPU backend goes through.
#[cfg(feature = "cpu")]
const OF_CPU: u64 = 1 << 32;

/// Computes an operator of constants by the reference, which rounds once; what is large by the CPU backend, where there is one; and
/// nothing that would take a network long to be made ready, or that a program brings along.
pub(super) fn constants(op: &Op, inputs: &[&Tensor]) -> Result<Option<Vec<Tensor>>> {
    if let Op::CustomOp(_) = op {
        return Ok(None);
    }
    let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.shape()).collect();
    let outputs = op.output_shapes(&shapes)?;
    let steps = steps(op, &shapes, &outputs);
    if steps <= OF_REFERENCE {
        return reference::constants(op, inputs).map(Some);
    }
    #[cfg(feature = "cpu")]
    if steps <= OF_CPU {
        let inputs: Vec<crate::tensor::TensorView<'_>> = inputs.iter().map(|input| input.view()).collect();
        return crate::cpu::run(op, &inputs).map(Some);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;

    use super::*;
    use crate::ops::{LocalResponseNorm, Reduce, Unary};

    #[test]
    fn what_is_large_is_computed_otherwise_or_later() {
        let ones = |shape: &[usize]| Tensor::from(ArrayD::<f32>::ones(shape));
        let sum = Reduce::sum([0]).into();
        let small = constants(&sum, &[&ones(&[9])]).unwrap().unwrap();
        assert_eq!(small[0].to_f32().first(), Some(&9.0));
        // A window over all of so many channels.
        let wide = LocalResponseNorm::new(1 << 20).into();
        assert!(constants(&wide, &[&ones(&[1, 1 << 14, 1, 1])]).unwrap().is_none());
        let large = constants(&Op::from(Unary::Neg), &[&ones(&[(1 << 25) + 1])]).unwrap();
        assert_eq!(large.is_some(), cfg!(feature = "cpu"));
        assert!(large.is_none_or(|large| large[0].to_f32().iter().all(|&x| x == -1.0)));
    }
}
