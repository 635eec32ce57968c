//! What is said of a file, its inputs and its outputs.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use prost::bytes::Bytes;

use super::attributes::Attributes;
use super::element;
use super::operators::Operators;
use crate::cancel::CancelToken;
use crate::dtype::DType;
use crate::error::Result;
use crate::graph::{Dim, ValueInfo};
use crate::limits::Limits;
use crate::ops::CustomOp;
use crate::tensor::Tensor;

/// How a file is read.
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) budget: u64,
    pub(super) limits: Limits,
    pub(super) token: Option<CancelToken>,
    pub(super) external_data: bool,
    pub(super) external_folder: Option<PathBuf>,
    /// By their locations.
    pub(super) external_files: BTreeMap<String, Bytes>,
    pub(super) operators: Operators,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            budget: 4 << 30,
            limits: Limits::from_env(),
            token: None,
            external_data: true,
            external_folder: None,
            external_files: BTreeMap::new(),
            operators: Operators::default(),
        }
    }
}

impl Options {
    /// A budget of 4 GiB, external data from the model's own folder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the most bytes that the file, the tensors read from it together, or one tensor between two operators may have.
    pub fn budget(mut self, bytes: u64) -> Self {
        self.budget = bytes;
        self
    }

    /// Sets how long reading may take, and how many nodes there may be: what [`Limits`] and the environment's `CONVOKE_LIMITS` say, if
    /// this is not called.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Has reading stop when this token is cancelled.
    pub fn until(mut self, token: &CancelToken) -> Self {
        self.token = Some(token.clone());
        self
    }

    /// Sets whether tensors in other files are read, as they are if this is not called: plain files in the model's folder, no link
    /// out of it. A model from memory has no folder but one that is given ([`external_folder`](Self::external_folder)).
    pub fn external_data(mut self, read: bool) -> Self {
        self.external_data = read;
        self
    }

    /// Has tensors in other files read from a folder that is not the model's own. Locations that lead out of it are refused all the
    /// same.
    pub fn external_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.external_folder = Some(folder.into());
        self
    }

    /// Gives the content of a file by the location that the model has of it, for models from memory. With one given, tensors are
    /// read from those that are, and from no folder.
    pub fn external_file(mut self, location: impl Into<String>, content: Vec<u8>) -> Self {
        self.external_files.insert(location.into(), content.into());
        self
    }

    /// Brings along an operator: nodes of this domain and name become what `make` makes of their attributes, with all their inputs, also
    /// where convoke has an operator of that name. An attribute that `make` does not read has the model refused, as it may change the
    /// answer.
    ///
    /// ```
    /// use convoke::{Result, ops::{CustomOp, CustomOperator}, onnx::Options};
    ///
    /// #[derive(Debug)]
    /// struct Sharpen {
    ///     strength: f32,
    /// }
    ///
    /// impl CustomOperator for Sharpen {
    ///     fn name(&self) -> &'static str {
    ///         "sharpen"
    ///     }
    ///
    ///     fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
    ///         Ok(vec![inputs[0].to_vec()])
    ///     }
    /// }
    ///
    /// let options = Options::new().operator("com.example", "Sharpen", |attributes| {
    ///     Ok(CustomOp::new(Sharpen { strength: attributes.float("strength", 0.5)? }))
    /// });
    /// ```
    pub fn operator(
        mut self,
        domain: &str,
        name: impl Into<String>,
        make: impl Fn(&Attributes<'_>) -> Result<CustomOp> + Send + Sync + 'static,
    ) -> Self {
        self.operators.insert(domain, name.into(), Arc::new(make));
        self
    }
}

/// An input or output: its name and what the file says of its shape. Shown as `name [batch, 3, 224, 224]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// The name.
    pub name: String,
    /// The extents, or `None` where not even their number is declared.
    pub dims: Option<Vec<Dim>>,
    pub(super) element: i32,
}

impl TensorInfo {
    /// ONNX's name of the declared element type; `FLOAT` is `f32`.
    pub fn element_type(&self) -> String {
        element::type_name(self.element)
    }

    /// What sessions say of it.
    pub(super) fn value_info(&self) -> ValueInfo {
        ValueInfo {
            name: self.name.clone(),
            dtype: self.dtype(),
            dims: self.dims.clone(),
        }
    }

    /// The type of its elements while the network runs, `f32` for real numbers of every width, and for whole numbers of types that
    /// [`DType`] does not have the next wider one; `None` where there is none.
    pub fn dtype(&self) -> Option<DType> {
        element::dtype(self.element)
    }
}

impl From<ValueInfo> for TensorInfo {
    /// What a session says of an input or output, as ONNX has it.
    fn from(info: ValueInfo) -> Self {
        Self {
            element: info.dtype.map_or(0, element::number),
            name: info.name,
            dims: info.dims,
        }
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
    pub(super) inputs: BTreeMap<String, Vec<usize>>,
    pub(super) symbols: BTreeMap<String, usize>,
    pub(super) values: BTreeMap<String, Tensor>,
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

    /// The shape that an input was given by [`input`](Self::input).
    pub fn of_input(&self, name: &str) -> Option<&[usize]> {
        self.inputs.get(name).map(Vec::as_slice)
    }

    /// Gives the number that a name in the file's shapes stands for.
    pub fn symbol(mut self, name: impl Into<String>, extent: usize) -> Self {
        self.symbols.insert(name.into(), extent);
        self
    }

    /// Fixes an input: it is a constant with these elements, and the graph has no such input. For inputs that shapes depend
    /// on, which are often whole numbers: the shape of a Reshape, the starts of a Slice, the sizes of a Resize. The value is of the
    /// type that the input is declared with, or of the next wider one for whole numbers of types that [`DType`] does not have, and
    /// of `f32` for real numbers of every width.
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
