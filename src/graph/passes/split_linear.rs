//! Splits linear layers whose weight is larger than a device can bind, so that each part has some of the output features.

use ndarray::{ArrayD, Axis, Slice};

use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Concat, Linear, Op};

/// The most that packing adds to a weight's output features.
const PACKING: usize = 32;

/// Splits weights of more than `most` elements. This is no choice as the passes are: without it such a layer cannot run.
pub(crate) fn run(graph: &mut Graph, most: usize) {
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    let mut split = Vec::new();
    for node in std::mem::take(&mut graph.nodes) {
        let weight = match node.op {
            Op::Linear(_) => node.inputs.get(1).copied(),
            _ => None,
        };
        let parts = weight.and_then(|weight| parts(graph, weight, node.inputs.get(2).copied(), most));
        let Some(parts) = parts else {
            nodes.push(node);
            continue;
        };
        let mut joined = Vec::with_capacity(parts.len());
        for (index, (weight, bias)) in parts.into_iter().enumerate() {
            let name = format!("{}.part{index}", node.name);
            let mut inputs = vec![node.inputs[0], graph.constant(format!("{name}.weight"), weight)];
            inputs.extend(bias.map(|bias| graph.constant(format!("{name}.bias"), bias)));
            let output = graph.value(name.clone(), None);
            joined.push(output);
            nodes.push(Node {
                name,
                op: Linear.into(),
                inputs,
                outputs: vec![output],
            });
        }
        split.extend(weight);
        nodes.push(Node {
            name: node.name,
            op: Concat::new(-1).into(),
            inputs: joined,
            outputs: node.outputs,
        });
    }
    graph.nodes = nodes;
    for weight in split {
        if !graph.nodes.iter().any(|node| node.inputs.contains(&weight)) {
            graph.values[weight.0].constant = None;
        }
    }
}

type Part = (ArrayD<f32>, Option<ArrayD<f32>>);

/// A linear layer's weight and bias in parts along the output features, or `None` where it is well as it is.
fn parts(graph: &Graph, weight: ValueId, bias: Option<ValueId>, most: usize) -> Option<Vec<Part>> {
    let weight = graph.constant_value(weight)?;
    let bias = match bias {
        Some(id) => Some(graph.constant_value(id)?),
        None => None,
    };
    let &[out_features, in_features] = weight.shape() else {
        return None;
    };
    let padded = out_features.next_multiple_of(PACKING);
    // A whole multiple of the packing, so that the parts' outputs follow one another without gaps.
    let rows = most / in_features.max(1) / PACKING * PACKING;
    if padded.checked_mul(in_features).is_some_and(|elements| elements <= most) || rows == 0 {
        return None;
    }
    let part = |start: usize| {
        let rows = Slice::from(start..(start + rows).min(out_features));
        let weight = weight.slice_axis(Axis(0), rows);
        let bias = bias.as_ref().map(|bias| bias.slice_axis(Axis(0), rows).to_owned());
        (weight.to_owned(), bias)
    };
    Some((0..out_features).step_by(rows).map(part).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Random, compare_exact};
    use crate::{Backend, Session};

    #[test]
    fn parts_are_the_whole_and_small_layers_stay() {
        let mut random = Random::new(3);
        let mut graph = Graph::new();
        let input = graph.input("x");
        let weight = graph.constant("weight", random.integers(&[75, 9]));
        let bias = graph.constant("bias", random.integers(&[75]));
        let large = graph.node("large", Linear, &[input, weight, bias]).unwrap();
        let weight = graph.constant("small.weight", random.integers(&[3, 75]));
        let small = graph.node("small", Linear, &[large, weight]).unwrap();
        graph.output(small).unwrap();
        let run = |graph: &Graph| {
            let input = Random::new(4).integers(&[2, 9]);
            let session = Session::new(graph.clone(), &Backend::Reference).unwrap();
            session.run(&[input.view()]).unwrap().swap_remove(0)
        };
        let mut parted = graph.clone();
        super::run(&mut parted, 32 * 9);
        let names: Vec<&str> = parted.nodes.iter().map(Node::name).collect();
        assert_eq!(names, ["large.part0", "large.part1", "large.part2", "large", "small"]);
        assert!(parted.values[1].constant.is_none(), "the whole weight is not needed");
        assert_eq!(compare_exact(&run(&parted), &run(&graph)), Ok(()));
    }
}
