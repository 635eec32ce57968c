//! Small files that ask for much: parts, places and constants are counted before they are made.

use prost::Message;
use prost::bytes::Bytes;

use super::super::proto::{ModelProto, NodeProto, TensorProto};
use super::super::{Model, Options, Shapes, read};
use super::{int, ints, model, node, numbers, refusal, value};

fn sequence(extent: i64, lengths: TensorProto) -> ModelProto {
    let mut split = node("SplitToSequence", &["x", "n"], "s");
    split.attribute = vec![int("axis", 0)];
    let nodes = vec![split, node("SequenceAt", &["s", "i"], "y")];
    let mut model = model(nodes, vec![lengths, numbers("i", &[0])]);
    model.graph.as_mut().unwrap().input = vec![value("x", &[extent])];
    model
}

#[test]
fn parts_of_a_sequence_are_counted_before_they_are_nodes() {
    let scalar = |length: i64| TensorProto {
        dims: vec![],
        ..numbers("n", &[length])
    };
    let listed = |count: usize| {
        let mut lengths = vec![0; count];
        lengths[0] = 5;
        numbers("n", &lengths)
    };
    assert!(super::graph(&sequence(2048, scalar(2))).is_ok());
    assert!(super::graph(&sequence(5, listed(1024))).is_ok());
    for (model, part) in [
        (sequence(2049, scalar(2)), "1025 parts: 1024 are the most"),
        (sequence(5, listed(1025)), "1025 parts: 1024 are the most"),
        (
            sequence(6, listed(1000)),
            "1000 parts with 5 elements together, where there are 6",
        ),
        (sequence(6, numbers("n", &[7, -1])), "a length of -1"),
        (sequence(6, scalar(0)), "a length of 0"),
        (
            sequence(6, numbers("n", &[i64::MAX, i64::MAX])),
            "2 parts with 18446744073709551614 elements together",
        ),
        (
            sequence(
                6,
                TensorProto {
                    name: "n".to_owned(),
                    dims: vec![1],
                    data_type: 1,
                    float_data: vec![6.0],
                    ..Default::default()
                },
            ),
            "lengths must be whole numbers",
        ),
    ] {
        let message = refusal(&model);
        assert!(message.contains(part) && message.len() < 300, "{part}: {message}");
    }
}

#[test]
fn a_split_is_refused_without_its_thousand_lengths() {
    let split = node("Split", &["x", "n"], "y");
    let message = refusal(&model(vec![split], vec![numbers("n", &[1; 1000])]));
    assert!(message.contains("1000 parts for 1 outputs"), "{message}");
    assert!(message.len() < 300, "{message}");
}

/// Converts with so small a budget that many times the same constant is too much.
fn refusal_within(bytes: u64, model: &ModelProto) -> String {
    let model = Model::from_bytes_with(&model.encode_to_vec(), &Options::new().budget(bytes)).unwrap();
    model.graph(&Shapes::new()).unwrap_err().to_string()
}

/// The same node several times, of which the first gives `y`.
fn repeated(count: usize, node: &NodeProto) -> Vec<NodeProto> {
    let renamed = |number: usize| NodeProto {
        output: vec![if number == 0 { "y".to_owned() } else { format!("y{number}") }],
        ..node.clone()
    };
    (0..count).map(renamed).collect()
}

#[test]
fn the_divisors_of_averages_are_charged() {
    let mut pool = node("AveragePool", &["x"], "y");
    pool.attribute = vec![
        ints("kernel_shape", &[2, 2]),
        ints("dilations", &[1, 2]),
        ints("pads", &[147; 4]),
    ];
    // Divisors of 299 x 300 f32, three times.
    let message = refusal_within(1 << 20, &model(repeated(3, &pool), vec![]));
    assert!(message.contains("the elements of each window"), "{message}");
}

#[test]
fn whole_exponents_are_charged() {
    let mut exponents = node("ConstantOfShape", &["s"], "e");
    let mut value = int("value", 0);
    value.kind = 4;
    value.t = Some(Box::new(numbers("", &[2])));
    exponents.attribute = vec![value];
    let mut nodes = vec![exponents];
    nodes.extend(repeated(8, &node("Pow", &["x", "e"], "y")));
    // 6144 exponents of 8 bytes, and of 4 bytes eight times.
    let message = refusal_within(1 << 17, &model(nodes, vec![numbers("s", &[64, 2, 6, 8])]));
    assert!(message.contains("the exponents"), "{message}");
}

#[test]
fn indices_are_charged_before_they_are_runs() {
    let nodes = vec![node("ConstantOfShape", &["s"], "i"), node("Gather", &["x", "i"], "y")];
    let mut whole = int("value", 0);
    whole.kind = 4;
    whole.t = Some(Box::new(numbers("", &[0])));
    let mut model = model(nodes, vec![numbers("s", &[6000])]);
    model.graph.as_mut().unwrap().node[0].attribute = vec![whole];
    // Of 8 bytes, as a constant and as places.
    let message = refusal_within(1 << 16, &model);
    assert!(message.contains("the indices"), "{message}");
    let message = refusal_within(1 << 20, &model);
    assert!(message.contains("the output has 576000 elements"), "{message}");
}

#[test]
fn lists_are_no_longer_than_any_use_of_them() {
    let lists = vec![numbers("b", &[0; 1025]), numbers("e", &[1])];
    let message = refusal(&model(vec![node("Slice", &["x", "b", "e"], "y")], lists));
    assert!(
        message.contains("input 1 has 1025 numbers, but 1024 are the most"),
        "{message}"
    );
    // As many lengths as outputs are none too many.
    let mut split = node("Split", &["x", "n"], "y");
    split.output.extend((1..1025).map(|part| format!("y{part}")));
    let mut lengths = vec![0; 1025];
    lengths[7] = 1;
    assert!(super::graph(&model(vec![split], vec![numbers("n", &lengths)])).is_ok());
}

#[test]
fn slices_of_nothing_take_no_memory() {
    // No elements, but 2^59 places along the other axis.
    let mut cast = node("Cast", &["l"], "y");
    cast.attribute = vec![int("to", 1)];
    let nodes = vec![
        node("ConstantOfShape", &["s"], "c"),
        node("Slice", &["c", "b", "e"], "p"),
        node("Shape", &["p"], "l"),
        cast,
    ];
    let lists = vec![
        numbers("s", &[0, 1 << 59]),
        numbers("b", &[0, 1]),
        numbers("e", &[i64::MAX, i64::MAX]),
    ];
    let shape = super::output(&model(nodes, lists));
    assert_eq!(shape, ndarray::array![0.0, ((1_i64 << 59) - 1) as f32].into_dyn());
}

#[test]
fn tensors_of_test_cases_are_counted_before_they_are_parsed() {
    // Numbers of one byte in the file, of which nothing but the parser takes note.
    let tensor = TensorProto {
        dims: vec![1],
        data_type: 1,
        float_data: vec![1.0],
        int64_data: vec![0; 10_000],
        ..Default::default()
    };
    let read = |budget| read::tensor("case", Bytes::from(tensor.encode_to_vec()), budget);
    assert!(read(100_000).is_ok());
    let message = read(50_000).unwrap_err().to_string();
    assert!(message.contains("case") && message.contains("50000"), "{message}");
}
