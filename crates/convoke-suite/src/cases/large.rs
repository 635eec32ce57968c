//! Tensors of 2^24 elements, of bindings around 128 MiB and of 2^31 bytes. They are made within the graph, as sums of a column and a
//! row, and come out as sums or a few rows, so that files stay small.

use crate::model::Attribute::{Int, Ints};
use crate::model::Case;

/// Rows and columns of tensors whose every element goes into an answer.
const SUMMED: [(&str, usize, usize); 5] = [
    ("2pow24_less", 4096, 4095),
    ("2pow24", 4096, 4096),
    ("2pow24_more", 4096, 4097),
    // 128 MiB, which is WebGPU's default for a storage binding, and a row more.
    ("128mib", 8192, 4096),
    ("128mib_more", 8193, 4096),
];

/// Rows and columns of tensors of which a few rows are answers.
const SAMPLED: [(&str, usize, usize); 4] = [
    ("128mib_of_f16", 16_384, 4096),
    ("128mib_of_f16_more", 16_385, 4096),
    ("2pow31_bytes", 32_768, 16_384),
    ("2pow31_bytes_of_f16", 65_536, 16_384),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = SUMMED.into_iter().flat_map(summed).collect();
    cases.extend(SAMPLED.into_iter().flat_map(sampled));
    cases
}

/// A case about `x`, of whole numbers from -16 to 16.
fn sum(name: String, rows: usize, columns: usize) -> Case {
    let case = Case::new(name)
        .large()
        .exact()
        .whole("column", &[rows, 1])
        .whole("row", &[1, columns]);
    case.node("Add", "column row", "x", &[])
}

/// Each element of `t` is in one row's sum and one column's.
fn with_sums(case: Case) -> Case {
    let case = case.list("rows", &[-1]).list("columns", &[-2]);
    case.node("ReduceSum", "t rows", "of_rows", &[("keepdims", Int(0))])
        .node("ReduceSum", "t columns", "of_columns", &[("keepdims", Int(0))])
        .output("of_rows")
        .output("of_columns")
}

fn summed((size, rows, columns): (&str, usize, usize)) -> Vec<Case> {
    let begin = |name: &str| sum(format!("large_{name}_{size}"), rows, columns);
    let (height, width) = (rows as i64, columns as i64);
    let image = |name: &str| {
        let case = begin(name).list("as_image", &[1, 1, height, width]);
        case.node("Reshape", "x as_image", "image", &[])
    };
    vec![
        with_sums(begin("relu").node("Relu", "x", "t", &[])),
        with_sums(begin("broadcast").node("Mul", "x row", "t", &[])),
        with_sums(
            begin("transpose")
                .node("Transpose", "x", "turned", &[])
                .node("Neg", "turned", "t", &[]),
        ),
        with_sums(
            begin("concat")
                .list("sizes", &[height / 2, height - height / 2])
                .node("Split", "x sizes", "upper lower", &[("axis", Int(0))])
                .node("Concat", "lower upper", "t", &[("axis", Int(0))]),
        ),
        with_sums(
            image("pad")
                .list("pads", &[0, 0, 0, 0, 0, 0, 0, 1])
                .node("Pad", "image pads", "t", &[]),
        ),
        with_sums(image("max_pool").node(
            "MaxPool",
            "image",
            "t",
            &[("kernel_shape", Ints(vec![3, 1])), ("strides", Ints(vec![1, 2]))],
        )),
        with_sums(image("conv").weight("w", &[1, 1, 3, 1]).node("Conv", "image w", "t", &[])),
        begin("matmul")
            .whole("factors", &[columns, 1])
            .node("MatMul", "x factors", "y", &[])
            .output("y"),
        begin("matmul_right")
            .whole("factors", &[2, rows])
            .node("MatMul", "factors x", "y", &[])
            .output("y"),
        begin("argmax")
            .node("ArgMax", "x", "y", &[("axis", Int(1))])
            .whole_output("y"),
        begin("cumsum")
            .list("last", &[height - 1])
            .constant("axis", ndarray::arr0(0_i64).into_dyn())
            .node("CumSum", "x axis", "t", &[])
            .node("Gather", "t last", "y", &[("axis", Int(0))])
            .output("y"),
    ]
}

/// A few rows of what a function of elements gives, by the definition those of the rows alone: that is what the reference computes.
fn sampled((size, rows, columns): (&str, usize, usize)) -> Vec<Case> {
    let (half, last) = (rows as i64 / 2, rows as i64 - 1);
    let of = |operator: &'static str| {
        let begin = || {
            Case::new(format!("large_{}_{size}", operator.to_lowercase()))
                .large()
                .exact()
                .whole("column", &[rows, 1])
                .whole("row", &[1, columns])
                .list("chosen", &[0, half - 1, half, last])
        };
        let of_rows = begin()
            .node("Gather", "column chosen", "few", &[])
            .node("Add", "few row", "x", &[])
            .node(operator, "x", "y", &[])
            .output("y");
        begin()
            .node("Add", "column row", "x", &[])
            .node(operator, "x", "t", &[])
            .node("Gather", "t chosen", "y", &[])
            .output("y")
            .same_as(of_rows)
    };
    vec![of("Relu"), of("Neg")]
}
