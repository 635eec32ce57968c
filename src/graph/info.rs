//! What graphs and models say of their inputs and outputs.

use std::fmt;

use crate::dtype::DType;

/// One declared extent of an input or output.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

/// An input or output: its name, and what is declared of its type and shape. Shown as `image f32[batch, 3, 224, 224]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ValueInfo {
    /// The name.
    pub name: String,
    /// The type of its elements; `None` where it follows from the inputs', or is one that convoke does not have.
    pub dtype: Option<DType>,
    /// The extents, or `None` where not even their number is declared.
    pub dims: Option<Vec<Dim>>,
}

impl ValueInfo {
    /// The extents, where all are declared but the first, which is then 1: one row of a batch.
    ///
    /// ```
    /// # #[cfg(feature = "onnx")] {
    /// use convoke::{Backend, Session, onnx::Model};
    /// let session = Session::new(Model::open("models/lenet5.onnx")?, &Backend::cpu())?;
    /// assert_eq!(session.inputs()[0].to_string(), "input f32[batch, 1, 28, 28]");
    /// assert_eq!(session.inputs()[0].default_shape().as_deref(), Some(&[1, 1, 28, 28][..]));
    /// # }
    /// # Ok::<(), convoke::Error>(())
    /// ```
    pub fn default_shape(&self) -> Option<Vec<usize>> {
        let extent = |(axis, dim): (usize, &Dim)| match dim {
            Dim::Known(extent) => Some(*extent),
            _ => (axis == 0).then_some(1),
        };
        self.dims.as_ref()?.iter().enumerate().map(extent).collect()
    }
}

impl fmt::Display for ValueInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims = match &self.dims {
            Some(dims) => dims.iter().map(Dim::to_string).collect::<Vec<_>>().join(", "),
            None => "..".to_owned(),
        };
        write!(f, "{} {}[{dims}]", self.name, self.dtype.map_or("?", DType::name))
    }
}
