//! Graphs in nodes: branches that are chosen and loops that are unrolled when the graph is made.

use ndarray::{arr0, array};
use prost::Message;

use super::super::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use super::super::{Model, Options, Shapes, element};
use super::{graph, initializer, int, ints, model, node, numbers, refusal, typed_output, value};
use crate::{Backend, Session};

pub(super) fn with_graph(name: &str, graph: GraphProto) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        kind: 5,
        g: Some(Box::new(graph)),
        ..Default::default()
    }
}

pub(super) fn part(inputs: &[&str], nodes: Vec<NodeProto>, outputs: &[&str]) -> GraphProto {
    GraphProto {
        node: nodes,
        input: inputs.iter().map(|name| value(name, &[])).collect(),
        output: outputs.iter().map(|name| value(name, &[])).collect(),
        ..Default::default()
    }
}

/// `c ? a + 10 : a * d`, with `a` from outside and `d` the branch's own.
fn choice(condition: TensorProto) -> ModelProto {
    let mut other = part(&[], vec![node("Mul", &["a", "d"], "product")], &["product"]);
    other.initializer = vec![initializer("d", array![3_i64])];
    let mut chosen = node("If", &["c"], "y");
    chosen.attribute = vec![
        with_graph("then_branch", part(&[], vec![node("Add", &["a", "ten"], "sum")], &["sum"])),
        with_graph("else_branch", other),
    ];
    model(vec![chosen], vec![condition, numbers("a", &[4, 5]), numbers("ten", &[10])])
}

#[test]
fn a_known_condition_chooses_a_branch() {
    let output = |condition: bool| typed_output(&choice(initializer("c", arr0(condition)))).unwrap();
    assert_eq!(output(true), array![14_i64, 15].into());
    assert_eq!(output(false), array![12_i64, 15].into());
    let message = refusal(&choice(numbers("c", &[1])));
    assert!(message.contains("a condition of i64[1]"), "{message}");
}

/// An input of one bool.
fn bool_input(name: &str) -> ValueInfoProto {
    let mut input = value(name, &[1]);
    if let Some(tensor) = input.kind.as_mut().and_then(|kind| kind.tensor.as_mut()) {
        tensor.element = element::BOOL;
    }
    input
}

#[test]
fn a_condition_of_the_run_chooses_between_what_both_branches_give() {
    let mut unknown = choice(initializer("k", arr0(true)));
    unknown.graph.as_mut().unwrap().input = vec![bool_input("c")];
    let session = Session::new(graph(&unknown).unwrap(), &Backend::Reference).unwrap();
    let output = |condition: bool| session.run_tensors(&[array![condition].view()]).unwrap().swap_remove(0);
    assert_eq!(output(true), array![14_i64, 15].into());
    assert_eq!(output(false), array![12_i64, 15].into());

    let branch = |model: &mut ModelProto| model.graph.as_mut().unwrap().node[0].attribute[0].g.take().unwrap();
    let mut other_shape = unknown.clone();
    let mut longer = branch(&mut other_shape);
    longer.node = vec![node("Concat", &["a", "ten"], "sum")];
    longer.node[0].attribute = vec![int("axis", 0)];
    other_shape.graph.as_mut().unwrap().node[0].attribute[0].g = Some(longer);
    let message = refusal(&other_shape);
    assert!(message.contains("branches that give i64[3] and i64[2]"), "{message}");

    let mut impossible = unknown.clone();
    let mut wrong = branch(&mut impossible);
    wrong.node = vec![node("MatMul", &["x", "ten"], "sum")];
    impossible.graph.as_mut().unwrap().node[0].attribute[0].g = Some(wrong);
    let graph = impossible.graph.as_mut().unwrap();
    graph.input.push(value("x", &[2, 3]));
    let message = refusal(&impossible);
    assert!(
        message.contains("both branches, for a condition that is computed"),
        "{message}"
    );
}

#[test]
fn graphs_in_nodes_define_nothing_twice() {
    let mut twice = choice(initializer("c", arr0(true)));
    twice.graph.as_mut().unwrap().initializer.push(numbers("sum", &[1]));
    let message = refusal(&twice);
    assert!(message.contains("defines \"sum\", which is defined before"), "{message}");
}

#[test]
fn what_a_branch_lacks_is_listed() {
    let mut missing = choice(initializer("c", arr0(true)));
    let branch = missing.graph.as_mut().unwrap().node[0].attribute[0].g.as_mut().unwrap();
    branch.node[0].op_type = "Bernoulli".to_owned();
    let message = refusal(&missing);
    assert!(message.contains("1 x Bernoulli: no such operator"), "{message}");
    assert!(!message.contains("x If"), "{message}");
}

/// Doubles `a` in each of so many rounds while it is below 100, and lists the numbers of the rounds.
fn doubling(rounds: i64) -> ModelProto {
    let nodes = vec![
        node("Add", &["v", "v"], "next"),
        node("Less", &["next", "hundred"], "on"),
        node("Identity", &["i"], "row"),
    ];
    let mut repeat = node("Loop", &["n", "", "a"], "doubled");
    repeat.output.push("y".to_owned());
    repeat.attribute = vec![with_graph("body", part(&["i", "c", "v"], nodes, &["on", "next", "row"]))];
    let constants = vec![
        initializer("n", arr0(rounds)),
        initializer("a", arr0(3_i64)),
        initializer("hundred", arr0(100_i64)),
    ];
    model(vec![repeat], constants)
}

#[test]
fn a_known_loop_is_unrolled() {
    let rounds = |count: i64| typed_output(&doubling(count)).unwrap();
    assert_eq!(rounds(3), array![0_i64, 1, 2].into());
    // 3 * 2^6 is more than a hundred.
    assert_eq!(rounds(1000), array![0_i64, 1, 2, 3, 4, 5].into());
}

#[test]
fn a_loop_without_an_end_is_refused() {
    let mut endless = doubling(i64::MAX);
    let body = endless.graph.as_mut().unwrap().node[0].attribute[0].g.as_mut().unwrap();
    body.node[0].op_type = "Sub".to_owned();
    let message = refusal(&endless);
    assert!(message.contains("more than 65536 nodes"), "{message}");
}

#[test]
fn rounds_that_wait_for_what_is_computed_are_bounded() {
    // Each adds how many elements of `x` are not 0.
    let message = |limit: &str| {
        let nodes = vec![
            node("NonZero", &["x"], "places"),
            node("Size", &["places"], "count"),
            node("Add", &["v", "count"], "next"),
            node("Identity", &["c"], "on"),
        ];
        let mut repeat = node("Loop", &[limit, "", "a"], "y");
        repeat.attribute = vec![with_graph("body", part(&["i", "c", "v"], nodes, &["on", "next"]))];
        let constants = vec![initializer("n", arr0(1_i64 << 40)), initializer("a", arr0(3_i64))];
        let model = Model::from_bytes(&model(vec![repeat], constants).encode_to_vec()).unwrap();
        model.check(&Shapes::new()).unwrap_err().to_string()
    };
    assert!(message("").contains("a loop without an end"), "{}", message(""));
    assert!(message("n").contains("more than 65536 nodes"), "{}", message("n"));
}

/// Running sums of two inputs: along the last axis of `v`, from its end, and along the first of `w`; sums are listed backwards along
/// an axis of their own.
fn running(v: TensorProto, w: TensorProto) -> ModelProto {
    let nodes = vec![
        node("Add", &["sum", "one"], "part"),
        node("Add", &["part", "other"], "next"),
        node("Identity", &["next"], "row"),
    ];
    let mut scan = node("Scan", &["start", "v", "w"], "last");
    scan.output.push("y".to_owned());
    scan.attribute = vec![
        with_graph("body", part(&["sum", "one", "other"], nodes, &["next", "row"])),
        int("num_scan_inputs", 2),
        ints("scan_input_axes", &[-1, 0]),
        ints("scan_input_directions", &[1, 0]),
        ints("scan_output_axes", &[-1]),
        ints("scan_output_directions", &[1]),
    ];
    model(vec![scan], vec![numbers("start", &[100, 200]), v, w])
}

#[test]
fn a_scan_goes_along_each_input_in_its_own_way() {
    let v = initializer("v", array![[1_i64, 2, 3], [4, 5, 6]]);
    let w = initializer("w", array![[10_i64, 10], [20, 20], [30, 30]]);
    let output = typed_output(&running(v.clone(), w)).unwrap();
    assert_eq!(output, array![[166_i64, 135, 113], [275, 241, 216]].into());
    let message = refusal(&running(v, numbers("w", &[1, 2])));
    assert!(message.contains("inputs of [3, 2] steps"), "{message}");
}

#[test]
fn graphs_in_nodes_are_counted_before_they_are_parsed() {
    let mut many = choice(initializer("c", arr0(true)));
    let branch = many.graph.as_mut().unwrap().node[0].attribute[0].g.as_mut().unwrap();
    branch.node = vec![NodeProto::default(); 20_000];
    let options = Options::new().budget(1 << 20);
    let message = Model::from_bytes_with(&many.encode_to_vec(), &options)
        .unwrap_err()
        .to_string();
    assert!(message.contains("nodes and names"), "{message}");
}

#[test]
fn graphs_nested_without_end_are_an_error() {
    let mut graph = part(&[], vec![], &["y"]);
    for _ in 0..2000 {
        let mut outer = node("If", &["c"], "y");
        outer.attribute = vec![with_graph("then_branch", graph)];
        graph = part(&[], vec![outer], &["y"]);
    }
    let mut nested = model(vec![], vec![]);
    nested.graph = Some(graph);
    assert!(Model::from_bytes(&nested.encode_to_vec()).is_err());
    // Dropping it one graph after another takes no deep stack.
    let mut left = nested.graph.take();
    while let Some(mut graph) = left {
        left = graph
            .node
            .pop()
            .and_then(|mut node| node.attribute.pop())
            .and_then(|attribute| attribute.g)
            .map(|graph| *graph);
        graph.node.clear();
    }
}
