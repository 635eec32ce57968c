//! Whole graphs on the reference: what a run should give, and a backend of its own.

use std::sync::Arc;

use super::answer::Answer;
use super::run::{run, run_allowing};
use crate::cancel;
use crate::dtype::TensorType;
#[cfg(not(target_family = "wasm"))]
use crate::elsewhere::{elsewhere, on_a_thread};
use crate::engine::{Engine, Evaluation, Here, Rounding, Running, unsupported};
use crate::error::Result;
use crate::graph::work::count;
use crate::graph::{Graph, Node};
use crate::limits::{Limits, Work};
use crate::ops::Op;
use crate::profiling::Profile;
use crate::tensor::{Tensor, TensorView};

/// A graph that the reference runs as it is.
#[derive(Debug)]
pub(crate) struct ReferenceEngine {
    graph: Arc<Graph>,
    limits: Limits,
}

/// The bytes of an element: its number, its bound, and what part of that is chance.
const ELEMENT: u64 = 32;

impl ReferenceEngine {
    pub(crate) fn new(graph: Arc<Graph>, limits: Limits) -> Self {
        Self { graph, limits }
    }

    /// Refuses what takes more than is allowed: all values are held until the end, and those of one operator once more.
    fn check(&self, shapes: &[&[usize]]) -> Result<()> {
        self.limits.planned(|| self.check_work(shapes))
    }

    fn check_work(&self, shapes: &[&[usize]]) -> Result<()> {
        self.graph.check_inputs(shapes)?;
        let types = self.graph.infer(shapes)?;
        let takes = Work::of(&self.graph, &types);
        self.limits.check_operations(&takes)?;
        let elements = |values: &mut dyn Iterator<Item = &TensorType>| {
            let counts = values.map(|kind| count(&kind.shape));
            counts.fold(0, u64::saturating_add)
        };
        let nodes = self.graph.nodes.iter();
        let own = nodes.map(|node| elements(&mut node.inputs.iter().chain(&node.outputs).map(|value| &types[value.0])));
        let all = elements(&mut types.iter()).saturating_add(own.max().unwrap_or(0));
        self.limits.check_host_bytes(&takes, all.saturating_mul(ELEMENT))
    }

    #[cfg(not(target_family = "wasm"))]
    fn answers(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        let shapes: Vec<&[usize]> = inputs.iter().map(TensorView::shape).collect();
        self.check(&shapes)?;
        let answers = answers(&self.graph, inputs, Rounding::default())?;
        answers.iter().map(Answer::to_tensor).collect()
    }
}

impl Engine for ReferenceEngine {
    fn prepare(&self, shapes: &[Vec<usize>]) -> Result<()> {
        let known: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        self.check(&known)
    }

    fn is_prepared(&self, _: &[Vec<usize>]) -> bool {
        true
    }

    #[cfg(not(target_family = "wasm"))]
    fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        self.limits.running_parts(|| self.answers(inputs))
    }

    /// Computes on another thread; in a browser on the page's one thread, which has its turn between operators.
    fn start(self: Arc<Self>, inputs: &[TensorView<'_>]) -> Result<Running> {
        let inputs: Vec<Tensor> = inputs.iter().map(TensorView::to_tensor).collect();
        #[cfg(not(target_family = "wasm"))]
        return Ok(Box::pin(elsewhere(on_a_thread, move || {
            self.run(&inputs.iter().map(Tensor::view).collect::<Vec<_>>())
        })));
        #[cfg(target_family = "wasm")]
        Ok(Box::pin(async move {
            let views: Vec<_> = inputs.iter().map(Tensor::view).collect();
            self.check(&views.iter().map(TensorView::shape).collect::<Vec<_>>())?;
            let mut turns = crate::turn::Turns::new();
            let answers = answers_by_turns(&self.graph, &views, async || turns.next().await).await?;
            answers.iter().map(Answer::to_tensor).collect()
        }))
    }

    fn evaluate<'a>(&'a self, _: &'a [TensorView<'_>]) -> Here<'a, Vec<Evaluation>> {
        Box::pin(async { Err(unsupported("the reference is what others are verified against")) })
    }

    fn profile<'a>(&'a self, _: &'a [TensorView<'_>], _: usize) -> Here<'a, Profile> {
        Box::pin(async { Err(unsupported("the reference has no kernels to profile")) })
    }

    fn optimized(&self, graph: &Graph, _: &[&[usize]]) -> Result<Graph> {
        Ok(graph.clone())
    }
}

/// Computes an operator of constants in `f64` and rounds the result once.
pub(crate) fn constants(op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let inputs: Vec<Answer> = inputs.iter().map(|&input| Answer::exact(input)).collect();
    let answers = run(op, &inputs.iter().collect::<Vec<_>>())?;
    answers.iter().map(Answer::to_tensor).collect()
}

/// The outputs of a graph, with the bounds of a run that rounds so.
pub(crate) fn answers(graph: &Graph, inputs: &[TensorView<'_>], rounding: Rounding) -> Result<Vec<Answer>> {
    let mut evaluation = Evaluating::new(graph, inputs, rounding)?;
    for node in &graph.nodes {
        cancel::check()?;
        evaluation.take(node)?;
    }
    Ok(evaluation.outputs())
}

/// As [`answers`]; others have their turn after every operator, where there is one thread for all.
#[cfg(any(test, target_family = "wasm"))]
async fn answers_by_turns(graph: &Graph, inputs: &[TensorView<'_>], mut turn: impl AsyncFnMut()) -> Result<Vec<Answer>> {
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
    fn new(graph: &'a Graph, inputs: &[TensorView<'_>], rounding: Rounding) -> Result<Self> {
        let shapes: Vec<&[usize]> = inputs.iter().map(TensorView::shape).collect();
        graph.check_inputs(&shapes)?;
        let mut values: Vec<Option<Answer>> = graph
            .values
            .iter()
            .map(|value| {
                let constant = value.constant.as_ref();
                constant.map(|tensor| Answer::uploaded(&**tensor, rounding.precision))
            })
            .collect();
        for (value, array) in graph.inputs.iter().zip(inputs) {
            values[value.0] = Some(Answer::uploaded(array, rounding.precision));
        }
        Ok(Self { graph, values, rounding })
    }

    fn take(&mut self, node: &Node) -> Result<()> {
        let operands: Vec<&Answer> = node.inputs.iter().filter_map(|value| self.values[value.0].as_ref()).collect();
        let outputs = node_answers(node, &operands, self.rounding)?;
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

/// The answers of one operator, whose floats are stored so. The same elements under another shape are not stored again.
pub(crate) fn node_answers(node: &Node, operands: &[&Answer], rounding: Rounding) -> Result<Vec<Answer>> {
    let answers = run_allowing(&node.op, operands, rounding.winograd).map_err(|error| node.locate(error))?;
    if matches!(node.op, Op::Reshape(_) | Op::Flatten(_)) {
        return Ok(answers);
    }
    Ok(answers.into_iter().map(|answer| answer.stored(rounding.precision)).collect())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::ops::Unary;
    use crate::testing::Random;

    #[test]
    fn others_have_a_turn_after_every_operator() {
        let mut graph = Graph::new();
        let mut value = graph.input("x");
        for index in 0..3 {
            value = graph.node(format!("tanh{index}"), Unary::Tanh, &[value]).unwrap();
        }
        graph.output(value).unwrap();
        let input = Random::new(1).reals(&[2, 5]);
        let turns = Cell::new(0);
        let turn = || async { turns.set(turns.get() + 1) };
        let by_turns = pollster::block_on(answers_by_turns(&graph, &[input.view().into()], turn)).unwrap();
        let at_once = answers(&graph, &[input.view().into()], Rounding::default()).unwrap();
        assert_eq!(turns.get(), 3);
        assert_eq!(by_turns[0].values, at_once[0].values);
    }
}
