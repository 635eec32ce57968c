//! Checks a network operator by operator, so that a wrong answer has a name.

use crate::cancel;
use crate::engine::Rounding;
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::ops::Op;
use crate::reference::{Answer, Mismatch, Scores, compare, node_answers, part_of_bound};
use crate::tensor::Tensor;
use crate::turn::Turns;

/// What came of checking one operator.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Check {
    /// The node's name.
    pub node: String,
    /// The operator, by its PyTorch name.
    pub operator: &'static str,
    /// The shape of its first output.
    pub shape: Vec<usize>,
    /// Where the backend's output is not what the reference makes of the backend's own inputs.
    pub mismatch: Option<Mismatch>,
    /// How much of its bound the worst element takes up: 0 where all are exact, more than 1 with a mismatch.
    pub part_of_bound: f64,
    /// How the errors of an operator that sums compare with what random rounding would give.
    pub scores: Option<Scores>,
    /// Whether nothing is known of what it should give: a [`CustomOperator`](crate::ops::CustomOperator) without a reference.
    pub is_unchecked: bool,
}

impl Check {
    /// Whether the operator is within its bounds and yet off by more than random rounding would explain: what is systematically wrong
    /// may hide in the wide bound of a long sum.
    pub fn is_suspicious(&self) -> bool {
        self.mismatch.is_none() && self.scores.is_some_and(|scores| scores.is_suspicious())
    }
}

/// Checks every operator of a graph against the reference, given what a backend has for each value and how it rounds. Each operator
/// gets the backend's own inputs, so that an error is seen where it arises and not in all that follows. `observer` sees each check as
/// it is made. Pending in a browser only, where others have their turns.
pub(super) async fn check_values(
    graph: &Graph,
    values: &[Option<Tensor>],
    rounding: Rounding,
    observer: &mut dyn FnMut(&Check),
) -> Result<Vec<Check>> {
    let (mut checks, mut turns) = (Vec::with_capacity(graph.nodes.len()), Turns::new());
    for node in &graph.nodes {
        cancel::check()?;
        let check = check_node(node, values, rounding)?;
        observer(&check);
        checks.push(check);
        turns.next().await;
    }
    Ok(checks)
}

fn check_node(node: &Node, values: &[Option<Tensor>], rounding: Rounding) -> Result<Check> {
    let value = |id: ValueId| values[id.0].as_ref();
    let inputs: Vec<&Tensor> = node.inputs.iter().filter_map(|&input| value(input)).collect();
    let operands: Vec<Answer> = inputs
        .iter()
        .map(|&tensor| Answer::loaded(tensor, rounding.precision))
        .collect();
    let answers = match node_answers(node, &operands.iter().collect::<Vec<_>>(), rounding) {
        Err(Error::Unsupported { .. }) if matches!(node.op, Op::CustomOp(_)) => Vec::new(),
        answers => answers?,
    };
    let pairs = || {
        let outputs = node.outputs.iter().zip(&answers);
        outputs.filter_map(|(&output, answer)| Some((value(output)?, answer)))
    };
    let mismatch = pairs().find_map(|(got, answer)| compare(got, answer).err());
    let part_of_bound = pairs().map(|(got, answer)| part_of_bound(got, answer)).fold(0.0, f64::max);
    let scores = pairs().find_map(|(got, answer)| Scores::of(&node.op, &inputs, got, answer));
    Ok(Check {
        node: node.name.clone(),
        operator: node.op.name(),
        shape: value(node.outputs[0])
            .map(|output| output.shape().to_vec())
            .unwrap_or_default(),
        mismatch,
        part_of_bound,
        scores,
        is_unchecked: answers.is_empty(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Binary, Conv2d, Linear, Reduce, Unary};
    use crate::reference;
    use crate::testing::Random;
    use ndarray::ArrayD;

    /// Values as the reference has them, one operator after another, with one element of one of them off.
    fn values(graph: &Graph, input: &ArrayD<f32>, wrong: Option<ValueId>) -> Vec<Option<Tensor>> {
        let mut values: Vec<Option<Tensor>> = graph.values.iter().map(|value| value.constant.as_deref().cloned()).collect();
        values[graph.inputs[0].0] = Some(input.clone().into());
        for node in &graph.nodes {
            let operands: Vec<Answer> = node
                .inputs
                .iter()
                .map(|value| Answer::exact(values[value.0].as_ref().unwrap()))
                .collect();
            let answers = reference::run(&node.op, &operands.iter().collect::<Vec<_>>()).unwrap();
            for (output, answer) in node.outputs.iter().zip(answers) {
                let mut got = answer.to_f32();
                if wrong == Some(*output) {
                    got[[0, 1, 2, 3]] += 0.01;
                }
                values[output.0] = Some(got.into());
            }
        }
        values
    }

    fn checked(graph: &Graph, values: &[Option<Tensor>]) -> Vec<Check> {
        pollster::block_on(check_values(graph, values, Rounding::default(), &mut |_| ())).unwrap()
    }

    #[test]
    fn the_operator_that_is_wrong_is_named_and_no_other() {
        let (mut graph, mut random) = (Graph::new(), Random::new(1));
        let input = graph.input("input");
        let weight = graph.constant("weight", random.reals(&[3, 3, 3, 3]));
        let first = graph.node("first", Conv2d::new().padding(1), &[input, weight]).unwrap();
        let active = graph.node("active", Unary::Silu, &[first]).unwrap();
        let sum = graph.node("sum", Binary::Add, &[active, input]).unwrap();
        graph.output(sum).unwrap();
        let input = random.reals(&[1, 3, 5, 7]);
        let named = |wrong: Option<ValueId>| -> Vec<String> {
            let values = values(&graph, &input, wrong);
            let checks = checked(&graph, &values);
            assert_eq!(checks.len(), 3);
            checks
                .into_iter()
                .filter(|check| check.mismatch.is_some())
                .map(|check| check.node)
                .collect()
        };
        assert!(named(None).is_empty());
        for (value, name) in [(first, "first"), (active, "active"), (sum, "sum")] {
            assert_eq!(named(Some(value)), [name]);
        }
    }

    /// A sum that ends too soon, of so many terms that the bound is wider than what is missing.
    #[test]
    fn what_a_wide_bound_accepts_is_suspicious_where_it_is_systematic() {
        let (terms, missing) = (65_600, 6);
        let (mut graph, mut random) = (Graph::new(), Random::new(4));
        let input = graph.input("input");
        let weight = random.reals(&[8, terms]);
        let constant = graph.constant("weight", weight.clone());
        let sum = graph.node("sum", Linear, &[input, constant]).unwrap();
        graph.output(sum).unwrap();
        let input = random.reals(&[2, terms]);
        let check_sums_of = |terms: usize| {
            let product = |row: usize, output: usize, term: usize| input[[row, term]] * weight[[output, term]];
            // In single precision, in parts and these one after another.
            let part = |row, output, part: usize| {
                let end = (part + 2048).min(terms);
                (part..end).fold(0.0_f32, |sum, term| sum + product(row, output, term))
            };
            let sums = ArrayD::from_shape_fn(vec![2, 8], |place| {
                let parts = (0..terms).step_by(2048);
                parts.fold(0.0_f32, |sum, first| sum + part(place[0], place[1], first))
            });
            let values = [Some(input.clone().into()), Some(weight.clone().into()), Some(sums.into())];
            checked(&graph, &values).remove(0)
        };
        let honest = check_sums_of(terms);
        assert!(honest.mismatch.is_none() && !honest.is_suspicious(), "{honest:?}");
        assert!(
            honest
                .scores
                .is_some_and(|scores| scores.elements == 16 && scores.spread < 1.0),
            "{honest:?}"
        );
        let cut = check_sums_of(terms - missing);
        assert!(
            cut.mismatch.is_none() && cut.part_of_bound < 1.0,
            "the bound accepts it: {cut:?}"
        );
        assert!(cut.is_suspicious(), "{cut:?}");
    }

    /// Equal terms are rounded alike, and their errors add up: that is no fault.
    #[test]
    fn sums_of_equal_terms_are_not_suspicious() {
        let mut graph = Graph::new();
        let input = graph.input("input");
        let mean = graph.node("mean", Reduce::mean([1]), &[input]).unwrap();
        graph.output(mean).unwrap();
        for number in [0.1_f32, 0.7, 1.0 / 3.0] {
            let input = ArrayD::from_elem(vec![1, 190], number);
            let sum = input.iter().fold(0.0_f32, |sum, term| sum + term);
            let values = [Some(input.into()), Some(ArrayD::from_elem(vec![1], sum / 190.0).into())];
            let check = checked(&graph, &values).remove(0);
            assert!(check.mismatch.is_none() && !check.is_suspicious(), "{number}: {check:?}");
        }
    }
}
