//! Functions of two elements, broadcast.

use super::broadcast::{each, flag};
use super::operand::Operand;
use crate::ops::Binary;

/// A function of floats; one that gives a bool gives 0 or 1.
pub(super) fn binary(op: Binary, left: &Operand<'_>, right: &Operand<'_>, shape: &[usize], output: &mut [f32]) {
    let inputs = [left, right].map(|operand| (operand.shape, operand.data));
    with_function(op, Broadcast { inputs, shape, output });
}

struct Broadcast<'a> {
    inputs: [(&'a [usize], &'a [f32]); 2],
    shape: &'a [usize],
    output: &'a mut [f32],
}

impl Function for Broadcast<'_> {
    fn of(self, function: impl Fn(f32, f32) -> f32 + Sync) {
        each(self.inputs, self.shape, self.output, function);
    }
}

/// What is done with a function of two elements, compiled for each.
pub(super) trait Function {
    fn of(self, function: impl Fn(f32, f32) -> f32 + Sync);
}

/// Does something with an operator's function of floats.
pub(super) fn with_function(op: Binary, with: impl Function) {
    match op {
        Binary::Add => with.of(|a, b| a + b),
        Binary::Mul => with.of(|a, b| a * b),
        Binary::Sub => with.of(|a, b| a - b),
        Binary::Div => with.of(|a, b| a / b),
        // Its special values are C's, which are PyTorch's.
        Binary::Pow => with.of(f32::powf),
        Binary::Min => with.of(|a, b| if a < b || a.is_nan() { a } else { b }),
        Binary::Max => with.of(|a, b| if a > b || a.is_nan() { a } else { b }),
        Binary::LessOrEqual => with.of(|a, b| flag(a <= b)),
        Binary::GreaterOrEqual => with.of(|a, b| flag(a >= b)),
        Binary::Equal => with.of(|a, b| flag(a == b)),
        Binary::Greater => with.of(|a, b| flag(a > b)),
        Binary::Less => with.of(|a, b| flag(a < b)),
        Binary::NotEqual => with.of(|a, b| flag(a != b)),
        Binary::Fmod => with.of(|a, b| a % b),
        Binary::Remainder => with.of(remainder),
        // Of whole numbers and bools only.
        Binary::BitwiseAnd
        | Binary::And
        | Binary::Or
        | Binary::Xor
        | Binary::BitwiseLeftShift
        | Binary::BitwiseRightShift
        | Binary::BitwiseOr
        | Binary::BitwiseXor => {}
    }
}

/// Of the sign of what is divided by, be it a zero.
fn remainder(a: f32, b: f32) -> f32 {
    let rest = a % b;
    if rest == 0.0 {
        0.0_f32.copysign(b)
    } else if (rest < 0.0) != (b < 0.0) {
        rest + b
    } else {
        rest
    }
}

/// A function of whole numbers, or of bools as 0 and 1.
pub(super) fn of_whole(op: Binary, a: i64, b: i64) -> Option<i64> {
    Some(match op {
        Binary::Add => a.wrapping_add(b),
        Binary::Mul => a.wrapping_mul(b),
        Binary::Sub => a.wrapping_sub(b),
        Binary::Div | Binary::Remainder if b == 0 => 0,
        Binary::Div => a.wrapping_div(b),
        Binary::Min => a.min(b),
        Binary::Max => a.max(b),
        Binary::LessOrEqual => i64::from(a <= b),
        Binary::GreaterOrEqual => i64::from(a >= b),
        Binary::Equal => i64::from(a == b),
        Binary::Greater => i64::from(a > b),
        Binary::Less => i64::from(a < b),
        Binary::Remainder => a.wrapping_rem(b).wrapping_add(b).wrapping_rem(b),
        Binary::NotEqual => i64::from(a != b),
        Binary::Fmod => a.checked_rem(b).unwrap_or(0),
        Binary::BitwiseOr | Binary::Or => a | b,
        Binary::BitwiseXor | Binary::Xor => a ^ b,
        Binary::BitwiseAnd | Binary::And => a & b,
        Binary::BitwiseLeftShift => u32::try_from(b).map_or(0, |places| a.checked_shl(places).unwrap_or(0)),
        Binary::BitwiseRightShift => a >> u32::try_from(b).map_or(63, |places| places.min(63)),
        Binary::Pow => return None,
    })
}
