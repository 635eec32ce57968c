//! Recurrent layers: as one operator, unrolled, and refused.

use ndarray::{Array3, ArrayD, array};

use super::{initializer, int, model, node, refusal, text, value};
use crate::onnx::proto::{AttributeProto, ModelProto};
use crate::ops::Op;
use crate::testing::Random;
use crate::{Backend, Session};

const STEPS: usize = 5;
const BATCH: usize = 2;
const INPUTS: usize = 3;
const HIDDEN: usize = 4;

/// A layer of `x [steps, batch, inputs]` in one direction.
fn layer(operator: &str, gates: usize, attributes: &[AttributeProto]) -> ModelProto {
    let mut random = Random::new(29);
    let mut layer = node(operator, &["x", "w", "r", "b"], "y");
    layer.attribute = attributes.to_vec();
    let mut weight = |name: &str, shape: &[usize]| initializer(name, random.reals(shape));
    let constants = vec![
        weight("w", &[1, gates * HIDDEN, INPUTS]),
        weight("r", &[1, gates * HIDDEN, HIDDEN]),
        weight("b", &[1, 2 * gates * HIDDEN]),
    ];
    let mut model = model(vec![layer], constants);
    model.graph.as_mut().unwrap().input = vec![value("x", &[STEPS as i64, BATCH as i64, INPUTS as i64])];
    model
}

fn with_lengths(mut model: ModelProto, lengths: [i32; BATCH]) -> ModelProto {
    let graph = model.graph.as_mut().unwrap();
    graph.node[0].input.push("n".to_owned());
    graph.initializer.push(initializer("n", ndarray::arr1(&lengths)));
    model
}

fn has_operator(model: &ModelProto) -> bool {
    let graph = super::graph(model).unwrap();
    graph.nodes().iter().any(|node| matches!(node.op(), Op::Recurrent(_)))
}

fn output(model: &ModelProto) -> ArrayD<f32> {
    let session = Session::new(super::graph(model).unwrap(), &Backend::Reference).unwrap();
    let x: Array3<f32> = Random::new(31).reals(&[STEPS, BATCH, INPUTS]).into_dimensionality().unwrap();
    session.run(&[x.view().into_dyn()]).unwrap().swap_remove(0)
}

#[test]
fn unrolled_layers_are_the_operators() {
    let linear_first = int("linear_before_reset", 1);
    for (operator, gates, attributes) in [("LSTM", 4, vec![]), ("GRU", 3, vec![linear_first]), ("RNN", 1, vec![])] {
        for direction in ["forward", "reverse"] {
            let attributes = [&attributes[..], &[text("direction", direction)]].concat();
            let plain = layer(operator, gates, &attributes);
            let unrolled = with_lengths(plain.clone(), [STEPS as i32; BATCH]);
            assert!(has_operator(&plain) && !has_operator(&unrolled), "{operator}");
            let (got, want) = (output(&unrolled), output(&plain));
            assert_eq!(got.shape(), [STEPS, 1, BATCH, HIDDEN]);
            let apart = (&got - &want).iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            assert!(apart < 1e-6, "{operator} {direction}: {apart}");
        }
    }
}

#[test]
fn an_element_of_the_batch_ends_where_its_length_does() {
    let whole = output(&layer("LSTM", 4, &[]));
    let short = output(&with_lengths(layer("LSTM", 4, &[]), [3, 0]));
    for ((step, _, element, hidden), &got) in short.view().into_dimensionality::<ndarray::Ix4>().unwrap().indexed_iter() {
        let is_there = element == 0 && step < 3;
        let want = if is_there { whole[[step, 0, element, hidden]] } else { 0.0 };
        assert!((got - want).abs() < 1e-6, "{step}, {element}, {hidden}: {got}, not {want}");
    }
}

#[test]
fn layers_that_do_not_fit_are_refused() {
    for (attributes, part) in [
        (vec![int("hidden_size", 5)], "hidden_size is 5, but the weights have 4"),
        (vec![text("direction", "sideways")], "direction \"sideways\""),
        (
            vec![text("direction", "bidirectional")],
            "the weight of the input must have shape [2, 16, 3], but got [1, 16, 3]",
        ),
    ] {
        let message = refusal(&layer("LSTM", 4, &attributes));
        assert!(message.contains(part), "{part}: {message}");
    }
    let message = refusal(&layer("LSTM", 3, &[]));
    assert!(message.contains("must have shape [1, 16, 3]"), "{message}");
    let activations = |names: &[&'static str]| AttributeProto {
        name: "activations".to_owned(),
        kind: 8,
        strings: names.iter().map(|name| name.as_bytes().into()).collect(),
        ..Default::default()
    };
    let message = refusal(&layer("RNN", 1, &[activations(&["Tanh", "Tanh"])]));
    assert!(message.contains("2 activations where 1 are expected"), "{message}");
    let message = refusal(&layer("RNN", 1, &[activations(&["Wave"])]));
    assert!(message.contains("activation \"Wave\""), "{message}");
    let mut scalar = layer("RNN", 1, &[]);
    scalar.graph.as_mut().unwrap().initializer[1] = initializer("r", array![1.0_f32]);
    let message = refusal(&scalar);
    assert!(message.contains("both must have 3 dimensions"), "{message}");
}
