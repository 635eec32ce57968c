//! Functions of one, two and three elements, broadcast along axes.

use super::common::named;
use crate::model::Attribute::Float;
use crate::model::Case;

const OF_ONE: [(&str, &str); 12] = [
    ("relu", "Relu"),
    ("neg", "Neg"),
    ("abs", "Abs"),
    ("floor", "Floor"),
    ("exp", "Exp"),
    ("tanh", "Tanh"),
    ("sigmoid", "Sigmoid"),
    ("erf", "Erf"),
    ("softplus", "Softplus"),
    ("hard_swish", "HardSwish"),
    ("sin", "Sin"),
    ("reciprocal", "Reciprocal"),
];

const OF_TWO: [(&str, &str); 6] = [
    ("add", "Add"),
    ("sub", "Sub"),
    ("mul", "Mul"),
    ("div", "Div"),
    ("min", "Min"),
    ("max", "Max"),
];

pub(super) fn cases(c: usize) -> Vec<Case> {
    let of_one = OF_ONE.into_iter().map(|(name, operator)| {
        let case = named(name, c).real("x", &[2, c, 3]);
        case.node(operator, "x", "y", &[]).output("y")
    });
    let of_two = OF_TWO.into_iter().flat_map(|(name, operator)| {
        let along = named(&format!("{name}_channels"), c).real("a", &[2, c, 3]).real("b", &[c, 1]);
        let alike = named(name, c).real("a", &[3, c]).real("b", &[3, c]);
        [along, alike].map(|case| case.node(operator, "a b", "y", &[]).output("y"))
    });
    let several = [
        named("where", c)
            .real("a", &[2, c, 3])
            .real("b", &[c, 1])
            .node("Greater", "a b", "is_greater", &[])
            .node("Where", "is_greater a b", "y", &[])
            .output("y"),
        named("prelu", c)
            .real("x", &[2, c, 3])
            .small_weight("slope", &[c, 1])
            .node("PRelu", "x slope", "y", &[])
            .output("y"),
        named("chain", c)
            .real("x", &[2, c, 3])
            .small_weight("scale", &[c, 1])
            .node("Mul", "x scale", "s", &[])
            .node("Sigmoid", "s", "t", &[])
            .node("Mul", "s t", "u", &[])
            .node("LeakyRelu", "u", "y", &[("alpha", Float(0.25))])
            .output("y"),
    ];
    of_one.chain(of_two).chain(several).collect()
}
