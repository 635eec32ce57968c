//! A layer as an ONNX model. Only the messages and fields of the format that this takes. Repeated numbers are not packed, as
//! in ONNX's own files: not every engine reads both.

use convoke::PaddingMode;
use ndarray::ArrayD;
use prost::Message;

use crate::cases::{Kind, Layer, Parameters, Window};

pub const INPUT: &str = "input";
pub const OUTPUT: &str = "output";
const WEIGHT: &str = "weight";
const BIAS: &str = "bias";
const PADDED: &str = "padded";
const PADS: &str = "pads";

// `TensorProto.DataType` and `AttributeProto.AttributeType`.
const FLOAT: i32 = 1;
const INT64: i32 = 7;
const ATTRIBUTE_INT: i32 = 2;
const ATTRIBUTE_STRING: i32 = 3;
const ATTRIBUTE_INTS: i32 = 7;

/// A model of the layer; a padding mode other than zeros is a Pad before it, which is all that ONNX has.
pub fn model(layer: &Layer, parameters: Option<&Parameters>, output: &[usize]) -> Vec<u8> {
    let mut nodes = Vec::new();
    let mut initializers = Vec::new();
    let mut between = Vec::new();
    // Circular padding came with opset 19; below that older engines find their way.
    let mut opset = 13;
    match layer.kind {
        Kind::Conv(conv) => {
            let mut attributes = vec![
                ints("kernel_shape", &conv.weight[2..]),
                ints("strides", &[conv.stride; 2]),
                ints("dilations", &[conv.dilation; 2]),
                int("group", conv.groups as i64),
            ];
            let mut input = INPUT;
            let pad_mode = match conv.mode {
                PaddingMode::Zeros => None,
                PaddingMode::Reflect => Some("reflect"),
                PaddingMode::Replicate => Some("edge"),
                PaddingMode::Circular => Some("wrap"),
            };
            if let Some(mode) = pad_mode {
                opset = if mode == "wrap" { 19 } else { opset };
                let pad = conv.padding as i64;
                initializers.push(TensorProto {
                    dims: vec![8],
                    data_type: INT64,
                    name: PADS.to_owned(),
                    raw_data: [0, 0, pad, pad, 0, 0, pad, pad]
                        .iter()
                        .flat_map(|n: &i64| n.to_le_bytes())
                        .collect(),
                });
                nodes.push(node("Pad", &[INPUT, PADS], PADDED, vec![string("mode", mode)]));
                let [batch, channels, height, width] = layer.input;
                between.push(value(
                    PADDED,
                    &[batch, channels, height + 2 * conv.padding, width + 2 * conv.padding],
                ));
                input = PADDED;
            } else {
                attributes.push(ints("pads", &[conv.padding; 4]));
            }
            nodes.push(node("Conv", &[input, WEIGHT, BIAS], OUTPUT, attributes));
        }
        Kind::MaxPool(window) => nodes.push(node("MaxPool", &[INPUT], OUTPUT, window_attributes(window))),
        Kind::AvgPool(window) => {
            let mut attributes = window_attributes(window);
            attributes.push(int("count_include_pad", 1));
            nodes.push(node("AveragePool", &[INPUT], OUTPUT, attributes));
        }
        Kind::GlobalAvgPool => nodes.push(node("GlobalAveragePool", &[INPUT], OUTPUT, Vec::new())),
    }
    if let Some(Parameters { weight, bias }) = parameters {
        initializers.extend([constant(WEIGHT, weight), constant(BIAS, bias)]);
    }
    let model = ModelProto {
        ir_version: if opset < 19 { 7 } else { 9 },
        graph: Some(GraphProto {
            node: nodes,
            name: layer.name.to_owned(),
            initializer: initializers,
            input: vec![value(INPUT, &layer.input)],
            output: vec![value(OUTPUT, output)],
            value_info: between,
        }),
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: opset,
        }],
    };
    model.encode_to_vec()
}

fn constant(name: &str, values: &ArrayD<f32>) -> TensorProto {
    TensorProto {
        dims: values.shape().iter().map(|&extent| extent as i64).collect(),
        data_type: FLOAT,
        name: name.to_owned(),
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

fn window_attributes(window: Window) -> Vec<AttributeProto> {
    vec![
        ints("kernel_shape", &[window.kernel; 2]),
        ints("strides", &[window.stride; 2]),
        ints("pads", &[window.padding; 4]),
    ]
}

fn node(op: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|&input| input.to_owned()).collect(),
        output: vec![output.to_owned()],
        name: op.to_lowercase(),
        op_type: op.to_owned(),
        attribute,
    }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        i: Some(value),
        kind: ATTRIBUTE_INT,
        ..AttributeProto::default()
    }
}

fn ints(name: &str, values: &[usize]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        ints: values.iter().map(|&value| value as i64).collect(),
        kind: ATTRIBUTE_INTS,
        ..AttributeProto::default()
    }
}

fn string(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        s: Some(value.as_bytes().to_vec()),
        kind: ATTRIBUTE_STRING,
        ..AttributeProto::default()
    }
}

fn value(name: &str, shape: &[usize]) -> ValueInfoProto {
    let dim = shape
        .iter()
        .map(|&extent| DimensionProto {
            value: Some(extent as i64),
        })
        .collect();
    ValueInfoProto {
        name: name.to_owned(),
        kind: Some(TypeProto {
            tensor: Some(TensorTypeProto {
                element: FLOAT,
                shape: Some(TensorShapeProto { dim }),
            }),
        }),
    }
}

#[derive(Clone, PartialEq, Message)]
struct ModelProto {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<OperatorSetIdProto>,
}

#[derive(Clone, PartialEq, Message)]
struct OperatorSetIdProto {
    #[prost(string, tag = "1")]
    domain: String,
    #[prost(int64, tag = "2")]
    version: i64,
}

#[derive(Clone, PartialEq, Message)]
struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    node: Vec<NodeProto>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueInfoProto>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueInfoProto>,
    /// Values between nodes; wonnx needs their shapes.
    #[prost(message, repeated, tag = "13")]
    value_info: Vec<ValueInfoProto>,
}

#[derive(Clone, PartialEq, Message)]
struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    op_type: String,
    #[prost(message, repeated, tag = "5")]
    attribute: Vec<AttributeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct AttributeProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int64, optional, tag = "3")]
    i: Option<i64>,
    #[prost(bytes = "vec", optional, tag = "4")]
    s: Option<Vec<u8>>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    ints: Vec<i64>,
    #[prost(int32, tag = "20")]
    kind: i32,
}

#[derive(Clone, PartialEq, Message)]
struct TensorProto {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct ValueInfoProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    kind: Option<TypeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TypeProto {
    #[prost(message, optional, tag = "1")]
    tensor: Option<TensorTypeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorTypeProto {
    #[prost(int32, tag = "1")]
    element: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<TensorShapeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorShapeProto {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<DimensionProto>,
}

#[derive(Clone, PartialEq, Message)]
struct DimensionProto {
    #[prost(int64, optional, tag = "1")]
    value: Option<i64>,
}
