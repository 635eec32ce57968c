//! Sequences of tensors and optionals.

use ndarray::{arr0, array};

use super::graphs::{part, with_graph};
use super::{initializer, int, model, node, numbers, refusal, typed_output, value};
use crate::error::Error;
use crate::onnx::Model;
use crate::onnx::proto::{Ignored, ModelProto, NodeProto, TypeProto};
use crate::tensor::Tensor;
use prost::Message;

/// With `a` [1, 2], `b` [3, 4], `c` [5, 6] and the numbers 0, -1 and 9.
fn of_three(nodes: Vec<NodeProto>) -> ModelProto {
    let mut constants = vec![numbers("a", &[1, 2]), numbers("b", &[3, 4]), numbers("c", &[5, 6])];
    constants.extend([("zero", 0_i64), ("last", -1), ("nine", 9)].map(|(name, number)| initializer(name, arr0(number))));
    model(nodes, constants)
}

/// All of a sequence, one after another along a new axis.
fn stacked(mut nodes: Vec<NodeProto>, sequence: &str) -> ModelProto {
    let mut joined = node("ConcatFromSequence", &[sequence], "y");
    joined.attribute = vec![int("axis", 0), int("new_axis", 1)];
    nodes.push(joined);
    of_three(nodes)
}

fn output(model: &ModelProto) -> Tensor {
    typed_output(model).unwrap()
}

#[test]
fn tensors_are_inserted_and_erased_at_places() {
    let inserted = |place: &str| {
        stacked(
            vec![
                node("SequenceConstruct", &["a", "b"], "s"),
                node("SequenceInsert", &["s", "c", place], "t"),
            ],
            "t",
        )
    };
    assert_eq!(output(&inserted("")), array![[1_i64, 2], [3, 4], [5, 6]].into());
    assert_eq!(output(&inserted("zero")), array![[5_i64, 6], [1, 2], [3, 4]].into());
    assert_eq!(output(&inserted("last")), array![[1_i64, 2], [5, 6], [3, 4]].into());
    assert!(refusal(&inserted("nine")).contains("place 9 of a sequence of 2"));
    let erased = |place: &str| {
        stacked(
            vec![
                node("SequenceConstruct", &["a", "b", "c"], "s"),
                node("SequenceErase", &["s", place], "t"),
            ],
            "t",
        )
    };
    assert_eq!(output(&erased("")), array![[1_i64, 2], [3, 4]].into());
    assert_eq!(output(&erased("zero")), array![[3_i64, 4], [5, 6]].into());
    assert!(refusal(&erased("nine")).contains("place 9 of a sequence of 3"));
}

#[test]
fn sequences_of_none_have_a_length_and_nothing_else() {
    let empty = || node("SequenceEmpty", &[], "s");
    let length = of_three(vec![empty(), node("SequenceLength", &["s"], "y")]);
    assert_eq!(output(&length), arr0(0_i64).into());
    assert!(refusal(&stacked(vec![empty()], "s")).contains("a sequence of none cannot be joined"));
    let erased = of_three(vec![empty(), node("SequenceErase", &["s"], "y")]);
    assert!(refusal(&erased).contains("the last of a sequence of none"));
}

#[test]
fn a_split_gives_parts_of_one_element_with_their_axis_or_without() {
    let parts = |keeps_axis: i64| {
        let mut split = node("SplitToSequence", &["a"], "s");
        split.attribute = vec![int("keepdims", keeps_axis)];
        stacked(vec![split], "s")
    };
    assert_eq!(output(&parts(1)), array![[1_i64], [2]].into());
    assert_eq!(output(&parts(0)), array![1_i64, 2].into());
}

#[test]
fn a_body_maps_sequences() {
    let mut map = node("SequenceMap", &["s", "c"], "t");
    let body = part(&["one", "other"], vec![node("Add", &["one", "other"], "sum")], &["sum"]);
    map.attribute = vec![with_graph("body", body)];
    let nodes = vec![node("SequenceConstruct", &["a", "b"], "s"), map];
    assert_eq!(output(&stacked(nodes, "t")), array![[6_i64, 8], [8, 10]].into());
}

#[test]
fn an_optional_is_its_element() {
    let nodes = vec![node("Optional", &["b"], "o"), node("OptionalGetElement", &["o"], "y")];
    assert_eq!(output(&of_three(nodes)), array![3_i64, 4].into());
    let has = |inputs: &[&str]| {
        output(&of_three(vec![
            node("Optional", inputs, "o"),
            node("OptionalHasElement", &["o"], "y"),
        ]))
    };
    assert_eq!(has(&["a"]), arr0(true).into());
    assert_eq!(has(&[]), arr0(false).into());
    let nodes = vec![node("Optional", &[], "o"), node("OptionalGetElement", &["o"], "y")];
    assert!(refusal(&of_three(nodes)).contains("an optional without an element"));
}

#[test]
fn inputs_and_outputs_are_tensors() {
    let mut model = of_three(vec![node("SequenceLength", &["s"], "y")]);
    let mut input = value("s", &[]);
    input.kind = Some(TypeProto {
        sequence: Some(Ignored {}),
        ..Default::default()
    });
    model.graph.as_mut().unwrap().input = vec![input];
    let error = Model::from_bytes(&model.encode_to_vec()).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }));
    assert!(error.to_string().contains("input \"s\" is a sequence"), "{error}");
}
