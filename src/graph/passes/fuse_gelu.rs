//! Makes `x / 2 * (1 + erf(x / sqrt(2)))` one function, as exporters write `gelu` in whatever order of the factors.

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use crate::graph::uses::Uses;
use crate::graph::{Graph, ValueId};
use crate::ops::{Binary, Op, Unary};

pub(super) fn run(graph: &mut Graph) {
    let uses = Uses::of(graph);
    let mut dead = Vec::new();
    for index in 0..graph.nodes.len() {
        let matcher = Matcher { graph, uses: &uses };
        let Some((input, inner)) = matcher.gelu(index) else { continue };
        graph.nodes[index].op = Unary::Gelu.into();
        graph.nodes[index].inputs = vec![input];
        dead.extend(inner);
    }
    graph.remove(&dead);
}

struct Matcher<'a> {
    graph: &'a Graph,
    uses: &'a Uses,
}

impl Matcher<'_> {
    /// What a product is the `gelu` of, and the operators that nobody else needs then.
    fn gelu(&self, index: usize) -> Option<(ValueId, Vec<usize>)> {
        let [left, right] = self.operands(index, Binary::Mul)?;
        // Three factors are a product with another product.
        let (mut inner, factors) = [(left, right), (right, left)].into_iter().find_map(|(product, factor)| {
            let maker = self.uses.sole(product)?;
            let [one, other] = self.operands(maker, Binary::Mul)?;
            Some((vec![maker], [one, other, factor]))
        })?;
        let half = factors.into_iter().position(|factor| self.is_number(factor, 0.5))?;
        let others = [factors[(half + 1) % 3], factors[(half + 2) % 3]];
        let (input, of_sum) = [others, [others[1], others[0]]]
            .into_iter()
            .find_map(|[input, sum]| Some((input, self.one_and_erf(sum, input)?)))?;
        inner.extend(of_sum);
        Some((input, inner))
    }

    /// The operators of `1 + erf(input / sqrt(2))`.
    fn one_and_erf(&self, sum: ValueId, input: ValueId) -> Option<[usize; 3]> {
        let adder = self.uses.sole(sum)?;
        let erf = self.beside(adder, Binary::Add, 1.0)?;
        let erf = self.uses.sole(erf)?;
        let node = &self.graph.nodes[erf];
        let &[argument] = node.inputs.as_slice() else { return None };
        let scale = self.uses.sole(argument)?;
        let is_quotient = || {
            let [dividend, divisor] = self.operands(scale, Binary::Div)?;
            self.is_number(divisor, SQRT_2).then_some(dividend)
        };
        let scaled = is_quotient().or_else(|| self.beside(scale, Binary::Mul, FRAC_1_SQRT_2))?;
        (matches!(node.op, Op::Unary(Unary::Erf)) && scaled == input).then_some([adder, erf, scale])
    }

    fn operands(&self, index: usize, function: Binary) -> Option<[ValueId; 2]> {
        let node = &self.graph.nodes[index];
        let is_it = matches!(node.op, Op::Binary(own) if own == function);
        if is_it { node.inputs.as_slice().try_into().ok() } else { None }
    }

    /// The other operand beside this number.
    fn beside(&self, index: usize, function: Binary, number: f32) -> Option<ValueId> {
        let [left, right] = self.operands(index, function)?;
        if self.is_number(right, number) {
            Some(left)
        } else {
            self.is_number(left, number).then_some(right)
        }
    }

    /// Whether a value is this number, as far as `f32` can tell from its neighbours, and adds no dimension to what it meets.
    fn is_number(&self, value: ValueId, number: f32) -> bool {
        let constant = self.graph.constant_value(value);
        let one = constant.filter(|array| array.ndim() == 0).and_then(|array| array.first());
        one.is_some_and(|one| (one - number).abs() <= number * f32::EPSILON)
    }
}
