//! Checks a network operator by operator, so that a wrong answer has a name.

use crate::cancel;
use crate::engine::Rounding;
use crate::error::Result;
use crate::graph::{Graph, Node, ValueId};
use crate::ops::Op;
use crate::reference::{Answer, Mismatch, Scores, compare, node_answers, part_of_bound};
use crate::tensor::Tensor;

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
}

impl Check {
    /// Whether the operator is within its bounds and yet off by more than random rounding would explain: what is systematically wrong
    /// may hide in the wide bound of a long sum.
    pub fn is_suspicious(&self) -> bool {
        self.mismatch.is_none() && self.scores.is_some_and(|scores| scores.is_suspicious())
    }
}

/// Checks every operator of a graph against the reference, given what a backend has for each value and how it rounds. Each operator gets the backend's own inputs, so that an error is seen where it arises and not in all that follows.
/// `observer` sees each check as it is made.
pub(super) fn check_values(
    graph: &Graph,
    values: &[Option<Tensor>],
    rounding: Rounding,
    observer: &mut dyn FnMut(&Check),
) -> Result<Vec<Check>> {
    let check = |node| {
        cancel::check()?;
        check_node(node, values, rounding).inspect(|check| observer(check))
    };
    graph.nodes.iter().map(check).collect()
}

fn check_node(node: &Node, values: &[Option<Tensor>], rounding: Rounding) -> Result<Check> {
    let value = |id: ValueId| values[id.0].as_ref();
    let operands: Vec<Answer> = node
        .inputs
        .iter()
        .filter_map(|&input| value(input))
        .map(|tensor| Answer::loaded(tensor, rounding.precision))
        .collect();
    let answers = node_answers(node, &operands.iter().collect::<Vec<_>>(), rounding)?;
    let outputs = || node.outputs.iter().zip(&answers);
    let pairs = || outputs().filter_map(|(&output, answer)| Some((value(output)?, answer)));
    let mismatch = pairs().find_map(|(got, answer)| compare(got, answer).err());
    let is_comparable = |&(got, answer): &(&Tensor, &Answer)| got.shape() == answer.shape();
    let parts = pairs().filter(is_comparable).map(|(got, answer)| part_of_bound(got, answer));
    let part_of_bound = parts.fold(0.0, f64::max);
    let factors = node.inputs.iter().take(factors_of(&node.op)).filter_map(|&input| value(input));
    let factors: Vec<&Tensor> = factors.collect();
    let scores = pairs()
        .filter(|_| !factors.is_empty())
        .find_map(|(got, answer)| Scores::of(got, answer, &factors));
    Ok(Check {
        node: node.name.clone(),
        operator: node.op.name(),
        shape: answers.first().map(|answer| answer.shape().to_vec()).unwrap_or_default(),
        mismatch,
        part_of_bound,
        scores,
    })
}

/// How many of an operator's inputs make the terms of its sums, where their errors are those of sums alone; otherwise 0. Elements of running
/// sums and of recurrent layers have their errors from one another, and nothing is said of them.
fn factors_of(op: &Op) -> usize {
    match op {
        Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) | Op::MatMul(_) | Op::Fused(_) => 2,
        Op::Reduce(_) | Op::AvgPool(_) | Op::AdaptiveAvgPool(_) | Op::LpPool(_) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Binary, Conv2d, Unary};
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
            let checks = check_values(&graph, &values, Rounding::default(), &mut |_| ()).unwrap();
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
}
