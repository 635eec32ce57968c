//! Whole graphs on the reference: what a run should give, and a backend of its own.

use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewD};

use super::answer::Answer;
use super::run::{run, run_allowing};
use crate::dtype::whole_number;
#[cfg(not(target_family = "wasm"))]
use crate::elsewhere::{elsewhere, on_a_thread};
use crate::engine::{Engine, Rounding, Running};
#[cfg(not(target_family = "wasm"))]
use crate::engine::{Evaluation, unsupported};
use crate::error::Result;
use crate::graph::{Graph, Node};
use crate::ops::Op;
#[cfg(not(target_family = "wasm"))]
use crate::profiling::Profile;

/// A graph that the reference runs as it is.
#[derive(Debug)]
pub(crate) struct ReferenceEngine {
    graph: Arc<Graph>,
}

impl ReferenceEngine {
    pub(crate) fn new(graph: Arc<Graph>) -> Self {
        Self { graph }
    }
}

impl Engine for ReferenceEngine {
    fn prepare(&self, shapes: &[Vec<usize>]) -> Result<()> {
        let known: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        self.graph.shapes(&known).map(drop)
    }

    #[cfg(not(target_family = "wasm"))]
    fn is_prepared(&self, _: &[Vec<usize>]) -> bool {
        true
    }

    #[cfg(not(target_family = "wasm"))]
    fn run(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        let answers = answers(&self.graph, inputs, Rounding::default())?;
        Ok(answers.iter().map(Answer::to_f32).collect())
    }

    /// Computes on another thread; in a browser on the page's one thread, which has its turn after every operator.
    fn start(self: Arc<Self>, inputs: &[ArrayViewD<'_, f32>]) -> Result<Running> {
        let inputs: Vec<ArrayD<f32>> = inputs.iter().map(ArrayViewD::to_owned).collect();
        #[cfg(not(target_family = "wasm"))]
        return Ok(Box::pin(elsewhere(on_a_thread, move || {
            self.run(&inputs.iter().map(|input| input.view()).collect::<Vec<_>>())
        })));
        #[cfg(target_family = "wasm")]
        Ok(Box::pin(async move {
            let views: Vec<_> = inputs.iter().map(|input| input.view()).collect();
            let answers = answers_by_turns(&self.graph, &views, crate::turn::turn).await?;
            Ok(answers.iter().map(Answer::to_f32).collect())
        }))
    }

    #[cfg(not(target_family = "wasm"))]
    fn evaluate(&self, _: &[ArrayViewD<'_, f32>]) -> Result<Evaluation> {
        Err(unsupported("the reference is what others are verified against"))
    }

    #[cfg(not(target_family = "wasm"))]
    fn profile(&self, _: &[ArrayViewD<'_, f32>], _: usize) -> Result<Profile> {
        Err(unsupported("the reference has no kernels to profile"))
    }

    fn optimized(&self, graph: &Graph, _: &[&[usize]]) -> Result<Graph> {
        Ok(graph.clone())
    }
}

/// Computes an operator of constants in `f64` and rounds the result once.
pub(crate) fn constants(op: &Op, inputs: &[&ArrayD<f32>]) -> Result<Vec<ArrayD<f32>>> {
    let inputs: Vec<Answer> = inputs.iter().map(|input| Answer::exact(input.view())).collect();
    let answers = run(op, &inputs.iter().collect::<Vec<_>>())?;
    Ok(answers.iter().map(Answer::to_f32).collect())
}

/// The outputs of a graph, with the bounds of a run that rounds so.
pub(crate) fn answers(graph: &Graph, inputs: &[ArrayViewD<'_, f32>], rounding: Rounding) -> Result<Vec<Answer>> {
    let mut evaluation = Evaluating::new(graph, inputs, rounding)?;
    for node in &graph.nodes {
        evaluation.take(node)?;
    }
    Ok(evaluation.outputs())
}

/// As [`answers`]; others have their turn after every operator, where there is one thread for all.
#[cfg(any(test, target_family = "wasm"))]
async fn answers_by_turns<F: Future<Output = ()>>(
    graph: &Graph,
    inputs: &[ArrayViewD<'_, f32>],
    turn: impl Fn() -> F,
) -> Result<Vec<Answer>> {
    let mut evaluation = Evaluating::new(graph, inputs, Rounding::default())?;
    for node in &graph.nodes {
        evaluation.take(node)?;
        turn().await;
    }
    Ok(evaluation.outputs())
}

/// A graph whose operators are computed one after another.
struct Evaluating<'a> {
    graph: &'a Graph,
    values: Vec<Option<Answer>>,
    rounding: Rounding,
}

impl<'a> Evaluating<'a> {
    fn new(graph: &'a Graph, inputs: &[ArrayViewD<'_, f32>], rounding: Rounding) -> Result<Self> {
        let shapes: Vec<&[usize]> = inputs.iter().map(ArrayViewD::shape).collect();
        graph.check_inputs(&shapes)?;
        let mut values: Vec<Option<Answer>> = graph
            .values
            .iter()
            .map(|value| {
                let constant = value.constant.as_ref();
                constant.map(|array| Answer::uploaded(array.view(), rounding.precision))
            })
            .collect();
        for (value, array) in graph.inputs.iter().zip(inputs) {
            values[value.0] = Some(Answer::uploaded(array.view(), rounding.precision));
        }
        Ok(Self { graph, values, rounding })
    }

    fn take(&mut self, node: &Node) -> Result<()> {
        let operands: Vec<&Answer> = node.inputs.iter().filter_map(|value| self.values[value.0].as_ref()).collect();
        let outputs = node_answers(node, &operands, self.rounding)?;
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
pub(crate) fn node_answers(node: &Node, operands: &[&Answer], rounding: Rounding) -> Result<Vec<Answer>> {
    let answers = run_allowing(&node.op, operands, rounding.winograd).map_err(|error| node.locate(error))?;
    let is_stored = !matches!(node.op, Op::Reshape(_) | Op::Flatten(_));
    let answers = answers.into_iter().enumerate().map(|(index, answer)| {
        if is_stored && index == 0 {
            answer.stored(rounding.precision)
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
        let at_once = answers(&graph, &[input.view()], Rounding::default()).unwrap();
        assert_eq!(turns.get(), 3);
        assert_eq!(by_turns[0].values, at_once[0].values);
    }
}
