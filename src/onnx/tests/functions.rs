//! Functions that a model brings along.

use ndarray::array;
use prost::Message;

use super::graphs::{part, with_graph};
use super::{initializer, int, model, node, numbers, refusal, typed_output};
use crate::onnx::proto::{AttributeProto, FunctionProto, ModelProto, NodeProto};
use crate::onnx::{Model, Options};
use crate::tensor::Tensor;

fn function(name: &str, inputs: &[&str], outputs: &[&str], nodes: Vec<NodeProto>) -> FunctionProto {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    FunctionProto {
        name: name.to_owned(),
        domain: "own".to_owned(),
        input: owned(inputs),
        output: owned(outputs),
        node: nodes,
        ..Default::default()
    }
}

fn call(name: &str, inputs: &[&str], output: &str) -> NodeProto {
    let mut call = node(name, inputs, output);
    call.domain = "own".to_owned();
    call
}

fn with(functions: Vec<FunctionProto>, nodes: Vec<NodeProto>) -> ModelProto {
    let mut model = model(nodes, vec![numbers("a", &[1, 2]), numbers("b", &[30, 40])]);
    model.functions = functions;
    model
}

/// `x + factor`, with `factor` an attribute that is 5 where it is not given.
fn shifted() -> FunctionProto {
    let mut constant = node("Constant", &[], "t");
    constant.attribute = vec![AttributeProto {
        name: "value_int".to_owned(),
        kind: 2,
        ref_attr_name: "factor".to_owned(),
        ..Default::default()
    }];
    let nodes = vec![constant, node("Add", &["x", "t"], "sum")];
    FunctionProto {
        attribute_proto: vec![int("factor", 5)],
        ..function("shifted", &["x"], &["sum"], nodes)
    }
}

fn output(model: &ModelProto) -> Tensor {
    typed_output(model).unwrap()
}

#[test]
fn attributes_are_the_calls_or_the_default() {
    let mut first = call("shifted", &["a"], "s");
    first.attribute = vec![int("factor", 100)];
    let calls = vec![first, call("shifted", &["s"], "y")];
    assert_eq!(output(&with(vec![shifted()], calls)), array![106_i64, 107].into());
}

#[test]
fn functions_call_functions_and_have_graphs_in_nodes() {
    // The same names inside and outside, in a branch that reads the function's own.
    let mut chosen = node("If", &["yes"], "s");
    let branch = || part(&[], vec![node("Add", &["t", "x"], "r")], &["r"]);
    chosen.attribute = vec![with_graph("then_branch", branch()), with_graph("else_branch", branch())];
    let outer = function("outer", &["x", "yes"], &["s"], vec![call("shifted", &["x"], "t"), chosen]);
    let mut model = with(
        vec![outer, shifted()],
        vec![call("outer", &["a", "c"], "t"), call("outer", &["t", "c"], "y")],
    );
    model.graph.as_mut().unwrap().initializer.push(initializer("c", array![true]));
    // 2 x + 5, twice.
    assert_eq!(output(&model), array![19_i64, 23].into());
}

#[test]
fn an_input_may_be_an_output() {
    let swap = function("swap", &["p", "q"], &["q", "p"], vec![node("Neg", &["p"], "unused")]);
    let mut swapped = call("swap", &["a", "b"], "first");
    swapped.output.push("second".to_owned());
    let nodes = vec![swapped, node("Sub", &["first", "second"], "y")];
    assert_eq!(output(&with(vec![swap], nodes)), array![29_i64, 38].into());
}

#[test]
fn functions_without_an_end_are_refused() {
    let first = function("first", &["x"], &["y"], vec![call("second", &["x"], "y")]);
    let second = function("second", &["x"], &["y"], vec![call("first", &["x"], "y")]);
    let message = refusal(&with(vec![first, second], vec![call("first", &["a"], "y")]));
    assert!(message.contains("function first calls itself"), "{message}");
    // Each calls the next twice: 2^30 nodes of a thousand bytes.
    let doubling = |level: usize| {
        let next = format!("f{}", level + 1);
        let calls = vec![call(&next, &["x"], "t"), call(&next, &["t"], "y")];
        function(&format!("f{level}"), &["x"], &["y"], calls)
    };
    let mut functions: Vec<FunctionProto> = (0..30).map(doubling).collect();
    functions.push(function("f30", &["x"], &["y"], vec![node("Neg", &["x"], "y")]));
    let model = with(functions, vec![call("f0", &["a"], "y")]);
    let message = refusal(&model);
    assert!(message.contains("more than 65536 nodes"), "{message}");
    let little = Model::from_bytes_with(&model.encode_to_vec(), &Options::new().budget(1 << 18));
    let message = little.unwrap_err().to_string();
    assert!(
        message.contains("the copies of nodes in functions, branches and loops"),
        "{message}"
    );
}

#[test]
fn calls_are_checked() {
    let mut surplus = call("shifted", &["a"], "y");
    surplus.attribute = vec![int("other", 1)];
    let message = refusal(&with(vec![shifted()], vec![surplus]));
    assert!(message.contains("function shifted has no attribute \"other\""), "{message}");
    let message = refusal(&with(vec![shifted()], vec![call("shifted", &["a", "b"], "y")]));
    assert!(
        message.contains("takes 1 inputs and gives 1 outputs, but is called with 2 and 1"),
        "{message}"
    );
    let message = refusal(&with(vec![shifted(), shifted()], vec![call("shifted", &["a"], "y")]));
    assert!(message.contains("two functions are called \"shifted\""), "{message}");
}
