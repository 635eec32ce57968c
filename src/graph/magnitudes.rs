//! How small and how large the floats of a graph can be, as far as it tells: those that are made of whole numbers, by scales.
//!
//! Quotients of such numbers are what a division gives by itself, where no care need be taken of NaN, infinities and the ends of the
//! range.

use std::collections::HashSet;

use super::exact_sums::known_types;
use super::{Graph, Node, ValueId};
use crate::dtype::DType;
use crate::ops::{Binary, Op, Unary};
use crate::tensor::Tensor;

/// Beyond these, quotients and products need care.
const LEAST: f64 = 1e-30;
const MOST: f64 = 1e30;
/// What a rounding may change, and more.
const SLACK: f64 = 1e-6;

/// Finite numbers, of which those that are not 0 have at least and at most these magnitudes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Magnitudes {
    least: f64,
    most: f64,
}

/// The quotients of a graph that are within the range of floats, and those of what is: divisors are constant and not 0.
pub(crate) fn plain_quotients(graph: &Graph) -> HashSet<ValueId> {
    let is_quotient = |node: &Node| matches!(node.op, Op::Binary(Binary::Div));
    if !graph.nodes.iter().any(is_quotient) {
        // Nobody asks how large the weights are.
        return HashSet::new();
    }
    let types = known_types(graph);
    let of_constant = |constant: &Tensor| match constant {
        Tensor::F32(array) => array.iter().try_fold(Magnitudes::NOTHING, |all, &x| all.and(x)),
        _ => None,
    };
    let constants = graph.values.iter();
    let mut known: Vec<Option<Magnitudes>> = constants.map(|value| of_constant(value.constant.as_deref()?)).collect();
    let mut quotients = HashSet::new();
    for node in &graph.nodes {
        let &[output] = node.outputs.as_slice() else { continue };
        let result = of_node(graph, node, &known, &types);
        known[output.0] = result;
        if result.is_some() && is_quotient(node) {
            quotients.insert(output);
        }
    }
    quotients
}

fn of_node(graph: &Graph, node: &Node, known: &[Option<Magnitudes>], types: &[Option<DType>]) -> Option<Magnitudes> {
    let first = *node.inputs.first()?;
    let left = known[first.0];
    let right = || known[node.inputs.get(1)?.0];
    match node.op {
        Op::Cast(cast) if cast.to == DType::F32 => match types[first.0]? {
            DType::F32 => left,
            dtype => dtype.range().map(|_| Magnitudes::WHOLE),
        },
        Op::Binary(Binary::Mul) => left?.times(right()?),
        Op::Binary(Binary::Div) => left?.over(right().filter(|_| is_without_zeros(graph, node.inputs[1]))?),
        Op::Binary(Binary::Add | Binary::Sub) => left?.plus(right()?),
        Op::Unary(Unary::Round) => Magnitudes::new(1.0, left?.most + 1.0),
        Op::Unary(Unary::Relu | Unary::Neg | Unary::Abs) | Op::Reshape(_) | Op::Flatten(_) | Op::Transpose(_) | Op::Slice(_) => {
            left
        }
        Op::Unary(Unary::Clamp { min, max }) => left?.and(min)?.and(max),
        _ => None,
    }
}

fn is_without_zeros(graph: &Graph, value: ValueId) -> bool {
    match graph.values[value.0].constant.as_deref() {
        Some(Tensor::F32(array)) => array.iter().all(|&x| x != 0.0),
        _ => false,
    }
}

impl Magnitudes {
    /// Of zeros alone.
    const NOTHING: Self = Self {
        least: f64::INFINITY,
        most: 0.0,
    };
    /// Of whole numbers, whatever their type.
    const WHOLE: Self = Self { least: 1.0, most: 1e20 };

    /// With a little more room. None beyond what needs no care.
    fn new(least: f64, most: f64) -> Option<Self> {
        let (least, most) = (least * (1.0 - SLACK), most * (1.0 + SLACK));
        (least > LEAST && most < MOST).then_some(Self { least, most })
    }

    /// With this number among them.
    fn and(self, x: f32) -> Option<Self> {
        let magnitude = f64::from(x.abs());
        if magnitude == 0.0 {
            return Some(self);
        }
        let is_usual = magnitude > LEAST && magnitude < MOST;
        is_usual.then(|| Self {
            least: self.least.min(magnitude),
            most: self.most.max(magnitude),
        })
    }

    fn times(self, other: Self) -> Option<Self> {
        Self::new(self.least * other.least, self.most * other.most)
    }

    fn over(self, divisor: Self) -> Option<Self> {
        Self::new(self.least / divisor.most, self.most / divisor.least)
    }

    /// What is left of a difference is a multiple of the last place of either.
    fn plus(self, other: Self) -> Option<Self> {
        Self::new(self.least.min(other.least) / f64::from(1 << 24), self.most + other.most)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, array};

    use super::*;
    use crate::ops::{Cast, MatMulInteger};

    /// A graph of one quotient.
    fn is_plain(build: impl FnOnce(&mut Graph) -> [ValueId; 2]) -> bool {
        let mut graph = Graph::new();
        let operands = build(&mut graph);
        let quotient = graph.node("quotient", Binary::Div, &operands).unwrap();
        graph.output(quotient).unwrap();
        plain_quotients(&graph).contains(&quotient)
    }

    fn sums(graph: &mut Graph) -> ValueId {
        let bytes = graph.input_of_type("bytes", DType::U8);
        let weight = graph.constant("weight", Array::from_elem((5, 2), 3_i8));
        let sums = graph.node("sums", MatMulInteger, &[bytes, weight]).unwrap();
        graph.node("reals", Cast::new(DType::F32), &[sums]).unwrap()
    }

    #[test]
    fn scaled_sums_are_of_usual_magnitude() {
        for (scale, divisor, expected) in [
            (0.01, 0.02, true),
            (1e-20, 1e-5, true),
            (1e-31, 1.0, false),
            (0.01, 0.0, false),
            (f32::NAN, 1.0, false),
            (1e15, 1.0, false),
            (1e-20, 1e15, false),
        ] {
            let got = is_plain(|graph| {
                let reals = sums(graph);
                let scale = graph.constant("scale", array![scale, 1.0_f32]);
                let scaled = graph.node("scaled", Binary::Mul, &[reals, scale]).unwrap();
                let bounded = graph.node("bounded", Unary::Clamp { min: 0.0, max: 6.0 }, &[scaled]).unwrap();
                [bounded, graph.constant("divisor", array![divisor])]
            });
            assert_eq!(got, expected, "{scale} / {divisor}");
        }
    }

    #[test]
    fn differences_may_be_small_but_not_subnormal() {
        let got = is_plain(|graph| {
            let reals = sums(graph);
            let scales = [0.3, 0.1].map(|scale| graph.constant("scale", array![scale as f32]));
            let both = scales.map(|scale| graph.node("scaled", Binary::Mul, &[reals, scale]).unwrap());
            let sum = graph.node("sum", Binary::Add, &both).unwrap();
            [sum, scales[1]]
        });
        assert!(got);
    }

    #[test]
    fn nothing_is_known_of_inputs_and_of_divisors_that_change() {
        assert!(!is_plain(|graph| {
            let reals = graph.input("reals");
            [reals, graph.constant("divisor", array![1.0_f32])]
        }));
        assert!(!is_plain(|graph| {
            let reals = sums(graph);
            [reals, reals]
        }));
    }
}
