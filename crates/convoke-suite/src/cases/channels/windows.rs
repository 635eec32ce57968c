//! Pooling, padding and resizing.

use super::common::{Attributes, named};
use crate::model::Attribute::{Int, Ints, Text};
use crate::model::Case;

pub(super) fn cases(c: usize) -> Vec<Case> {
    let mut cases = pooling(c);
    cases.extend(padding(c));
    cases.extend(resizing(c));
    cases
}

fn pooling(c: usize) -> Vec<Case> {
    let on_plane = |name: &str, operator: &'static str, attributes: Attributes| {
        let case = named(name, c).real("x", &[2, c, 9, 7]);
        case.node(operator, "x", "y", attributes).output("y")
    };
    let kernel = || ("kernel_shape", Ints(vec![3, 2]));
    vec![
        on_plane(
            "max_pool",
            "MaxPool",
            &[kernel(), ("strides", Ints(vec![2, 1])), ("pads", Ints(vec![1, 0, 1, 1]))],
        ),
        named("max_pool_indices", c)
            .coarse("x", &[2, c, 9, 7])
            .node("MaxPool", "x", "y i", &[kernel(), ("dilations", Ints(vec![2, 3]))])
            .output("y")
            .whole_output("i"),
        on_plane(
            "average_pool",
            "AveragePool",
            &[kernel(), ("pads", Ints(vec![1, 1, 0, 0])), ("count_include_pad", Int(1))],
        ),
        on_plane(
            "average_pool_strided",
            "AveragePool",
            &[kernel(), ("pads", Ints(vec![1, 1, 1, 0])), ("strides", Ints(vec![2, 2]))],
        ),
        on_plane("lp_pool", "LpPool", &[kernel(), ("p", Int(2))]),
        on_plane("global_average_pool", "GlobalAveragePool", &[]),
        on_plane("global_max_pool", "GlobalMaxPool", &[]),
        named("max_pool_volume", c)
            .real("x", &[1, c, 5, 4, 6])
            .node("MaxPool", "x", "y", &[("kernel_shape", Ints(vec![2, 3, 2]))])
            .output("y"),
    ]
}

fn padding(c: usize) -> Vec<Case> {
    let modes = ["constant", "reflect", "edge", "wrap"].into_iter().map(|mode| {
        let case = named(&format!("pad_{mode}"), c).real("x", &[1, c, 6, 5]);
        let case = case.list("pads", &[0, 0, 2, 1, 0, 0, 3, 4]);
        case.node("Pad", "x pads", "y", &[("mode", Text(mode))]).output("y")
    });
    let channels = named("pad_channels", c)
        .real("x", &[2, c, 5])
        .list("pads", &[0, 1, 0, 1, 2, -1]);
    modes.chain([channels.node("Pad", "x pads", "y", &[]).output("y")]).collect()
}

fn resizing(c: usize) -> Vec<Case> {
    ["nearest", "linear", "cubic"]
        .into_iter()
        .map(|mode| {
            let case = named(&format!("resize_{mode}"), c).real("x", &[1, c, 5, 7]);
            let case = case.list("sizes", &[1, c as i64, 11, 4]);
            case.node("Resize", "x _ _ sizes", "y", &[("mode", Text(mode))]).output("y")
        })
        .collect()
}
