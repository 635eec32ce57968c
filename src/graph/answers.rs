//! What the reference makes of a whole graph.

use ndarray::ArrayViewD;

use super::plan::whole_number;
use super::{Graph, Node};
use crate::error::Result;
use crate::ops::Op;
use crate::precision::Precision;
use crate::reference::{self, Answer, Winograd};

/// The outputs of a graph, with the bounds of a run that stores its numbers so and may compute convolutions so.
pub(super) fn answers(
    graph: &Graph,
    inputs: &[ArrayViewD<'_, f32>],
    precision: Precision,
    winograd: Winograd,
) -> Result<Vec<Answer>> {
    let mut evaluation = Evaluation::new(graph, inputs, precision, winograd)?;
    for node in &graph.nodes {
        evaluation.take(node)?;
    }
    Ok(evaluation.outputs())
}

/// As [`answers`]; others have their turn after every operator, where there is one thread for all.
#[cfg(any(test, target_family = "wasm"))]
pub(super) async fn answers_by_turns<F: Future<Output = ()>>(
    graph: &Graph,
    inputs: &[ArrayViewD<'_, f32>],
    turn: impl Fn() -> F,
) -> Result<Vec<Answer>> {
    let mut evaluation = Evaluation::new(graph, inputs, Precision::F32, Winograd::Small)?;
    for node in &graph.nodes {
        evaluation.take(node)?;
        turn().await;
    }
    Ok(evaluation.outputs())
}

/// A graph whose operators are computed one after another.
struct Evaluation<'a> {
    graph: &'a Graph,
    values: Vec<Option<Answer>>,
    precision: Precision,
    winograd: Winograd,
}

impl<'a> Evaluation<'a> {
    fn new(graph: &'a Graph, inputs: &[ArrayViewD<'_, f32>], precision: Precision, winograd: Winograd) -> Result<Self> {
        let shapes: Vec<&[usize]> = inputs.iter().map(ArrayViewD::shape).collect();
        graph.check_inputs(&shapes)?;
        let mut values: Vec<Option<Answer>> = graph
            .values
            .iter()
            .map(|value| {
                let constant = value.constant.as_ref();
                constant.map(|array| Answer::uploaded(array.view(), precision))
            })
            .collect();
        for (value, array) in graph.inputs.iter().zip(inputs) {
            values[value.0] = Some(Answer::uploaded(array.view(), precision));
        }
        Ok(Self {
            graph,
            values,
            precision,
            winograd,
        })
    }

    fn take(&mut self, node: &Node) -> Result<()> {
        let operands: Vec<&Answer> = node.inputs.iter().filter_map(|value| self.values[value.0].as_ref()).collect();
        let outputs = node_answers(node, &operands, self.precision, self.winograd)?;
        // All but the first are indices.
        for index in outputs.iter().skip(1).flat_map(|answer| &answer.values) {
            whole_number(*index as u32)?;
        }
        for (value, answer) in node.outputs.iter().zip(outputs) {
            self.values[value.0] = Some(answer);
        }
        Ok(())
    }

    fn outputs(&self) -> Vec<Answer> {
        let outputs = self.graph.outputs.iter();
        outputs.filter_map(|value| self.values[value.0].clone()).collect()
    }
}

/// The answers of one operator, whose first output is stored so. Indices are whole numbers of their own, and the same elements
/// under another shape are not stored again.
pub(super) fn node_answers(node: &Node, operands: &[&Answer], precision: Precision, winograd: Winograd) -> Result<Vec<Answer>> {
    let answers = reference::run_allowing(&node.op, operands, winograd).map_err(|error| node.locate(error))?;
    let is_stored = !matches!(node.op, Op::Reshape(_) | Op::Flatten(_));
    let answers = answers.into_iter().enumerate().map(|(index, answer)| {
        if is_stored && index == 0 {
            answer.stored(precision)
        } else {
            answer
        }
    });
    Ok(answers.collect())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::ops::Activation;
    use crate::testing::Random;

    #[test]
    fn others_have_a_turn_after_every_operator() {
        let mut graph = Graph::new();
        let mut value = graph.input("x");
        for index in 0..3 {
            value = graph.node(format!("tanh{index}"), Activation::Tanh, &[value]).unwrap();
        }
        graph.output(value).unwrap();
        let input = Random::new(1).reals(&[2, 5]);
        let turns = Cell::new(0);
        let turn = || async { turns.set(turns.get() + 1) };
        let by_turns = pollster::block_on(answers_by_turns(&graph, &[input.view()], turn)).unwrap();
        let at_once = answers(&graph, &[input.view()], Precision::F32, Winograd::Small).unwrap();
        assert_eq!(turns.get(), 3);
        assert_eq!(by_turns[0].values, at_once[0].values);
    }
}
