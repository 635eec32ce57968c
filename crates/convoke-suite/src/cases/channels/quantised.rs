//! Bytes: their sums are exact in `i32`, and scales are powers of two.

use ndarray::{Array1, arr0};

use super::common::named;
use crate::model::Attribute::Int;
use crate::model::{Case, I32, U8};

pub(super) fn cases(c: usize) -> Vec<Case> {
    vec![
        named("conv_integer", c)
            .byte("x", &[1, c, 5, 7])
            .byte_weight("w", &[5, c, 3, 2])
            .node("ConvInteger", "x w", "y", &[])
            .output_of("y", I32),
        named("matmul_integer", c)
            .byte("a", &[5, c])
            .byte("b", &[c, 7])
            .node("MatMulInteger", "a b", "y", &[])
            .output_of("y", I32),
        named("dequantize", c)
            .byte("x", &[2, c, 5])
            .constant("scale", Array1::from_iter((1..=c).map(|place| place as f32 / 8.0)).into_dyn())
            .constant("zero", Array1::from_iter((0..c).map(|place| (place * 11) as u8)).into_dyn())
            .node("DequantizeLinear", "x scale zero", "y", &[("axis", Int(1))])
            .output("y"),
        scales(named("quantize", c).real("x", &[2, c, 5]))
            .node("QuantizeLinear", "x small byte", "y", &[])
            .output_of("y", U8),
        scales(
            named("qlinear_conv", c)
                .byte("x", &[1, c, 5, 7])
                .byte_weight("w", &[6, c, 3, 3]),
        )
        .node("QLinearConv", "x small byte w small byte large byte", "y", &[])
        .output_of("y", U8),
        scales(named("qlinear_matmul", c).byte("x", &[5, c]).byte_weight("w", &[c, 9]))
            .node("QLinearMatMul", "x small byte w small byte large byte", "y", &[])
            .output_of("y", U8),
    ]
}

/// What quantised numbers are scaled by and begin at: powers of two, so that nothing is rounded but to whole numbers.
fn scales(case: Case) -> Case {
    let case = case.stepwise();
    case.constant("small", arr0(0.0625_f32).into_dyn())
        .constant("large", arr0(2.0_f32).into_dyn())
        .constant("byte", arr0(117_u8).into_dyn())
}
