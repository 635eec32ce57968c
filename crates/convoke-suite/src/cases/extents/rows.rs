//! Each family along one axis of so many elements.

use ndarray::arr0;

use super::named;
use crate::model::Attribute::{Float, Int, Ints, Text};
use crate::model::{Case, I32};

pub(super) fn cases(n: usize) -> Vec<Case> {
    let mut cases = sums(n);
    cases.extend(products(n));
    cases.extend(windows(n));
    cases.extend(moved(n));
    cases.extend(by_index(n));
    cases.extend(orders(n));
    cases
}

fn sums(n: usize) -> Vec<Case> {
    let over = |name: &str, operator: &'static str, shape: [usize; 2], axis: i64| {
        let case = named(name, n).real("x", &shape).list("axes", &[axis]);
        case.node(operator, "x axes", "y", &[]).output("y")
    };
    let whole = |name: &str, shape: [usize; 2], axis: i64| {
        let case = named(name, n).exact().whole("x", &shape).list("axes", &[axis]);
        case.node("ReduceSum", "x axes", "y", &[]).output("y")
    };
    let ones = || ndarray::ArrayD::from_elem(vec![n], 1.5_f32);
    vec![
        whole("row_reduce_sum", [2, n], 1),
        whole("column_reduce_sum", [n, 2], 0),
        over("row_reduce_mean", "ReduceMean", [2, n], 1),
        over("row_reduce_max", "ReduceMax", [2, n], 1),
        over("column_reduce_min", "ReduceMin", [n, 2], 0),
        over("row_reduce_l2", "ReduceL2", [1, n], 1),
        named("row_softmax", n)
            .real("x", &[2, n])
            .node("Softmax", "x", "y", &[("axis", Int(1))])
            .output("y"),
        named("column_log_softmax", n)
            .real("x", &[n, 2])
            .node("LogSoftmax", "x", "y", &[("axis", Int(0))])
            .output("y"),
        named("row_layer_norm", n)
            .real("x", &[2, n])
            .constant("scale", ones())
            .node("LayerNormalization", "x scale", "y", &[])
            .output("y"),
        named("plane_instance_norm", n)
            .real("x", &[1, 2, n, 1])
            .constant("scale", ndarray::arr1(&[1.5_f32, 0.5]).into_dyn())
            .constant("b", ndarray::arr1(&[1.0_f32, -1.0]).into_dyn())
            .node("InstanceNormalization", "x scale b", "y", &[])
            .output("y"),
        named("row_cumsum", n)
            .exact()
            .whole("x", &[2, n])
            .constant("axis", arr0(1_i64).into_dyn())
            .node("CumSum", "x axis", "y", &[])
            .output("y"),
        named("column_cumsum_exclusive", n)
            .exact()
            .whole("x", &[n, 2])
            .constant("axis", arr0(0_i64).into_dyn())
            .node("CumSum", "x axis", "y", &[("exclusive", Int(1)), ("reverse", Int(1))])
            .output("y"),
    ]
}

fn products(n: usize) -> Vec<Case> {
    let attention = |name: &str, queries: usize, keys: usize| {
        named(name, n)
            .real("q", &[queries, 4])
            .real("k", &[4, keys])
            .real("v", &[keys, 4])
            .node("MatMul", "q k", "scores", &[])
            .node("Softmax", "scores", "weights", &[("axis", Int(-1))])
            .node("MatMul", "weights v", "y", &[])
            .output("y")
    };
    vec![
        named("row_matmul", n)
            .exact()
            .whole("a", &[1, n])
            .whole("b", &[n, 2])
            .node("MatMul", "a b", "y", &[])
            .output("y"),
        named("row_gemm", n)
            .exact()
            .whole("x", &[3, 2])
            .weight("w", &[n, 2])
            .node("Gemm", "x w", "y", &[("transB", Int(1))])
            .output("y"),
        named("conv_1x1_in", n)
            .exact()
            .whole("x", &[1, n, 1, 2])
            .weight("w", &[2, n, 1, 1])
            .node("Conv", "x w", "y", &[])
            .output("y"),
        named("conv_1x1_out", n)
            .exact()
            .whole("x", &[1, 2, 1, 2])
            .weight("w", &[n, 2, 1, 1])
            .node("Conv", "x w", "y", &[])
            .output("y"),
        named("row_matmul_integer", n)
            .byte("a", &[2, n])
            .byte("b", &[n, 1])
            .node("MatMulInteger", "a b", "y", &[])
            .output_of("y", I32),
        attention("attention_keys", 2, n),
        attention("attention_queries", n, 3),
    ]
}

fn windows(n: usize) -> Vec<Case> {
    let signal = |name: &str| named(name, n).real("x", &[1, 2, n]);
    let conv = |name: &str, weight: &[usize], group: i64| {
        let case = named(name, n).exact().whole("x", &[1, 2, n]).weight("w", weight);
        case.node("Conv", "x w", "y", &[("group", Int(group))]).output("y")
    };
    let pad = |mode: &'static str| {
        let case = signal(&format!("signal_pad_{mode}")).list("pads", &[0, 0, 3, 0, 0, 2]);
        // The reference walks to each element from the first.
        let case = case.slow_if(mode != "constant" && n > 4096);
        case.node("Pad", "x pads", "y", &[("mode", Text(mode))]).output("y")
    };
    let resize = |mode: &'static str| {
        let case = named(&format!("image_resize_{mode}"), n).real("x", &[1, 1, 2, n]);
        let case = case.list("sizes", &[1, 1, 3, n as i64 + 1]);
        case.node("Resize", "x _ _ sizes", "y", &[("mode", Text(mode))]).output("y")
    };
    vec![
        conv("signal_conv", &[3, 2, 3], 1),
        conv("signal_conv_depthwise", &[2, 1, 5], 2),
        named("image_conv_3x3", n)
            .exact()
            .whole("x", &[1, 1, 3, n])
            .weight("w", &[2, 1, 3, 3])
            .node("Conv", "x w", "y", &[("pads", Ints(vec![0, 1, 0, 1]))])
            .output("y"),
        named("signal_conv_transpose", n)
            .exact()
            .whole("x", &[1, 2, n])
            .weight("w", &[2, 1, 3])
            .node("ConvTranspose", "x w", "y", &[])
            .output("y"),
        signal("signal_max_pool")
            .node("MaxPool", "x", "y", &[("kernel_shape", Ints(vec![3]))])
            .output("y"),
        named("signal_max_pool_whole", n)
            .coarse("x", &[1, 2, n])
            .node("MaxPool", "x", "y i", &[("kernel_shape", Ints(vec![n as i64]))])
            .output("y")
            .whole_output("i"),
        signal("signal_average_pool")
            .node(
                "AveragePool",
                "x",
                "y",
                &[("kernel_shape", Ints(vec![2])), ("strides", Ints(vec![2]))],
            )
            .output("y"),
        named("plane_average", n)
            .real("x", &[1, 2, n, 1])
            .node("GlobalAveragePool", "x", "y", &[])
            .output("y"),
        pad("constant"),
        pad("reflect"),
        pad("edge"),
        pad("wrap"),
        resize("nearest"),
        resize("linear"),
    ]
}

fn moved(n: usize) -> Vec<Case> {
    let sub = |name: &str| named(name, n).real("x", &[n]);
    vec![
        sub("row_relu").node("Relu", "x", "y", &[]).output("y"),
        sub("row_sigmoid").node("Sigmoid", "x", "y", &[]).output("y"),
        named("row_add", n)
            .real("a", &[n])
            .real("b", &[2, 1])
            .node("Add", "a b", "y", &[])
            .output("y"),
        named("row_where", n)
            .real("a", &[n])
            .real("b", &[1])
            .node("Less", "a b", "is_less", &[])
            .node("Where", "is_less a b", "y", &[])
            .output("y"),
        named("row_transpose", n)
            .real("x", &[n, 3])
            .node("Transpose", "x", "y", &[("perm", Ints(vec![1, 0]))])
            .output("y"),
        sub("row_concat")
            .real("z", &[3])
            .node("Concat", "x z", "y", &[("axis", Int(0))])
            .output("y"),
        sub("row_slice_backwards")
            .list("starts", &[n as i64 - 1])
            .list("ends", &[-1_000_000])
            .list("axes", &[0])
            .list("steps", &[-1])
            .node("Slice", "x starts ends axes steps", "y", &[])
            .output("y"),
        named("row_expand", n)
            .real("x", &[1, 2])
            .list("shape", &[n as i64, 2])
            .node("Expand", "x shape", "y", &[])
            .output("y"),
        named("row_quantize", n)
            .stepwise()
            .real("x", &[n])
            .constant("scale", arr0(0.0625_f32).into_dyn())
            .node("QuantizeLinear", "x scale", "q", &[])
            .node("DequantizeLinear", "q scale", "y", &[])
            .output("y"),
    ]
}

fn by_index(n: usize) -> Vec<Case> {
    let last = n as i64 - 1;
    let places = [last, 0, last - 1, 2046, last / 2];
    let sub = |name: &str| named(name, n).real("x", &[n]);
    vec![
        named("row_gather", n)
            .real("x", &[n, 2])
            .list("indices", &[last, 0, last - 1, 2046, -1])
            .node("Gather", "x indices", "y", &[])
            .output("y"),
        sub("row_gather_elements")
            .list("indices", &places)
            .node("GatherElements", "x indices", "y", &[])
            .output("y"),
        sub("row_scatter_elements")
            .list("indices", &places)
            .real("updates", &[5])
            .node("ScatterElements", "x indices updates", "y", &[])
            .output("y"),
        sub("row_scatter_nd")
            .constant("indices", ndarray::array![[last], [2046]].into_dyn())
            .real("updates", &[2])
            .node("ScatterND", "x indices updates", "y", &[])
            .output("y"),
    ]
}

fn orders(n: usize) -> Vec<Case> {
    vec![
        named("row_argmin", n)
            .coarse("x", &[2, n])
            .node("ArgMin", "x", "y", &[("axis", Int(1))])
            .whole_output("y"),
        named("column_argmax", n)
            .coarse("x", &[n, 2])
            .node("ArgMax", "x", "y", &[("axis", Int(0))])
            .whole_output("y"),
        named("row_top_k", n)
            .coarse("x", &[n])
            .list("k", &[3])
            .node("TopK", "x k", "y i", &[])
            .output("y")
            .whole_output("i"),
        // The reference looks at all channels for each.
        named("channels_lrn", n)
            .slow_if(n > 4096)
            .real("x", &[1, n, 1, 1])
            .node("LRN", "x", "y", &[("size", Int(3)), ("alpha", Float(0.5))])
            .output("y"),
    ]
}
