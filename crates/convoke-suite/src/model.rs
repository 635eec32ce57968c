//! A case: nodes in ONNX's words, what they read, and which values are answers.

use convoke::Tensor;
use convoke::testing::Random;
use ndarray::ArrayD;

use crate::encode::{Message, kind, tensor, value_info};

/// ONNX's numbers of element types.
const F32: i64 = 1;
pub(crate) const U8: i64 = 2;
pub(crate) const I32: i64 = 6;
const I64: i64 = 7;

/// The set of operators that the models name, and the format of file that came with it.
const OPSET: i64 = 19;
const FORMAT: i64 = 9;

/// An attribute's value.
#[derive(Clone, Debug)]
pub(crate) enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Float(f32),
    Text(&'static str),
}

#[derive(Clone, Debug)]
struct Node {
    operator: &'static str,
    inputs: Vec<String>,
    outputs: Vec<String>,
    attributes: Vec<(&'static str, Attribute)>,
}

/// How answers are compared with the reference's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// Within bounds.
    Rounded,
    /// Bit for bit in `f32`: they are made of sums of whole numbers that it has exactly, in any order. In `f16` within bounds.
    Exact,
    /// Likewise in `f32`. They are rounded to whole numbers on the way, so that nothing is sure of what `f16` makes of the whole: there
    /// each operator is checked by itself.
    Stepwise,
}

/// A model with inputs, at a boundary.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is about, with its sizes; no other case has it.
    pub name: String,
    /// Whether an adapter or a machine may be too small for it, and say so. Any other case must run.
    pub may_be_refused: bool,
    /// Whether it takes seconds: the reference, which goes by definitions, or a software adapter by the rules of real GPUs.
    pub is_slow: bool,
    /// How its answers are compared.
    pub(crate) answers: Answers,
    /// What it reads, in order.
    pub(crate) inputs: Vec<(String, Tensor)>,
    constants: Vec<(String, Tensor)>,
    nodes: Vec<Node>,
    outputs: Vec<(String, i64)>,
    /// A smaller case with the same answers by definition, where the reference would take more memory than a machine has.
    pub(crate) same_as: Option<Box<Self>>,
    random: Random,
}

impl Case {
    /// A case with no node yet. Its data follow from its name.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self {
            random: Random::new(seed),
            name,
            may_be_refused: false,
            is_slow: false,
            answers: Answers::Rounded,
            inputs: Vec::new(),
            constants: Vec::new(),
            nodes: Vec::new(),
            outputs: Vec::new(),
            same_as: None,
        }
    }

    pub(crate) fn exact(mut self) -> Self {
        self.answers = Answers::Exact;
        self
    }

    pub(crate) fn stepwise(mut self) -> Self {
        self.answers = Answers::Stepwise;
        self
    }

    pub(crate) fn slow_if(mut self, is_slow: bool) -> Self {
        self.is_slow = is_slow;
        self
    }

    /// A case of the size of a machine.
    pub(crate) fn large(mut self) -> Self {
        self.may_be_refused = true;
        self.slow_if(true)
    }

    pub(crate) fn same_as(mut self, smaller: Self) -> Self {
        self.same_as = Some(Box::new(smaller));
        self
    }

    /// An input of whole numbers from -8 to 8.
    pub(crate) fn whole(mut self, name: &str, shape: &[usize]) -> Self {
        let data = self.random.integers(shape);
        self.input(name, data)
    }

    /// An input of real numbers.
    pub(crate) fn real(mut self, name: &str, shape: &[usize]) -> Self {
        let data = self.random.reals(shape);
        self.input(name, data)
    }

    /// An input of real numbers that 16 bits have as well: where places are answers, no two may become equal there alone.
    pub(crate) fn coarse(mut self, name: &str, shape: &[usize]) -> Self {
        let data = self.random.reals(shape).mapv(|x| (x * 256.0).round() / 256.0);
        self.input(name, data)
    }

    /// An input of eighths from -1 to 1.
    pub(crate) fn small(mut self, name: &str, shape: &[usize]) -> Self {
        let data = self.random.integers(shape) / 8.0;
        self.input(name, data)
    }

    /// An input of bytes from 0 to 255.
    pub(crate) fn byte(mut self, name: &str, shape: &[usize]) -> Self {
        let data = self.bytes(shape);
        self.input(name, data)
    }

    fn bytes(&mut self, shape: &[usize]) -> ArrayD<u8> {
        ArrayD::from_shape_simple_fn(shape, || self.random.below(256) as u8)
    }

    fn input(mut self, name: &str, data: impl Into<Tensor>) -> Self {
        self.inputs.push((name.to_owned(), data.into()));
        self
    }

    pub(crate) fn constant(mut self, name: &str, data: impl Into<Tensor>) -> Self {
        self.constants.push((name.to_owned(), data.into()));
        self
    }

    /// Weights: whole numbers from -8 to 8.
    pub(crate) fn weight(mut self, name: &str, shape: &[usize]) -> Self {
        let data = self.random.integers(shape);
        self.constant(name, data)
    }

    /// Weights: eighths from -1 to 1.
    pub(crate) fn small_weight(mut self, name: &str, shape: &[usize]) -> Self {
        let data = self.random.integers(shape) / 8.0;
        self.constant(name, data)
    }

    /// Weights: bytes from 0 to 255.
    pub(crate) fn byte_weight(mut self, name: &str, shape: &[usize]) -> Self {
        let data = self.bytes(shape);
        self.constant(name, data)
    }

    /// A list of whole numbers, as shapes and axes are.
    pub(crate) fn list(self, name: &str, values: &[i64]) -> Self {
        self.constant(name, ndarray::Array1::from(values.to_vec()).into_dyn())
    }

    /// A node; names of inputs and outputs stand in one string, apart by spaces, with `_` for an input that is left out.
    pub(crate) fn node(
        mut self,
        operator: &'static str,
        inputs: &str,
        outputs: &str,
        attributes: &[(&'static str, Attribute)],
    ) -> Self {
        let given = |name: &str| if name == "_" { String::new() } else { name.to_owned() };
        let names = |text: &str| text.split(' ').map(given).collect();
        self.nodes.push(Node {
            operator,
            inputs: names(inputs),
            outputs: names(outputs),
            attributes: attributes.to_vec(),
        });
        self
    }

    /// An answer of 32-bit floats.
    pub(crate) fn output(self, name: &str) -> Self {
        self.output_of(name, F32)
    }

    /// An answer of whole numbers of 64 bits, as indices are.
    pub(crate) fn whole_output(self, name: &str) -> Self {
        self.output_of(name, I64)
    }

    /// An answer of an element type, by its number in ONNX.
    pub(crate) fn output_of(mut self, name: &str, kind: i64) -> Self {
        self.outputs.push((name.to_owned(), kind));
        self
    }

    /// The ONNX file. Its property `answers` is `exact` where other engines can be held to every bit, and else `rounded`.
    ///
    /// Errors: a tensor of an element type that the suite does not write.
    pub fn model(&self) -> Result<Vec<u8>, String> {
        let mut graph = Message::default();
        for node in &self.nodes {
            graph = graph.message(1, &node.message());
        }
        graph = graph.text(2, &self.name);
        for (name, value) in &self.constants {
            graph = graph.message(5, &tensor(name, value)?);
        }
        for (name, value) in &self.inputs {
            graph = graph.message(11, &value_info(name, kind(value)?, Some(value.shape())));
        }
        for (name, kind) in &self.outputs {
            graph = graph.message(12, &value_info(name, *kind, None));
        }
        let opset = Message::default().text(1, "").whole(2, OPSET);
        let answers = match self.answers {
            Answers::Rounded => "rounded",
            Answers::Exact | Answers::Stepwise => "exact",
        };
        let property = Message::default().text(1, "answers").text(2, answers);
        Ok(Message::default()
            .whole(1, FORMAT)
            .text(2, "convoke-suite")
            .message(7, &graph)
            .message(8, &opset)
            .message(14, &property)
            .into_bytes())
    }
}

impl Node {
    fn message(&self) -> Message {
        let mut message = Message::default();
        for input in &self.inputs {
            message = message.text(1, input);
        }
        for output in &self.outputs {
            message = message.text(2, output);
        }
        message = message.text(4, self.operator);
        for (name, value) in &self.attributes {
            let attribute = Message::default().text(1, name);
            let attribute = match value {
                Attribute::Int(value) => attribute.whole(3, *value).whole(20, 2),
                Attribute::Ints(values) => values
                    .iter()
                    .fold(attribute, |message, &value| message.whole(8, value))
                    .whole(20, 7),
                Attribute::Float(value) => attribute.real(2, *value).whole(20, 1),
                Attribute::Text(value) => attribute.text(4, value).whole(20, 3),
            };
            message = message.message(5, &attribute);
        }
        message
    }
}
