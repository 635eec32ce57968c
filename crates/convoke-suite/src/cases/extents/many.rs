//! Each family with so many images, planes, rows or batches of a few elements each.

use ndarray::{ArrayD, arr0};

use super::named;
use crate::model::Attribute::{Int, Ints, Text};
use crate::model::Case;

pub(super) fn cases(n: usize) -> Vec<Case> {
    let mut cases = images(n);
    cases.extend(planes(n));
    cases.extend(rows(n));
    cases.extend(batches(n));
    cases
}

fn images(n: usize) -> Vec<Case> {
    let conv = |name: &str, operator: &'static str, weight: &[usize]| {
        let case = named(name, n).exact().whole("x", &[n, 1, 2, 2]).weight("w", weight);
        case.node(operator, "x w", "y", &[]).output("y")
    };
    vec![
        conv("images_conv_1x1", "Conv", &[2, 1, 1, 1]),
        conv("images_conv_2x2", "Conv", &[3, 1, 2, 2]),
        conv("images_conv_transpose", "ConvTranspose", &[1, 1, 1, 2]),
        named("images_conv_3x3", n)
            .exact()
            .whole("x", &[n, 1, 1, 2])
            .weight("w", &[2, 1, 3, 3])
            .node("Conv", "x w", "y", &[("pads", Ints(vec![1; 4]))])
            .output("y"),
    ]
}

fn planes(n: usize) -> Vec<Case> {
    let x = |name: &str| named(name, n).real("x", &[1, n, 2, 2]);
    let ones = || ArrayD::from_elem(vec![n], 1.5_f32);
    let kernel = || ("kernel_shape", Ints(vec![2, 1]));
    let pad = |mode: &'static str| {
        let case = x(&format!("planes_pad_{mode}")).list("pads", &[0, 0, 1, 0, 0, 0, 0, 0]);
        case.node("Pad", "x pads", "y", &[("mode", Text(mode))]).output("y")
    };
    vec![
        named("planes_conv_depthwise", n)
            .exact()
            .whole("x", &[1, n, 2, 2])
            .weight("w", &[n, 1, 2, 1])
            .node("Conv", "x w", "y", &[("group", Int(n as i64))])
            .output("y"),
        x("planes_max_pool").node("MaxPool", "x", "y", &[kernel()]).output("y"),
        x("planes_average_pool")
            .node("AveragePool", "x", "y", &[kernel()])
            .output("y"),
        x("planes_lp_pool").node("LpPool", "x", "y", &[kernel()]).output("y"),
        x("planes_global_average_pool")
            .node("GlobalAveragePool", "x", "y", &[])
            .output("y"),
        pad("constant"),
        pad("reflect"),
        x("planes_resize_nearest")
            .list("sizes", &[1, n as i64, 3, 1])
            .node("Resize", "x _ _ sizes", "y", &[("mode", Text("nearest"))])
            .output("y"),
        x("planes_resize_linear")
            .list("sizes", &[1, n as i64, 1, 3])
            .node("Resize", "x _ _ sizes", "y", &[("mode", Text("linear"))])
            .output("y"),
        x("planes_instance_norm")
            .constant("scale", ones())
            .constant("b", ones())
            .node("InstanceNormalization", "x scale b", "y", &[])
            .output("y"),
        x("planes_prelu")
            .small_weight("slope", &[n, 1, 1])
            .node("PRelu", "x slope", "y", &[])
            .output("y"),
    ]
}

fn rows(n: usize) -> Vec<Case> {
    let x = |name: &str| named(name, n).real("x", &[n, 3]);
    vec![
        x("rows_softmax").node("Softmax", "x", "y", &[]).output("y"),
        x("rows_layer_norm")
            .small_weight("scale", &[3])
            .node("LayerNormalization", "x scale", "y", &[])
            .output("y"),
        x("rows_reduce_max")
            .list("axes", &[1])
            .node("ReduceMax", "x axes", "y", &[])
            .output("y"),
        named("rows_argmax", n)
            .coarse("x", &[n, 3])
            .node("ArgMax", "x", "y", &[("axis", Int(1))])
            .whole_output("y"),
        x("rows_cumsum")
            .constant("axis", arr0(1_i64).into_dyn())
            .node("CumSum", "x axis", "y", &[])
            .output("y"),
        named("rows_top_k", n)
            .slow_if(n > 40_000)
            .coarse("x", &[n, 3])
            .list("k", &[2])
            .node("TopK", "x k", "y i", &[])
            .output("y")
            .whole_output("i"),
        x("rows_concat")
            .real("z", &[n, 1])
            .node("Concat", "z x", "y", &[("axis", Int(1))])
            .output("y"),
        x("rows_gather")
            .list("indices", &[2, -3])
            .node("Gather", "x indices", "y", &[("axis", Int(1))])
            .output("y"),
    ]
}

fn batches(n: usize) -> Vec<Case> {
    vec![
        named("batches_matmul", n)
            .exact()
            .whole("a", &[n, 1, 2])
            .whole("b", &[n, 2, 2])
            .node("MatMul", "a b", "y", &[])
            .output("y"),
        named("rows_matmul", n)
            .exact()
            .whole("a", &[n, 3])
            .weight("b", &[3, 2])
            .node("MatMul", "a b", "y", &[])
            .output("y"),
        named("batches_attention", n)
            .slow_if(n > 40_000)
            .real("q", &[n, 1, 2])
            .real("k", &[n, 2, 2])
            .real("v", &[n, 2, 1])
            .node("MatMul", "q k", "scores", &[])
            .node("Softmax", "scores", "weights", &[("axis", Int(-1))])
            .node("MatMul", "weights v", "y", &[])
            .output("y"),
    ]
}
