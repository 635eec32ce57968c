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
    for node in &graph.nodes {
        let operands: Vec<&Answer> = node.inputs.iter().filter_map(|value| values[value.0].as_ref()).collect();
        let outputs = node_answers(node, &operands, precision, winograd)?;
        // All but the first are indices.
        for index in outputs.iter().skip(1).flat_map(|answer| &answer.values) {
            whole_number(*index as u32)?;
        }
        for (value, answer) in node.outputs.iter().zip(outputs) {
            values[value.0] = Some(answer);
        }
    }
    Ok(graph.outputs.iter().filter_map(|value| values[value.0].clone()).collect())
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
