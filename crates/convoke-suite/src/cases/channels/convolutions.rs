//! Convolutions of signals, images and volumes, transposed ones among them.

use super::common::{Attributes, named};
use crate::model::Attribute::{Int, Ints};
use crate::model::Case;

pub(super) fn cases(c: usize) -> Vec<Case> {
    let mut cases = of_all_channels(c);
    cases.extend(grouped(c));
    cases.extend(other_axes(c));
    cases.extend(transposed(c));
    cases
}

/// A convolution of two images, with a bias.
fn conv(name: &str, c: usize, weight: &[usize], attributes: Attributes) -> Case {
    let case = named(name, c)
        .exact()
        .whole("x", &[2, c, 9, 11])
        .weight("w", weight)
        .weight("b", &weight[..1]);
    case.node("Conv", "x w b", "y", attributes).output("y")
}

fn of_all_channels(c: usize) -> Vec<Case> {
    vec![
        conv("conv_1x1", c, &[5, c, 1, 1], &[]),
        conv("conv_1x1_strided", c, &[18, c, 1, 1], &[("strides", Ints(vec![2, 3]))]),
        // Winograd's, where a class of device has it.
        conv("conv_3x3", c, &[16, c, 3, 3], &[("pads", Ints(vec![1; 4]))]),
        conv("conv_3x3_strided", c, &[7, c, 3, 3], &[("strides", Ints(vec![2, 2]))]),
        conv(
            "conv_3x2_dilated",
            c,
            &[3, c, 3, 2],
            &[("dilations", Ints(vec![2, 3])), ("pads", Ints(vec![1, 0, 2, 3]))],
        ),
        named("conv_3x3_out_channels", c)
            .exact()
            .whole("x", &[1, 5, 6, 7])
            .weight("w", &[c, 5, 3, 3])
            .node("Conv", "x w", "y", &[])
            .output("y"),
        named("conv_1x1_out_channels", c)
            .exact()
            .whole("x", &[2, 33, 3, 5])
            .weight("w", &[c, 33, 1, 1])
            .node("Conv", "x w", "y", &[])
            .output("y"),
        named("conv_relu_sum", c)
            .exact()
            .whole("x", &[1, c, 6, 7])
            .weight("w", &[c, c, 3, 3])
            .node("Conv", "x w", "t", &[("pads", Ints(vec![1; 4]))])
            .node("Add", "t x", "sum", &[])
            .node("Relu", "sum", "y", &[])
            .output("y"),
    ]
}

fn grouped(c: usize) -> Vec<Case> {
    let of_each = |name: &str, out: usize, kernel: [usize; 2], strides: [i64; 2]| {
        let attributes = [("group", Int(c as i64)), ("strides", Ints(strides.to_vec()))];
        conv(name, c, &[out, 1, kernel[0], kernel[1]], &attributes)
    };
    vec![
        of_each("conv_depthwise", c, [3, 3], [1, 1]),
        of_each("conv_depthwise_strided", c, [5, 3], [1, 2]),
        of_each("conv_depthwise_two", 2 * c, [3, 5], [1, 1]),
        named("conv_grouped", c)
            .exact()
            .whole("x", &[1, 3 * c, 6, 7])
            .weight("w", &[6, c, 3, 3])
            .node("Conv", "x w", "y", &[("group", Int(3))])
            .output("y"),
    ]
}

fn other_axes(c: usize) -> Vec<Case> {
    vec![
        named("conv_signal", c)
            .exact()
            .whole("x", &[2, c, 19])
            .weight("w", &[6, c, 4])
            .node("Conv", "x w", "y", &[("strides", Ints(vec![2])), ("pads", Ints(vec![1, 2]))])
            .output("y"),
        named("conv_volume", c)
            .exact()
            .whole("x", &[1, c, 4, 5, 6])
            .weight("w", &[3, c, 2, 3, 2])
            .node("Conv", "x w", "y", &[("pads", Ints(vec![1, 0, 1, 0, 1, 0]))])
            .output("y"),
    ]
}

fn transposed(c: usize) -> Vec<Case> {
    let of = |name: &str, weight: &[usize], attributes: Attributes| {
        let case = named(name, c).exact().whole("x", &[2, c, 5, 7]).weight("w", weight);
        case.node("ConvTranspose", "x w", "y", attributes).output("y")
    };
    vec![
        of(
            "conv_transpose",
            &[c, 3, 3, 2],
            &[("strides", Ints(vec![2, 1])), ("pads", Ints(vec![1, 0, 0, 1]))],
        ),
        of("conv_transpose_2x2", &[c, 6, 2, 2], &[("strides", Ints(vec![2, 2]))]),
        of(
            "conv_transpose_depthwise",
            &[c, 1, 3, 3],
            &[("group", Int(c as i64)), ("strides", Ints(vec![2, 3]))],
        ),
        named("conv_transpose_out_channels", c)
            .exact()
            .whole("x", &[1, 6, 4, 5])
            .weight("w", &[6, c, 3, 3])
            .node("ConvTranspose", "x w", "y", &[("dilations", Ints(vec![2, 1]))])
            .output("y"),
    ]
}
