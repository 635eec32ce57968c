//! Functions of three elements, broadcast.

use super::broadcast::each_of_three;
use super::operand::Operand;
use crate::ops::Ternary;

/// A function of floats; a condition is 0 or 1.
pub(super) fn ternary(op: Ternary, inputs: [&Operand<'_>; 3], shape: &[usize], output: &mut [f32]) {
    let inputs = inputs.map(|operand| (operand.shape, operand.data));
    match op {
        Ternary::Clamp => each_of_three(inputs, shape, output, |[x, min, max]| {
            let raised = if x > min || x.is_nan() { x } else { min };
            if raised < max || raised.is_nan() { raised } else { max }
        }),
        Ternary::Where => each_of_three(inputs, shape, output, |[c, yes, no]| if c == 0.0 { no } else { yes }),
    }
}

/// A function of whole numbers, or of bools as 0 and 1.
pub(super) fn of_whole(op: Ternary, [a, b, c]: [i64; 3]) -> i64 {
    match op {
        Ternary::Clamp => a.max(b).min(c),
        Ternary::Where if a == 0 => c,
        Ternary::Where => b,
    }
}
