//! Convolution of whole numbers.

use super::blocked::Layout;
use super::conv::{conv, pack};
use super::epilogue::Epilogue;
use super::matmul_integer::parts;
use super::operand::Operand;
use super::whole_sums::{Numbers, add, bits_for, digits, most_terms};
use crate::error::Result;
use crate::ops::ConvInteger;
use crate::shape::element_count;

pub(super) fn conv_integer(
    op: ConvInteger,
    (input, input_shape): Numbers<'_>,
    (weight, weight_shape): Numbers<'_>,
) -> Result<Vec<i32>> {
    const NAME: &str = "conv_integer";
    let shape = op.output_shape(input_shape, weight_shape)?;
    let op = &op.conv;
    let mut total = vec![0; element_count(NAME, &shape)?];
    let mut part = vec![0.0; total.len()];
    let (channels, taps) = (weight_shape[1], weight_shape[2..].iter().product::<usize>());
    let plane: usize = input_shape[2..].iter().product();
    let bits = bits_for(NAME, taps)?;
    let (input_digits, weight_digits) = (digits(input, bits), digits(weight, bits));
    for input_digits in &input_digits {
        for weight_digits in &weight_digits {
            let most = most_terms(input_digits, weight_digits) / taps;
            for first in (0..channels).step_by(most) {
                let some = most.min(channels - first);
                // Of each group some channels.
                let input_part = parts(&input_digits.values, channels * plane, first * plane, some * plane);
                let weight_part = parts(&weight_digits.values, channels * taps, first * taps, some * taps);
                let (mut input_shape, mut weight_shape) = (input_shape.to_vec(), weight_shape.to_vec());
                input_shape[1] = op.groups * some;
                weight_shape[1] = some;
                let operand = |shape, data| Operand {
                    shape,
                    data,
                    layout: Layout::Plain,
                };
                let weight = operand(&weight_shape, &weight_part);
                let packed = pack(op, &weight);
                let input = operand(&input_shape, &input_part);
                conv(op, &input, &weight, &packed, &Epilogue::default(), &mut part)?;
                add(&mut total, &part, input_digits.shift + weight_digits.shift);
            }
        }
    }
    Ok(total)
}
