//! Models that are hostile, malformed or unsupported, built field by field.

mod attention;
mod custom;
mod described;
mod early;
mod einsum;
mod functions;
mod graphs;
mod indexed;
mod known;
mod microsoft;
mod norms;
mod quantised;
mod recurrent;
mod reductions;
mod sequences;
mod signals;
mod sizes;
mod sparse;
mod values;

use prost::Message;
use prost::bytes::Bytes;

use super::proto::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use super::{Model, Options, Shapes, element};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = dims.iter().map(|&dim| DimensionProto {
        value: Some(dim),
        symbol: None,
    });
    let shape = Some(TensorShapeProto { dim: dim.collect() });
    ValueInfoProto {
        name: name.to_owned(),
        kind: Some(TypeProto {
            tensor: Some(TensorTypeProto { element: 1, shape }),
            ..Default::default()
        }),
    }
}

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.to_owned(),
        input: inputs.iter().map(|&name| name.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..Default::default()
    }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        ints: ints.to_vec(),
        kind: 7,
        ..Default::default()
    }
}

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        i,
        kind: 2,
        ..Default::default()
    }
}

fn text(name: &str, s: &str) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        s: s.as_bytes().to_vec().into(),
        kind: 3,
        ..Default::default()
    }
}

fn numbers(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: vec![values.len() as i64],
        data_type: 7,
        int64_data: values.to_vec(),
        ..Default::default()
    }
}

/// From `x [1, 2, 6, 8]` to `y`, whatever its shape.
fn model(nodes: Vec<NodeProto>, initializer: Vec<TensorProto>) -> ModelProto {
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: 13,
        }],
        graph: Some(GraphProto {
            node: nodes,
            initializer,
            input: vec![value("x", &[1, 2, 6, 8])],
            output: vec![value("y", &[1])],
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn graph(model: &ModelProto) -> Result<crate::graph::Graph> {
    Model::from_bytes(&model.encode_to_vec())?.graph(&Shapes::new())
}

/// What a model gives for an `x` of zeros, on the reference.
fn output(model: &ModelProto) -> ndarray::ArrayD<f32> {
    let session = crate::Session::new(graph(model).unwrap(), &crate::Backend::Reference).unwrap();
    let x = ndarray::Array4::<f32>::zeros((1, 2, 6, 8)).into_dyn();
    session.run(&[x.view()]).unwrap().swap_remove(0)
}

/// What a model gives for an `x` of zeros, of whatever type, on the reference.
fn typed_output(model: &ModelProto) -> Result<Tensor> {
    let session = crate::Session::new(graph(model)?, &crate::Backend::Reference)?;
    let x = ndarray::Array4::<f32>::zeros((1, 2, 6, 8));
    Ok(session.run_tensors(&[x.view()])?.swap_remove(0))
}

/// An initializer.
fn initializer(name: &str, tensor: impl Into<Tensor>) -> TensorProto {
    let tensor = tensor.into();
    let raw: Vec<u8> = match &tensor {
        Tensor::F32(array) => array.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Tensor::F16(array) => array.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Tensor::I64(array) => array.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Tensor::I32(array) => array.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Tensor::U8(array) => array.iter().copied().collect(),
        Tensor::I8(array) => array.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Tensor::Bool(array) => array.iter().map(|&value| u8::from(value)).collect(),
    };
    TensorProto {
        name: name.to_owned(),
        dims: tensor.shape().iter().map(|&extent| extent as i64).collect(),
        data_type: element::number(tensor.dtype()),
        raw_data: Some(raw.into()),
        ..Default::default()
    }
}

/// An operator of constants, each of which may be left out, in a version of ONNX's operators.
fn of_constants(version: i64, operator: &str, inputs: &[Option<Tensor>], attributes: &[AttributeProto]) -> ModelProto {
    let names: Vec<&str> = ["a", "b", "c", "d", "e", "f", "g"]
        .into_iter()
        .zip(inputs)
        .map(|(name, input)| input.as_ref().map_or("", |_| name))
        .collect();
    let mut node = node(operator, &names, "y");
    node.attribute = attributes.to_vec();
    let constants = names
        .iter()
        .zip(inputs)
        .filter_map(|(name, input)| Some(initializer(name, input.clone()?)));
    let mut model = model(vec![node], constants.collect());
    model.opset_import[0].version = version;
    model
}

fn refusal(model: &ModelProto) -> String {
    graph(model).unwrap_err().to_string()
}

#[test]
fn all_that_is_unsupported_is_listed_at_once() {
    let mut foreign = node("Attention", &["r"], "f");
    foreign.domain = "com.example".to_owned();
    let mut surplus = node("Relu", &["x"], "s");
    surplus.attribute.push(ints("odd", &[1]));
    let pairs = TensorProto {
        name: "pairs".to_owned(),
        dims: vec![2],
        data_type: 14,
        raw_data: Some(Bytes::from_static(&[0; 2])),
        ..Default::default()
    };
    let nodes = vec![
        node("Relu", &["x"], "r"),
        node("Bernoulli", &["r"], "d"),
        node("Bernoulli", &["r"], "e"),
        foreign,
        surplus,
        node("Add", &["x", "pairs"], "h"),
        node("Relu", &["d"], "after"),
        node("Frobnicate", &["after"], "y"),
    ];
    let error = graph(&model(nodes, vec![pairs])).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }));
    let message = error.to_string();
    for part in [
        "6 of the model's 8 nodes (opset 13):",
        "\n  2 x Bernoulli, 1 x Frobnicate: no such operator",
        "1 x com.example.Attention: domain",
        "1 x Relu: attribute \"odd\"",
        "1 x Add: initializer \"pairs\" is COMPLEX64",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    // What depends on an unsupported node is not to blame.
    assert!(!message.contains("2 x Relu"), "{message}");
}

#[test]
fn names_and_order_are_checked() {
    let cases = [
        (vec![node("Relu", &["z"], "z"), node("Relu", &["z"], "y")], "in a circle"),
        (vec![node("Relu", &["b"], "y"), node("Relu", &["y"], "b")], "in a circle"),
        (vec![node("Relu", &["nobody"], "y")], "which nothing defines"),
        (vec![node("Relu", &["x"], "y"), node("Relu", &["x"], "y")], "defined before"),
        (vec![node("Relu", &["x"], "x")], "defined before"),
        (vec![node("Relu", &["x"], "z")], "nothing defines the output"),
        (vec![node("Relu", &["x"], "")], "has no output"),
    ];
    for (nodes, part) in cases {
        let message = refusal(&model(nodes, vec![]));
        assert!(message.contains(part), "{part}: {message}");
    }
    let twice = vec![numbers("w", &[1]), numbers("w", &[2])];
    assert!(refusal(&model(vec![node("Relu", &["x"], "y")], twice)).contains("two initializers"));
    let nameless = vec![numbers("", &[1])];
    assert!(refusal(&model(vec![node("Relu", &["x"], "y")], nameless)).contains("no name"));
}

#[test]
fn versions_are_checked() {
    let good = model(vec![node("Relu", &["x"], "y")], vec![]);
    assert!(graph(&good).is_ok());
    for version in [i64::MIN, 0, 29, i64::MAX] {
        let mut other = good.clone();
        other.opset_import[0].version = version;
        assert!(matches!(graph(&other), Err(Error::Unsupported { .. })), "{version}");
    }
    let mut none = good.clone();
    none.opset_import.clear();
    assert!(refusal(&none).contains("no version"));
    let mut old = good;
    old.ir_version = 0;
    assert!(refusal(&old).contains("IR version 0"));
}

#[test]
fn inputs_with_a_value_are_constants() {
    let reshape = |element| {
        let mut model = model(vec![node("Reshape", &["x", "s"], "y")], vec![]);
        let mut shape = value("s", &[2]);
        if let Some(kind) = shape.kind.as_mut().and_then(|kind| kind.tensor.as_mut()) {
            kind.element = element;
        }
        model.graph.as_mut().unwrap().input.push(shape);
        Model::from_bytes(&model.encode_to_vec()).unwrap()
    };
    let whole = |values: &[i64]| ndarray::arr1(values).into_dyn();
    let model = reshape(7);
    let message = |shapes: &Shapes| model.graph(shapes).unwrap_err().to_string();
    assert!(message(&Shapes::new()).contains("Reshape: input 1 is computed while the network runs"));
    assert!(message(&Shapes::new().value("t", whole(&[4]))).contains("no input \"t\""));
    assert!(message(&Shapes::new().value("s", whole(&[4, 4, 6]))).contains("[3]"));
    let real = ndarray::arr1(&[4.0_f32, 24.0]).into_dyn();
    assert!(message(&Shapes::new().value("s", real)).contains("s [2] is INT64: expected a value of i64, but got f32"));

    let shapes = Shapes::new().value("s", whole(&[4, 24]));
    let graph = model.graph(&shapes).unwrap();
    assert_eq!(graph.inputs().len(), 1);
    assert_eq!(model.input_shapes(&shapes).unwrap(), [vec![1, 2, 6, 8], vec![2]]);
    let session = crate::Session::new(graph, &crate::Backend::Reference).unwrap();
    let x = ndarray::Array4::<f32>::zeros((1, 2, 6, 8)).into_dyn();
    assert_eq!(session.run(&[x.view()]).unwrap()[0].shape(), [4, 24]);
    let half = reshape(10).graph(&shapes).unwrap_err().to_string();
    assert!(
        half.contains("s [2] is FLOAT16: expected a value of f32, but got i64"),
        "{half}"
    );
    let pairs = reshape(14).graph(&Shapes::new()).unwrap_err().to_string();
    assert!(pairs.contains("\"s\" is COMPLEX64, which is no type of inputs"), "{pairs}");
    assert!(reshape(12).graph(&shapes).is_ok());
}

#[test]
fn lengths_are_checked_before_anything_is_allocated() {
    let relu = || vec![node("Relu", &["x"], "y")];
    let huge = |dims: &[i64]| TensorProto {
        name: "w".to_owned(),
        dims: dims.to_vec(),
        data_type: 1,
        raw_data: Some(Bytes::new()),
        ..Default::default()
    };
    for dims in [
        &[1 << 40][..],
        &[i64::MAX, i64::MAX],
        &[-1],
        &[1, 1, 1, 1, 1, 1, 1, 1, 1],
        &[0, i64::MAX, i64::MAX],
    ] {
        assert!(
            matches!(graph(&model(relu(), vec![huge(dims)])), Err(Error::Onnx(_))),
            "{dims:?}"
        );
    }
    // A string of 2^62 bytes, and one that ends early.
    for bytes in [&b"\x3a\x80\x80\x80\x80\x80\x80\x80\x80\x40"[..], b"\x3a\x05\x0a"] {
        assert!(matches!(Model::from_bytes(bytes), Err(Error::Onnx(_))));
    }
}

#[test]
fn allocations_stay_within_the_budget() {
    // 2^40 numbers from two and from three, and images padded to 2^43 elements.
    let of_shape = vec![node("ConstantOfShape", &["s"], "c"), node("Add", &["x", "c"], "y")];
    let range = vec![node("Range", &["a", "s", "a"], "c"), node("Cast", &["c"], "y")];
    let mut pool = node("MaxPool", &["x"], "y");
    pool.attribute = vec![ints("kernel_shape", &[1, 1]), ints("pads", &[1 << 20; 4])];
    let mut dilated = node("AveragePool", &["x"], "y");
    dilated.attribute = vec![
        ints("kernel_shape", &[1 << 20; 2]),
        ints("dilations", &[2, 3]),
        ints("pads", &[1 << 30; 4]),
    ];
    let cases = [
        model(vec![dilated], vec![]),
        model(of_shape, vec![numbers("s", &[1 << 20, 1 << 20])]),
        model(range, vec![numbers("s", &[1 << 40]), numbers("a", &[1])]),
        model(vec![pool], vec![]),
    ];
    for case in cases {
        let message = refusal(&case);
        assert!(message.contains("budget"), "{message}");
    }
    // Two bytes a node in the file are far more in memory.
    let many = model(vec![NodeProto::default(); 20_000], vec![]).encode_to_vec();
    let options = Options::new().budget(1 << 20);
    let message = Model::from_bytes_with(&many, &options).unwrap_err().to_string();
    assert!(message.contains("nodes and names"), "{message}");
    let message = Model::from_bytes_with(&many, &options.budget(100)).unwrap_err().to_string();
    assert!(message.contains("the file"), "{message}");
}

#[test]
fn windows_and_indices_beyond_the_image_are_refused() {
    let attributes = |op: &str, list: Vec<AttributeProto>| {
        let mut node = node(op, &["x"], "y");
        node.attribute = list;
        model(vec![node], vec![])
    };
    for (case, part) in [
        (
            attributes("AveragePool", vec![ints("kernel_shape", &[4, 2]), ints("dilations", &[3, 1])]),
            "kernel of (4 x 2) with dilations (3 x 1) does not fit an input of (6 x 8)",
        ),
        (
            attributes(
                "AveragePool",
                vec![
                    ints("kernel_shape", &[i64::from(i32::MAX); 2]),
                    ints("dilations", &[i64::from(i32::MAX); 2]),
                ],
            ),
            "does not fit",
        ),
        (
            model(vec![node("Gather", &["x", "i"], "y")], vec![numbers("i", &[0, -2])]),
            "index -2 of 1 elements",
        ),
        (
            model(
                vec![node("PRelu", &["x", "x2"], "y")],
                vec![TensorProto {
                    name: "x2".to_owned(),
                    dims: vec![3],
                    data_type: 1,
                    float_data: vec![1.0; 3],
                    ..Default::default()
                }],
            ),
            "[3]",
        ),
    ] {
        let message = refusal(&case);
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn extreme_attributes_are_refused() {
    for (name, values) in [
        ("strides", [0, 1]),
        ("strides", [i64::MAX, 1]),
        ("dilations", [0, 1]),
        ("dilations", [1, i64::MIN]),
        ("kernel_shape", [1 << 31, 1]),
        ("kernel_shape", [0, 0]),
    ] {
        let mut pool = node("MaxPool", &["x"], "y");
        pool.attribute = vec![ints(name, &values)];
        if name != "kernel_shape" {
            pool.attribute.push(ints("kernel_shape", &[2, 2]));
        }
        let message = refusal(&model(vec![pool], vec![]));
        assert!(message.contains(name), "{message}");
    }
    for target in [
        &[i64::MIN, 1][..],
        &[-1, -1],
        &[0, 0, 0, 0, 0],
        &[5, 7],
        &[i64::MAX, i64::MAX],
    ] {
        let reshape = vec![node("Reshape", &["x", "s"], "y")];
        assert!(graph(&model(reshape, vec![numbers("s", target)])).is_err(), "{target:?}");
    }
    for axis in [i64::MIN, -5, 5, i64::MAX] {
        let mut flatten = node("Flatten", &["x"], "y");
        flatten.attribute = vec![int("axis", axis)];
        assert!(graph(&model(vec![flatten], vec![])).is_err(), "{axis}");
    }
}

#[test]
fn deep_nesting_ends_in_an_error() {
    // Subgraphs are skipped; groups and messages nest no deeper than prost allows.
    let mut bytes = model(vec![node("Relu", &["x"], "y")], vec![]).encode_to_vec();
    bytes.extend([0xa3, 0x06].repeat(100_000));
    assert!(matches!(Model::from_bytes(&bytes), Err(Error::Onnx(_))));
}

#[test]
fn external_data_is_plain_files_in_the_folder_and_nowhere_else() {
    let folder = std::env::temp_dir().join(format!("convoke-onnx-{}", std::process::id()));
    let inner = folder.join("inner");
    std::fs::create_dir_all(&inner).unwrap();
    std::fs::write(folder.join("outside"), [0; 64]).unwrap();
    let content: Vec<u8> = (0..8).flat_map(|value: u8| f32::from(value).to_le_bytes()).collect();
    std::fs::write(inner.join("weights"), content).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.join("outside"), inner.join("link")).unwrap();

    let open = |location: &str, offset: &str, allowed: bool| {
        let entry = |key: &str, value: &str| StringStringEntryProto {
            key: key.to_owned(),
            value: value.to_owned(),
        };
        let weight = TensorProto {
            name: "w".to_owned(),
            dims: vec![4],
            data_type: 1,
            data_location: 1,
            external_data: vec![entry("location", location), entry("offset", offset)],
            ..Default::default()
        };
        let path = inner.join("model.onnx");
        std::fs::write(&path, model(vec![node("Relu", &["w"], "y")], vec![weight]).encode_to_vec()).unwrap();
        Model::open_with(path, &Options::new().external_data(allowed)).map_err(|error| error.to_string())
    };
    let session = crate::Session::new(
        open("weights", "16", true).unwrap().graph(&Shapes::new()).unwrap(),
        &crate::Backend::Reference,
    );
    let x = ndarray::Array4::<f32>::zeros((1, 2, 6, 8)).into_dyn();
    let outputs = session.unwrap().run(&[x.view()]).unwrap();
    assert_eq!(outputs[0], ndarray::array![4.0, 5.0, 6.0, 7.0].into_dyn());

    let absolute = folder.join("outside");
    let cases = [
        ("weights", "16", false, "allow external data"),
        ("weights", "17", true, "16 bytes at 17"),
        ("weights", "18446744073709551615", true, "which has 32"),
        ("weights", "-1", true, "no number"),
        ("../outside", "0", true, "not a path inside"),
        (absolute.to_str().unwrap(), "0", true, "not a path inside"),
        (".", "0", true, "not a plain file"),
        ("none", "0", true, "none"),
        ("", "0", true, "not a path inside"),
        #[cfg(unix)]
        ("link", "0", true, "leads out"),
    ];
    for (location, offset, allowed, part) in cases {
        let message = open(location, offset, allowed).unwrap_err();
        assert!(message.contains(part), "{part}: {message}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
