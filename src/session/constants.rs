//! Operators of constants, computed before a network runs.

#[cfg(feature = "cpu")]
use crate::dtype::DType;
use crate::error::Result;
use crate::graph::work::steps;
use crate::ops::Op;
#[cfg(feature = "cpu")]
use crate::ops::{Binary, Unary};
use crate::reference;
use crate::tensor::Tensor;

/// The most elements that the reference goes through: it has some fifty bytes for each, and takes seconds.
const OF_REFERENCE: u64 = 1 << 26;
/// The most that the CPU backend goes through.
#[cfg(feature = "cpu")]
const OF_CPU: u64 = 1 << 32;
/// From so many on the CPU backend is worth it where it has the same bits.
#[cfg(feature = "cpu")]
const WORTH_CPU: u64 = 1 << 12;

/// Computes an operator of constants by the reference, which rounds once; what is large by the CPU backend, where there is one; and
/// nothing that would take a network long to be made ready, or that a program brings along.
pub(super) fn constants(op: &Op, inputs: &[&Tensor]) -> Result<Option<Vec<Tensor>>> {
    if let Op::CustomOp(_) = op {
        return Ok(None);
    }
    let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.shape()).collect();
    let outputs = op.output_shapes(&shapes)?;
    let steps = steps(op, &shapes, &outputs);
    #[cfg(feature = "cpu")]
    if steps > WORTH_CPU && is_exact(op, inputs) {
        return of_cpu(op, inputs).map(Some);
    }
    if steps <= OF_REFERENCE {
        return reference::constants(op, inputs).map(Some);
    }
    #[cfg(feature = "cpu")]
    if steps <= OF_CPU {
        return of_cpu(op, inputs).map(Some);
    }
    Ok(None)
}

#[cfg(feature = "cpu")]
fn of_cpu(op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let inputs: Vec<crate::tensor::TensorView<'_>> = inputs.iter().map(|input| input.view()).collect();
    crate::cpu::run(op, &inputs)
}

/// Whether the CPU backend has the reference's bits: it moves elements, computes with whole numbers, or rounds once itself. Quantised
/// weights are made by these.
#[cfg(feature = "cpu")]
fn is_exact(op: &Op, inputs: &[&Tensor]) -> bool {
    let is_plain = |dtype: DType| matches!(dtype, DType::F32 | DType::I64 | DType::I32 | DType::U8 | DType::I8);
    let is_exact = match op {
        Op::Cast(op) => is_plain(op.to),
        Op::Binary(Binary::Div) => inputs.iter().all(|input| input.dtype() == DType::F32),
        Op::Transpose(_) | Op::Unary(Unary::Round | Unary::Clamp { .. }) | Op::Binary(Binary::Add | Binary::Sub | Binary::Mul) => {
            true
        }
        _ => false,
    };
    is_exact && inputs.iter().all(|input| is_plain(input.dtype()))
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;

    use super::*;
    #[cfg(not(feature = "cpu"))]
    use crate::ops::Unary;
    use crate::ops::{LocalResponseNorm, Reduce};

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

    #[cfg(feature = "cpu")]
    #[test]
    fn what_the_cpu_computes_exactly_has_the_bits_of_the_reference() {
        use crate::ops::{Cast, Transpose};
        use crate::testing::Random;

        let shape = [3, 1 << 11];
        let mut random = Random::new(3);
        let whole: Tensor = random.integers(&shape).mapv(|x| x as i32 * 40_000_003).into();
        let bytes: Tensor = random.integers(&shape).mapv(|x| x as i8).into();
        let special = [f32::NAN, f32::INFINITY, -0.0, 3e38, 1e-42, 2.5];
        let mut place = 0;
        let reals = random.integers(&shape).mapv(|x| {
            place += 1;
            special.get(place % 40).copied().unwrap_or(x / 7.0)
        });
        let reals = Tensor::from(reals);
        let row = Tensor::from(ArrayD::from_shape_fn(vec![shape[1]], |place| place[0] as f32 / 11.0 - 3.0));
        let one = Tensor::from(ArrayD::from_elem(vec![], 70_001_i32));
        let cases: Vec<(Op, Vec<&Tensor>)> = vec![
            (Cast::new(DType::I32).into(), vec![&bytes]),
            (Cast::new(DType::F32).into(), vec![&whole]),
            (Cast::new(DType::I8).into(), vec![&whole]),
            (Cast::new(DType::U8).into(), vec![&reals]),
            (Cast::new(DType::I32).into(), vec![&reals]),
            (Transpose::new([1, 0]).into(), vec![&bytes]),
            (Unary::Round.into(), vec![&reals]),
            (Unary::Clamp { min: -1.0, max: 2.0 }.into(), vec![&reals]),
            (Binary::Add.into(), vec![&whole, &one]),
            (Binary::Sub.into(), vec![&whole, &one]),
            (Binary::Mul.into(), vec![&whole, &one]),
            (Binary::Add.into(), vec![&reals, &row]),
            (Binary::Sub.into(), vec![&reals, &row]),
            (Binary::Mul.into(), vec![&reals, &row]),
            (Binary::Div.into(), vec![&reals, &row]),
        ];
        for (op, inputs) in cases {
            assert!(is_exact(&op, &inputs));
            let bits = |tensor: &Tensor| match tensor.array::<f32>() {
                Ok(array) => array
                    .iter()
                    .map(|x| if x.is_nan() { u32::MAX } else { x.to_bits() })
                    .collect(),
                Err(_) => vec![],
            };
            let got = constants(&op, &inputs).unwrap().unwrap();
            let want = reference::constants(&op, &inputs).unwrap();
            assert_eq!(bits(&got[0]), bits(&want[0]), "{op:?}");
            assert!(got[0].dtype() == DType::F32 || got == want, "{op:?}");
        }
    }
}
