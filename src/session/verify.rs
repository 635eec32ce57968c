//! Checks a network operator by operator, so that a wrong answer has a name.

use crate::cancel;
use crate::engine::Rounding;
use crate::error::Result;
use crate::graph::{Graph, Node, ValueId};
use crate::reference::{Answer, Mismatch, compare, node_answers};
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
    let mismatch = node
        .outputs
        .iter()
        .zip(&answers)
        .find_map(|(&output, answer)| value(output).and_then(|got| compare(got, answer).err()));
    Ok(Check {
        node: node.name.clone(),
        operator: node.op.name(),
        shape: answers.first().map(|answer| answer.shape().to_vec()).unwrap_or_default(),
        mismatch,
    })
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
