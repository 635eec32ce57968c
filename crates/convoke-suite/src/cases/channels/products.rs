//! Matrix products, linear layers, attention, recurrent layers.

use super::common::named;
use crate::model::Attribute::{Int, Text};
use crate::model::Case;

pub(super) fn cases(c: usize) -> Vec<Case> {
    let matmul = |name: &str, left: &[usize], right: &[usize]| {
        let case = named(name, c).exact().whole("a", left).whole("b", right);
        case.node("MatMul", "a b", "y", &[]).output("y")
    };
    let attention = |name: &str, queries: usize, keys: usize, width: usize| {
        named(name, c)
            .real("q", &[2, queries, width])
            .real("k", &[2, width, keys])
            .real("v", &[2, keys, width])
            .node("MatMul", "q k", "scores", &[])
            .node("Softmax", "scores", "weights", &[("axis", Int(-1))])
            .node("MatMul", "weights v", "y", &[])
            .output("y")
    };
    let recurrent = |name: &str, operator: &'static str, gates: usize| {
        named(name, c)
            .real("x", &[3, 2, 5])
            .small_weight("w", &[2, gates * c, 5])
            .small_weight("r", &[2, gates * c, c])
            .node(
                operator,
                "x w r",
                "y",
                &[("hidden_size", Int(c as i64)), ("direction", Text("bidirectional"))],
            )
            .output("y")
    };
    vec![
        matmul("matmul_k", &[3, 5, c], &[3, c, 7]),
        matmul("matmul_m", &[c, 9], &[9, 33]),
        matmul("matmul_n", &[2, 33, 9], &[9, c]),
        matmul("matmul_vector", &[c], &[c, 18]),
        named("gemm", c)
            .exact()
            .whole("x", &[5, c])
            .weight("w", &[18, c])
            .weight("b", &[18])
            .node("Gemm", "x w b", "y", &[("transB", Int(1))])
            .output("y"),
        named("gemm_out", c)
            .exact()
            .whole("x", &[19, 5])
            .weight("w", &[19, c])
            .weight("b", &[c])
            .node("Gemm", "x w b", "y", &[("transA", Int(1))])
            .output("y"),
        attention("attention_width", 5, 7, c),
        attention("attention_keys", 5, c, 8),
        attention("attention_queries", c, 7, 8),
        recurrent("lstm", "LSTM", 4),
        recurrent("gru", "GRU", 3),
    ]
}
