//! Models from ONNX files: [`Model`] reads and checks a file, [`Model::graph`] makes a [`Graph`] of it.
//!
//! ```
//! use convoke::{Backend, Session, onnx::Model};
//! use ndarray::Array4;
//!
//! let model = Model::open("models/lenet5.onnx")?;
//! assert_eq!(model.inputs()[0].to_string(), "input [batch, 1, 28, 28]");
//! let session = Session::from_model(model, &Backend::auto())?;
//! let logits = session.run(&[Array4::<f32>::zeros((8, 1, 28, 28)).into_dyn().view()])?;
//! assert_eq!(logits[0].shape(), [8, 10]);
//! # Ok::<(), convoke::Error>(())
//! ```
//!
//! Opsets 7 to 28, `f32` inputs and outputs. A graph is for concrete shapes of its inputs and refuses others, so that whatever
//! computes with shapes is computed here and leaves nothing in the graph; [`Session::from_model`](crate::Session::from_model)
//! makes one for each set of shapes that comes. Inputs of whole numbers are given their values for that ([`Shapes::value`]). What
//! is not supported is listed in one error, node by node, before anything runs.
//!
//! Files need not be trusted: lengths are checked before anything is allocated, allocations stay within a budget of bytes
//! ([`Options::budget`]), and tensors in other files are read only where that is asked for ([`Options::external_data`]).

mod budget;
mod check;
#[cfg(not(target_family = "wasm"))]
pub mod conformance;
mod convert;
mod external;
mod fold;
mod proto;
mod session;
mod tensor;
#[cfg(test)]
mod tests;
mod weights;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::Read;
use std::path::Path;

use ndarray::ArrayD;
use prost::Message;
use prost::bytes::Bytes;

use crate::error::{Error, Result};
use crate::graph::Graph;
use budget::Budget;
use proto::{AttributeProto, ModelProto, NodeProto, TensorProto};

/// How a file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    budget: u64,
    external_data: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            budget: 4 << 30,
            external_data: false,
        }
    }
}

impl Options {
    /// A budget of 4 GiB, no external data.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the most bytes that the file, the tensors read from it together, or one tensor between two operators may have.
    pub fn budget(mut self, bytes: u64) -> Self {
        self.budget = bytes;
        self
    }

    /// Sets whether tensors may stand in other files: plain files in the model's folder, no link out of it. Only for
    /// [`Model::open_with`]; a model from memory has no folder.
    pub fn external_data(mut self, read: bool) -> Self {
        self.external_data = read;
        self
    }
}

/// One extent of an input or output as the file declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dim {
    /// A number.
    Known(usize),
    /// A name; the same name is the same number.
    Symbol(String),
    /// Neither.
    Unknown,
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(extent) => write!(f, "{extent}"),
            Self::Symbol(name) => f.write_str(name),
            Self::Unknown => f.write_str("?"),
        }
    }
}

/// An input or output: its name and what the file says of its shape. Shown as `name [batch, 3, 224, 224]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// The name.
    pub name: String,
    /// The extents, or `None` where not even their number is declared.
    pub dims: Option<Vec<Dim>>,
    element: i32,
}

impl TensorInfo {
    /// ONNX's name of the element type; `FLOAT` is `f32`.
    pub fn element_type(&self) -> String {
        tensor::type_name(self.element)
    }
}

impl fmt::Display for TensorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims = match &self.dims {
            Some(dims) => dims.iter().map(Dim::to_string).collect::<Vec<_>>().join(", "),
            None => "..".to_owned(),
        };
        write!(f, "{} [{dims}]", self.name)
    }
}

/// A tensor of numbers that are known before the network runs. Made from an array of `f32` or `i64`.
#[derive(Clone, Debug, PartialEq)]
pub enum Tensor {
    /// Real numbers; `double` is rounded.
    Float(ArrayD<f32>),
    /// Whole numbers of any ONNX type, and bool as 0 and 1.
    Int(ArrayD<i64>),
}

impl Tensor {
    /// The extents.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::Float(array) => array.shape(),
            Self::Int(array) => array.shape(),
        }
    }
}

impl From<ArrayD<f32>> for Tensor {
    fn from(array: ArrayD<f32>) -> Self {
        Self::Float(array)
    }
}

impl From<ArrayD<i64>> for Tensor {
    fn from(array: ArrayD<i64>) -> Self {
        Self::Int(array)
    }
}

/// Numbers for the extents that the file leaves open, and for inputs that shapes depend on. The first dimension is 1 where
/// nothing is said.
///
/// ```
/// use convoke::onnx::{Model, Shapes};
/// let model = Model::open("models/lenet5.onnx")?;
/// let graph = model.graph(&Shapes::new().symbol("batch", 8))?;
/// assert_eq!(model.input_shapes(&Shapes::new().input("input", [3, 1, 28, 28]))?, [[3, 1, 28, 28]]);
/// # Ok::<(), convoke::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shapes {
    inputs: BTreeMap<String, Vec<usize>>,
    symbols: BTreeMap<String, usize>,
    values: BTreeMap<String, Tensor>,
}

impl Shapes {
    /// Nothing but the default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives an input's shape, instead of a [`value`](Self::value) given before.
    pub fn input(mut self, name: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        let name = name.into();
        self.values.remove(&name);
        self.inputs.insert(name, shape.into());
        self
    }

    /// Gives the number that a name in the file's shapes stands for.
    pub fn symbol(mut self, name: impl Into<String>, extent: usize) -> Self {
        self.symbols.insert(name.into(), extent);
        self
    }

    /// Fixes an input: it is a constant with these elements, and the graph has no such input. For inputs that shapes depend
    /// on, which are often whole numbers: the shape of a Reshape, the starts of a Slice, the sizes of a Resize.
    ///
    /// ```
    /// use convoke::onnx::{Model, Shapes};
    /// let model = Model::open("tests/data/onnx_node/test_reshape_extended_dims/model.onnx")?;
    /// let shape = ndarray::array![2_i64, 3, 2, 2].into_dyn();
    /// let graph = model.graph(&Shapes::new().value("shape", shape))?;
    /// assert_eq!(graph.inputs().len(), 1, "the data remain");
    /// # Ok::<(), convoke::Error>(())
    /// ```
    pub fn value(mut self, name: impl Into<String>, value: impl Into<Tensor>) -> Self {
        let (name, value) = (name.into(), value.into());
        self.inputs.insert(name.clone(), value.shape().to_vec());
        self.values.insert(name, value);
        self
    }
}

/// A model read from an ONNX file and checked: names, order, lengths, versions. Operators are not looked at before
/// [`graph`](Self::graph).
#[derive(Debug)]
pub struct Model {
    opset: i64,
    nodes: Vec<NodeProto>,
    initializers: HashMap<String, TensorProto>,
    /// The elements of real initializers and `Constant` nodes.
    weights: weights::Weights,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    budget: u64,
}

impl Model {
    /// Reads a file with the default [`Options`].
    ///
    /// Errors: as [`open_with`](Self::open_with).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, &Options::new())
    }

    /// Reads a file.
    ///
    /// Errors: a file that cannot be read; [`Error::Onnx`] where it is not a well-formed model or goes over the budget;
    /// [`Error::Unsupported`] for other opsets.
    pub fn open_with(path: impl AsRef<Path>, options: &Options) -> Result<Self> {
        let path = path.as_ref();
        let io = |source| Error::Io {
            path: path.display().to_string(),
            source,
        };
        let metadata = path.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(Error::Onnx(format!("{}: not a plain file", path.display())));
        }
        let mut bytes = Vec::new();
        // Only so that it need not grow; what the file really has is seen when it is read.
        let _ = bytes.try_reserve_exact(metadata.len().min(options.budget) as usize);
        let file = std::fs::File::open(path).map_err(io)?;
        file.take(options.budget.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(io)?;
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        Self::read(bytes.into(), options, Some(folder)).map_err(|error| match error {
            Error::Onnx(message) => Error::Onnx(format!("{}: {message}", path.display())),
            other => other,
        })
    }

    /// Reads the content of a file with the default [`Options`].
    ///
    /// Errors: as [`open_with`](Self::open_with).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::from_bytes_with(bytes, &Options::new())
    }

    /// Reads the content of a file.
    ///
    /// Errors: as [`open_with`](Self::open_with).
    pub fn from_bytes_with(bytes: &[u8], options: &Options) -> Result<Self> {
        Budget::new(options.budget).charge("the file", bytes.len(), 1)?;
        Self::read(Bytes::copy_from_slice(bytes), options, None)
    }

    fn read(bytes: Bytes, options: &Options, folder: Option<&Path>) -> Result<Self> {
        let mut budget = Budget::new(options.budget);
        budget.charge("the file", bytes.len(), 1)?;
        check::parsed_size(&bytes, &budget)?;
        let model = ModelProto::decode(bytes).map_err(|error| Error::Onnx(format!("not a readable ONNX file: {error}")))?;
        let folder = folder.filter(|_| options.external_data);
        check::model(model, options, folder, &mut budget)
    }

    /// The inputs, without those that are weights.
    pub fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    /// The outputs.
    pub fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    /// The version of ONNX's operators that the model is written in.
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// How often each operator occurs. Those of another domain than ONNX's have it before their name.
    pub fn operators(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for node in &self.nodes {
            *counts.entry(convert::qualified(node)).or_insert(0) += 1;
        }
        counts
    }

    /// How many numbers the weights have: all initializers and Constant nodes of real types.
    pub fn parameters(&self) -> usize {
        let reals = |weight: &TensorProto| match tensor::extents("a weight", &weight.dims) {
            Ok(shape) if !tensor::is_integer(weight.data_type) => shape.iter().product(),
            _ => 0,
        };
        let constants = self.nodes.iter().filter(|node| convert::qualified(node) == "Constant");
        let of_constant = |attribute: &AttributeProto| match attribute.name.as_str() {
            "value" => attribute.t.as_deref().map_or(0, reals),
            "value_float" => 1,
            "value_floats" => attribute.floats.len(),
            _ => 0,
        };
        let constants = constants.flat_map(|node| &node.attribute).map(of_constant);
        let weights = self.initializers.values().map(reals).chain(constants);
        weights.fold(0, usize::saturating_add)
    }

    /// The inputs' shapes with these numbers for what the file leaves open.
    ///
    /// Errors: an extent that is still open (only a first dimension has a default, 1); numbers that contradict the file.
    pub fn input_shapes(&self, shapes: &Shapes) -> Result<Vec<Vec<usize>>> {
        check::input_shapes(self, shapes)
    }

    /// The graph for these shapes, which refuses others. Its inputs and outputs stand in the order of
    /// [`inputs`](Self::inputs), less those that have a value, and [`outputs`](Self::outputs).
    ///
    /// Errors: [`Error::Unsupported`] with a list of all nodes that are not supported; what
    /// [`input_shapes`](Self::input_shapes) and the operators refuse; a tensor over the budget.
    pub fn graph(&self, shapes: &Shapes) -> Result<Graph> {
        convert::graph(self, shapes)
    }
}
