//! Reductions, softmax, norms, the best of rows, running sums.

use ndarray::ArrayD;

use super::common::{Attributes, named};
use crate::model::Attribute::{Float, Int};
use crate::model::Case;

pub(super) fn cases(c: usize) -> Vec<Case> {
    let mut cases = reductions(c);
    cases.extend(norms(c));
    cases.extend(orders(c));
    cases
}

fn on(name: &str, c: usize, operator: &'static str, attributes: Attributes) -> Case {
    let case = named(name, c).real("x", &[3, c, 5]);
    case.node(operator, "x", "y", attributes)
}

fn reductions(c: usize) -> Vec<Case> {
    let over = |name: &str, operator: &'static str, axes: &[i64]| {
        let case = named(name, c).real("x", &[3, c, 5]).list("axes", axes);
        case.node(operator, "x axes", "y", &[("keepdims", Int(0))]).output("y")
    };
    vec![
        named("reduce_sum", c)
            .exact()
            .whole("x", &[3, c, 5])
            .list("axes", &[1])
            .node("ReduceSum", "x axes", "y", &[])
            .output("y"),
        over("reduce_mean", "ReduceMean", &[1]),
        over("reduce_mean_last", "ReduceMean", &[1, 2]),
        over("reduce_max", "ReduceMax", &[0, 2]),
        over("reduce_min", "ReduceMin", &[1]),
        over("reduce_prod", "ReduceProd", &[1]),
        over("reduce_l1", "ReduceL1", &[2]),
        over("reduce_l2", "ReduceL2", &[1]),
        over("reduce_log_sum_exp", "ReduceLogSumExp", &[1]),
        on("softmax_channels", c, "Softmax", &[("axis", Int(1))]).output("y"),
        on("log_softmax_channels", c, "LogSoftmax", &[("axis", Int(1))]).output("y"),
        named("softmax_last", c)
            .real("x", &[4, c])
            .node("Softmax", "x", "y", &[("axis", Int(-1))])
            .output("y"),
    ]
}

fn norms(c: usize) -> Vec<Case> {
    let of_each = |case: Case| {
        let ones = ArrayD::from_elem(vec![c], 1.5_f32);
        case.constant("scale", ones.clone()).constant("b", ones)
    };
    vec![
        named("lrn", c)
            .real("x", &[2, c, 3, 2])
            .node("LRN", "x", "y", &[("size", Int(3)), ("alpha", Float(0.5))])
            .output("y"),
        of_each(named("instance_norm", c).real("x", &[2, c, 5, 7]))
            .node("InstanceNormalization", "x scale b", "y", &[])
            .output("y"),
        of_each(named("layer_norm", c).real("x", &[3, 5, c]))
            .node("LayerNormalization", "x scale b", "y", &[])
            .output("y"),
        of_each(named("batch_norm", c).real("x", &[2, c, 3, 5]))
            .small_weight("mean", &[c])
            .constant("variance", ArrayD::from_elem(vec![c], 0.75_f32))
            .node("BatchNormalization", "x scale b mean variance", "y", &[])
            .output("y"),
    ]
}

fn orders(c: usize) -> Vec<Case> {
    let place = |name: &str, operator: &'static str, attributes: Attributes| {
        let case = named(name, c).coarse("x", &[3, c, 5]);
        case.node(operator, "x", "y", attributes).whole_output("y")
    };
    vec![
        place("argmax", "ArgMax", &[("axis", Int(1))]),
        place("argmin_last", "ArgMin", &[("axis", Int(1)), ("select_last_index", Int(1))]),
        named("cumsum_reverse", c)
            .exact()
            .whole("x", &[3, c, 5])
            .constant("axis", ndarray::arr0(1_i64).into_dyn())
            .node("CumSum", "x axis", "y", &[("reverse", Int(1))])
            .output("y"),
        named("top_k", c)
            .coarse("x", &[3, c])
            .list("k", &[c.div_ceil(2) as i64])
            .node("TopK", "x k", "y indices", &[])
            .output("y")
            .whole_output("indices"),
    ]
}
