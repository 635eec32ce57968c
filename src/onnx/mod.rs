//! Models from ONNX files: [`Model`] reads and checks a file, [`Model::graph`] makes a [`Graph`](crate::graph::Graph) of it.
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
//! Opsets 1 to 28, inputs and outputs of every [`DType`](crate::DType); real numbers of every width are `f32` here, and whole
//! numbers of types that [`DType`](crate::DType) does not have are of the next wider one. A graph is for concrete shapes of its inputs and refuses others, so that whatever
//! computes with shapes is computed here and leaves nothing in the graph; [`Session::from_model`](crate::Session::from_model)
//! makes one for each set of shapes that comes. Inputs of whole numbers are given their values for that ([`Shapes::value`]). What
//! is not supported is listed in one error, node by node, before anything runs.
//!
//! Files need not be trusted: lengths are checked before anything is allocated, allocations stay within a budget of bytes
//! ([`Options::budget`]), and tensors in other files are read from plain files in the model's own folder and nowhere else
//! ([`Options::external_data`], [`Options::external_folder`]).

mod alone;
mod attributes;
mod budget;
mod check;
mod complete;
mod convert;
mod early;
mod element;
mod external;
mod fold;
mod functions;
mod model;
mod operators;
mod order;
mod proto;
mod read;
mod small_float;
mod source;
mod sparse;
mod tensor;
#[cfg(test)]
mod tests;
mod types;
mod weights;

pub use crate::graph::Dim;
pub(crate) use alone::{Alone, Judgeable};
pub use attributes::Attributes;
pub(crate) use convert::{check, graph};
pub use model::Model;
pub use read::{open_tensor, tensor_from_bytes};
pub use types::{Options, Shapes, TensorInfo};
