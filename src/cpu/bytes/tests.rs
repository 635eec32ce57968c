//! Every kind of vectors against the kernels of floats, which add up the same numbers digit by digit.

use ndarray::Array1;

use super::blocks;
use super::{Bytes, ConvWeights, Input, MatMulWeights, Vectors, conv, matmul};
use crate::cpu::blocked::{Layout, rearrange, rearranged};
use crate::cpu::conv_integer::conv_integer;
use crate::cpu::matmul::places;
use crate::cpu::matmul_integer::matmul_integer;
use crate::ops::{Conv, ConvInteger, MatMul};
use crate::padding::PaddingMode;
use crate::tensor::Tensor;
use crate::testing::Random;

/// Ranges of numbers: bytes of both kinds, bytes without a zero point in between, and one number.
const RANGES: [[i32; 2]; 4] = [[0, 255], [-128, 127], [-77, 178], [5, 5]];

/// Numbers of a range, both ends among them where there is room.
fn numbers(random: &mut Random, shape: &[usize], [least, most]: [i32; 2]) -> Vec<i32> {
    let count = (most - least + 1) as usize;
    let numbers = (0..shape.iter().product()).map(|_| least + random.below(count) as i32);
    let mut numbers: Vec<i32> = numbers.collect();
    if let [first, .., last] = numbers.as_mut_slice() {
        (*first, *last) = (most, least);
    }
    numbers
}

fn tensor(numbers: &[i32]) -> Tensor {
    Array1::from_vec(numbers.to_vec()).into()
}

/// Bytes without a sign, with 99 beyond the last channel.
fn in_blocks(bytes: &Bytes<'_>, shape: &[usize]) -> Tensor {
    let plain: Vec<u8> = bytes.data().iter().map(|byte| byte ^ bytes.flip()).collect();
    let mut blocked = vec![99_u8; Layout::Blocked.length(shape)];
    rearrange(shape, Layout::Blocked, &plain, &mut blocked);
    Array1::from_vec(blocked).into()
}

#[test]
fn convolutions_are_the_same_by_all_vectors() {
    let padded = Conv::new().padding(1);
    let cases: [(Conv, &[usize], &[usize]); 17] = [
        (padded, &[2, 5, 9, 7], &[13, 5, 3, 3]),
        // Whole words of channels; more than one tile; tiles parted by rows.
        (padded.stride(2), &[1, 8, 40, 33], &[7, 8, 3, 2]),
        (Conv::new(), &[1, 16, 5, 13], &[40, 16, 1, 1]),
        (Conv::new().padding(2).dilation(2), &[1, 3, 60, 55], &[130, 3, 3, 3]),
        (padded.groups(2), &[2, 10, 4, 6], &[18, 5, 3, 3]),
        // By the definition, with sums that floats hold, and with sums that they do not.
        (padded.groups(6), &[2, 6, 9, 31], &[6, 1, 3, 3]),
        (padded.groups(5).stride(2), &[2, 5, 7, 30], &[5, 1, 3, 3]),
        (padded.groups(4).padding(2).dilation(2), &[1, 4, 3, 70], &[4, 1, 3, 2]),
        (
            padded.groups(3).padding_mode(PaddingMode::Circular),
            &[2, 3, 4, 4],
            &[3, 1, 3, 3],
        ),
        (Conv::new().groups(3).stride(3), &[2, 3, 40], &[3, 1, 5]),
        (padded.groups(2).padding(10), &[1, 2, 9, 31], &[2, 1, 17, 19]),
        (padded.padding_mode(PaddingMode::Reflect), &[1, 9, 6, 5], &[9, 9, 3, 3]),
        (Conv::new().padding(1), &[1, 4, 50], &[9, 4, 3]),
        // Blocks of channels: several panels, one of them not full; groups of whole blocks; channels by themselves.
        (padded.padding_mode(PaddingMode::Reflect), &[2, 21, 7, 9], &[150, 21, 3, 3]),
        (padded.groups(2).stride(2), &[1, 32, 9, 8], &[64, 16, 3, 3]),
        (padded.groups(37).stride(2), &[2, 37, 9, 31], &[37, 1, 3, 3]),
        (Conv::new().groups(16).padding(2).dilation(2), &[1, 16, 40], &[16, 1, 3]),
    ];
    let mut random = Random::new(7);
    for (op, shape, weight_shape) in cases {
        for (input, weight) in RANGES.into_iter().flat_map(|input| RANGES.map(|weight| (input, weight))) {
            let (input, weight) = (numbers(&mut random, shape, input), numbers(&mut random, weight_shape, weight));
            let want = conv_integer(ConvInteger::new(op), (&input, shape), (&weight, weight_shape)).unwrap();
            let input = tensor(&input);
            let view = input.view();
            let bytes = Bytes::new(&view, 0).unwrap().unwrap();
            let blocked = in_blocks(&bytes, shape);
            let blocked = blocked.view();
            let blocked = Bytes::new(&blocked, bytes.offset().wrapping_neg()).unwrap().unwrap();
            let output_shape = op.geometry(shape, weight_shape, None).unwrap().output_shape();
            let finish = |_, sums: &mut [i32], output: &mut [i32]| output.copy_from_slice(sums);
            for vectors in Vectors::all() {
                let mut got = vec![0; want.len()];
                let weights = ConvWeights::new(vectors, &op, &weight, weight_shape).unwrap();
                let input = Input {
                    bytes: &bytes,
                    shape,
                    layout: Layout::Plain,
                };
                conv(vectors, &op, input, &weights, (&mut got, Layout::Plain), finish).unwrap();
                assert!(got == want, "{op:?} of {shape:?} by {vectors:?}");
                if let Some(weights) = blocks::Weights::new(&op, &weight, weight_shape) {
                    for (bytes, layout) in [(&bytes, Layout::Plain), (&blocked, Layout::Blocked)] {
                        let mut got = vec![0; Layout::Blocked.length(&output_shape)];
                        weights.conv(vectors, &op, (bytes, shape, layout), &mut got, finish).unwrap();
                        let plain = rearranged(&output_shape, Layout::Plain, &got);
                        assert!(plain == want, "{op:?} of {shape:?} in blocks by {vectors:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn products_of_matrices_are_the_same_by_all_vectors() {
    let cases: [(&[usize], &[usize]); 6] = [
        (&[1, 512], &[512, 1000]),
        (&[13, 7], &[7, 33]),
        (&[70, 21], &[21, 130]),
        (&[4, 1, 3, 9], &[2, 9, 5]),
        (&[6], &[6]),
        (&[2, 5, 8], &[8, 1]),
    ];
    let mut random = Random::new(8);
    for (left_shape, right_shape) in cases {
        for (left, right) in RANGES.into_iter().flat_map(|left| RANGES.map(|right| (left, right))) {
            let (left, right) = (
                numbers(&mut random, left_shape, left),
                numbers(&mut random, right_shape, right),
            );
            let want = matmul_integer((&left, left_shape), (&right, right_shape)).unwrap();
            let extents = MatMul::extents(left_shape, right_shape).unwrap();
            let weights = MatMulWeights::new(&right, [extents.inner, extents.columns]).unwrap();
            let left = tensor(&left);
            let view = left.view();
            let bytes = Bytes::new(&view, 0).unwrap().unwrap();
            for vectors in Vectors::all() {
                let mut got = vec![0; want.len()];
                let finish = |_, sums: &mut [i32], output: &mut [i32]| output.copy_from_slice(sums);
                matmul(
                    vectors,
                    (&bytes, extents.rows),
                    &weights,
                    &places(&extents).unwrap(),
                    &mut got,
                    finish,
                );
                assert!(got == want, "{left_shape:?} by {right_shape:?} by {vectors:?}");
            }
        }
    }
}

#[test]
fn numbers_are_bytes_where_they_and_0_lie_close_together() {
    let is_bytes = |tensor: Tensor, zero_point| Bytes::new(&tensor.view(), zero_point).unwrap().is_some();
    assert!(is_bytes(tensor(&[-100, 155]), 0));
    assert!(!is_bytes(tensor(&[-100, 156]), 0));
    assert!(!is_bytes(tensor(&[1, 256]), 0));
    assert!(is_bytes(tensor(&[i32::MAX, i32::MAX - 255]), i32::MAX));
    assert!(!is_bytes(tensor(&[i32::MIN, i32::MAX]), 0));
    let bytes: Tensor = ndarray::array![-128_i8, 127].into();
    assert!(is_bytes(bytes.clone(), -128) && is_bytes(bytes.clone(), 127));
    assert!(!is_bytes(bytes, 128));
    // Each line of weights by itself.
    let close = [0, 255, -300, -45];
    assert!(MatMulWeights::new(&close, [4, 1]).is_none());
    assert!(MatMulWeights::new(&[0, -300, 255, -45], [2, 2]).is_some());
}
