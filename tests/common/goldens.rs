//! PyTorch's golden cases as operators with inputs and expected outputs.

use convoke::ops::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, BatchNorm, Binary, Concat, Conv2d, ConvPadding, ConvTranspose2d, Expand,
    InstanceNorm, Interpolate, Linear, LocalResponseNorm, MatMul, MaxPool2d, Op, PRelu, Pad2d, Recurrent, RecurrentCell, Reduce,
    ReduceKind, ScaledDotProductAttention, Slice, Softmax, Transpose, Unary,
};
use convoke::testing::{Golden, GoldenCase};
use convoke::{Padding2d, Result};
use ndarray::ArrayD;
use serde_json::Value;

/// One golden case, whatever its operator.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// File and case, `conv2d/000_asym_rect_zeros`.
    pub(crate) name: String,
    /// The operator with its parameters.
    pub(crate) op: Op,
    /// Its inputs, in the operator's order.
    pub(crate) inputs: Vec<ArrayD<f32>>,
    /// PyTorch's answer for each output.
    pub(crate) expected: Vec<ArrayD<f32>>,
    /// Whether every correct implementation has these bits.
    pub(crate) exact: bool,
}

/// Every file in `tests/data` with its operator and the roles of the inputs.
const FILES: [(&str, &str, &[&str]); 17] = [
    ("conv2d", "conv2d", &["input", "weight", "bias"]),
    ("conv_transpose2d", "conv_transpose2d", &["input", "weight", "bias"]),
    ("interpolate", "interpolate", &["input"]),
    ("pad", "pad", &["input"]),
    ("max_pool2d", "max_pool2d", &["input"]),
    ("avg_pool2d", "avg_pool2d", &["input"]),
    ("adaptive_pool2d", "adaptive_pool2d", &["input"]),
    ("activation", "activation", &["input", "weight"]),
    ("elementwise", "elementwise", &["input", "other"]),
    ("linear", "linear", &["input", "weight", "bias"]),
    ("matmul", "matmul", &["input", "other"]),
    ("movement", "movement", &["input", "other", "third"]),
    ("normalisation", "normalisation", &["input", "weight", "bias"]),
    ("reduce", "reduce", &["input"]),
    ("attention", "attention", &["query", "key", "value", "mask"]),
    ("recurrent", "recurrent", &["input", "weight", "bias", "state", "cell_state"]),
    ("batch_norm", "batch_norm", &["input", "mean", "var", "weight", "bias"]),
];

/// The names of the files, in `tests/data`.
pub(crate) fn files() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(file, ..)| *file)
}

/// Every golden case in the content of a file.
pub(crate) fn cases_in(file: &str, bytes: &[u8]) -> Vec<Case> {
    let known = FILES.iter().find(|(known, ..)| *known == file);
    let (_, operator, roles) = known.expect("a file that is listed");
    let goldens = Golden::from_bytes(file, bytes).expect("a file of golden cases");
    let case = |golden: &GoldenCase| {
        let tensors = |roles: &[&str]| roles.iter().filter_map(|role| golden.tensor(role).cloned()).collect();
        Case {
            name: format!("{file}/{}", golden.name),
            op: operator_from(operator, &golden.args).expect("arguments that PyTorch accepts"),
            inputs: tensors(roles),
            expected: tensors(&["expected", "indices", "last_cell_state"]),
            exact: golden.exact,
        }
    };
    goldens.iter().map(case).collect()
}

/// The operator from PyTorch's arguments. One number stands for both dimensions; what is missing has its default.
pub(super) fn operator_from(operator: &str, args: &Value) -> Result<Op> {
    let size_or = |name: &str, default: [usize; 2]| args.get(name).map_or(default, size);
    let padding = || args.get("padding").map_or([0, 0], pair);
    let number = |name: &str| args[name].as_f64().expect("a number") as f32;
    Ok(match operator {
        "conv2d" => conv2d(args),
        "conv_transpose2d" => ConvTranspose2d::new()
            .stride(size(&args["stride"]))
            .padding(padding())
            .output_padding(size(&args["output_padding"]))
            .dilation(size(&args["dilation"]))
            .groups(args["groups"].as_u64().expect("a number") as usize)
            .into(),
        "interpolate" => {
            let output = size(&args["size"]);
            match args["mode"].as_str() {
                Some("nearest") => Interpolate::nearest(output).into(),
                _ => Interpolate::bilinear(output, args["align_corners"] == true).into(),
            }
        }
        "pad" => {
            let padding = Padding2d::from_slice(&integers(&args["padding"]))?;
            let mode = args["mode"].as_str().expect("a padding mode").parse()?;
            let value = args.get("value").and_then(Value::as_f64).unwrap_or(0.0) as f32;
            Pad2d::new(padding).mode(mode).value(value).into()
        }
        "max_pool2d" => {
            let kernel = size(&args["kernel_size"]);
            MaxPool2d::new(kernel)
                .stride(size_or("stride", kernel))
                .padding(padding())
                .dilation(size_or("dilation", [1, 1]))
                .ceil_mode(args["ceil_mode"] == true)
                .return_indices(true)
                .into()
        }
        "avg_pool2d" => {
            let kernel = size(&args["kernel_size"]);
            AvgPool2d::new(kernel)
                .stride(size_or("stride", kernel))
                .padding(padding())
                .ceil_mode(args["ceil_mode"] == true)
                .count_include_pad(args["count_include_pad"] != false)
                .divisor_override(args["divisor_override"].as_i64().map(|divisor| divisor as isize))
                .into()
        }
        "adaptive_pool2d" if args["kind"] == "avg" => AdaptiveAvgPool2d::new(size(&args["output_size"])).into(),
        "adaptive_pool2d" => AdaptiveMaxPool2d::new(size(&args["output_size"])).return_indices(true).into(),
        "linear" => Linear.into(),
        "matmul" => MatMul.into(),
        "elementwise" => elementwise(args["kind"].as_str().expect("a function"), number),
        "movement" => movement(args),
        "normalisation" if args["kind"] == "instance_norm" => InstanceNorm::new().eps(number("eps")).into(),
        "normalisation" => LocalResponseNorm::new(args["size"].as_u64().expect("a number") as usize)
            .alpha(number("alpha"))
            .beta(number("beta"))
            .k(number("k"))
            .into(),
        "reduce" => {
            let kind = match args["kind"].as_str() {
                Some("sum") => ReduceKind::Sum,
                Some("mean") => ReduceKind::Mean,
                _ => ReduceKind::Max,
            };
            Reduce::new(kind, integers(&args["axes"]))
                .keep_dims(args["keep_dims"] == true)
                .into()
        }
        "attention" => {
            let op = ScaledDotProductAttention::new();
            let scale = args["scale"].as_f64();
            scale.map_or(op, |scale| op.scale(scale as f32)).into()
        }
        "recurrent" => {
            let cell = match args["kind"].as_str() {
                Some("lstm") => RecurrentCell::Lstm,
                Some("gru") => RecurrentCell::Gru,
                Some("rnn_tanh") => RecurrentCell::Tanh,
                _ => RecurrentCell::Relu,
            };
            Recurrent::new(cell).reverse(args["reverse"] == true).into()
        }
        "batch_norm" => BatchNorm::new().eps(number("eps")).into(),
        "activation" => match args["kind"].as_str().expect("an activation") {
            "prelu" => PRelu.into(),
            "softmax" => Softmax::new(args["dim"].as_i64().expect("a dimension") as isize).into(),
            "log_softmax" => Softmax::log(args["dim"].as_i64().expect("a dimension") as isize).into(),
            kind => activation(kind, number).into(),
        },
        other => unreachable!("no operator {other}"),
    })
}

fn elementwise(kind: &str, number: impl Fn(&str) -> f32) -> Op {
    match kind {
        "abs" => Unary::Abs.into(),
        "neg" => Unary::Neg.into(),
        "exp" => Unary::Exp.into(),
        "log" => Unary::Log.into(),
        "sqrt" => Unary::Sqrt.into(),
        "erf" => Unary::Erf.into(),
        "softsign" => Unary::Softsign.into(),
        "selu" => Unary::SELU.into(),
        "celu" => Unary::Celu { alpha: number("alpha") }.into(),
        "gelu_tanh" => Unary::GeluTanh.into(),
        "add" => Binary::Add.into(),
        "sub" => Binary::Sub.into(),
        "mul" => Binary::Mul.into(),
        "div" => Binary::Div.into(),
        "pow" => Binary::Pow.into(),
        "minimum" => Binary::Min.into(),
        "maximum" => Binary::Max.into(),
        other => unreachable!("no function {other}"),
    }
}

fn movement(args: &Value) -> Op {
    let list = |name: &str| integers(&args[name]);
    match args["kind"].as_str().expect("an operator") {
        "cat" => Concat::new(args["axis"].as_i64().expect("an axis") as isize).into(),
        "permute" => Transpose::new(list("permutation")).into(),
        "slice" => Slice::new(list("starts"), list("ends"))
            .axes(list("axes"))
            .steps(list("steps"))
            .into(),
        "expand" => Expand::new(list("shape")).into(),
        other => unreachable!("no operator {other}"),
    }
}

/// In the golden cases `padding` is `F.pad`'s [left, right, top, bottom]; among the refusals it is one number.
fn conv2d(args: &Value) -> Op {
    let size_or_1 = |name: &str| args.get(name).map_or([1, 1], size);
    let padding: ConvPadding = match args.get("padding") {
        None => ConvPadding::Valid,
        Some(Value::String(same)) if same == "same" => ConvPadding::Same,
        Some(Value::Array(sides)) if sides.len() == 4 => {
            let sides = integers(&args["padding"]);
            Padding2d::new(sides[0], sides[1], sides[2], sides[3]).into()
        }
        Some(padding) => pair(padding).into(),
    };
    let mode = args
        .get("padding_mode")
        .map_or("zeros", |mode| mode.as_str().expect("a mode"));
    Conv2d::new()
        .stride(size_or_1("stride"))
        .padding(padding)
        .padding_mode(mode.parse().expect("a padding mode"))
        .dilation(size_or_1("dilation"))
        .groups(
            args.get("groups")
                .map_or(1, |groups| groups.as_u64().expect("a number") as usize),
        )
        .into()
}

fn activation(kind: &str, number: impl Fn(&str) -> f32) -> Unary {
    match kind {
        "relu" => Unary::Relu,
        "relu6" => Unary::Relu6,
        "leaky_relu" => Unary::LeakyRelu {
            negative_slope: number("negative_slope"),
        },
        "elu" => Unary::Elu { alpha: number("alpha") },
        "sigmoid" => Unary::Sigmoid,
        "tanh" => Unary::Tanh,
        "hardsigmoid" => Unary::HardSigmoid,
        "hardswish" => Unary::HardSwish,
        "silu" => Unary::Silu,
        "gelu" => Unary::Gelu,
        "mish" => Unary::Mish,
        "softplus" => Unary::Softplus,
        "clamp" => Unary::Clamp {
            min: number("min"),
            max: number("max"),
        },
        other => unreachable!("no activation {other}"),
    }
}

/// `[height, width]`, or one number for both.
fn pair(value: &Value) -> [isize; 2] {
    match value.as_i64() {
        Some(both) => [both as isize; 2],
        None => integers(value).try_into().expect("two numbers"),
    }
}

fn size(value: &Value) -> [usize; 2] {
    pair(value).map(|extent| usize::try_from(extent).expect("an extent"))
}

fn integers(value: &Value) -> Vec<isize> {
    let numbers = value.as_array().expect("a list of numbers");
    numbers
        .iter()
        .map(|number| number.as_i64().expect("a whole number") as isize)
        .collect()
}
