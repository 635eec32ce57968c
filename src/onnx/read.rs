//! Reading files, and what a model tells of itself.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::pin::Pin;

use prost::Message;
use prost::bytes::Bytes;

use super::budget::Budget;
use super::convert::qualified;
use super::external::Files;
use super::model::Model;
use super::proto::{AttributeProto, ModelProto, TensorProto};
use super::types::{Options, Shapes, TensorInfo};
use super::{check, element, tensor, weights};
#[cfg(not(target_family = "wasm"))]
use crate::elsewhere::{elsewhere, on_a_thread};
use crate::error::{Error, Result};
use crate::tensor::Tensor;
use crate::turn::{Turns, at_once};

/// Reads a file that holds one `TensorProto`, as ONNX's test cases do. Real numbers of every width are read as `f32`, and whole
/// numbers of types that [`DType`](crate::DType) does not have as `i64`.
///
/// Errors: a file that cannot be read; [`Error::Onnx`] where it is no well-formed tensor or larger than the default
/// budget; [`Error::Unsupported`] for elements that are not read or stand in another file.
pub fn open_tensor(path: impl AsRef<Path>) -> Result<Tensor> {
    let (path, budget) = (path.as_ref(), Options::default().budget);
    let io = Error::io(path);
    let what = path.display().to_string();
    Budget::new(budget).check_bytes(&what, path.metadata().map_err(&io)?.len())?;
    tensor(&what, std::fs::read(path).map_err(io)?.into(), budget)
}

/// As [`open_tensor`], of the content of such a file. `what` is for messages.
///
/// Errors: as [`open_tensor`].
pub fn tensor_from_bytes(what: &str, bytes: &[u8]) -> Result<Tensor> {
    let budget = Options::default().budget;
    Budget::new(budget).check_bytes(what, bytes.len() as u64)?;
    tensor(what, Bytes::copy_from_slice(bytes), budget)
}

/// Reads the content of a file that holds one `TensorProto`.
pub(super) fn tensor(what: &str, bytes: Bytes, budget: u64) -> Result<Tensor> {
    let mut budget = Budget::new(budget);
    check::parsed_tensor_size(what, &bytes, &budget)?;
    let proto = TensorProto::decode(bytes).map_err(|error| Error::Onnx(format!("{what}: not a readable TensorProto: {error}")))?;
    if proto.data_location != 0 {
        return Err(Error::unsupported("onnx", format!("{what}: a tensor in another file")));
    }
    tensor::decode(what, &proto, &mut budget)
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
        let io = Error::io(path);
        let metadata = path.metadata().map_err(&io)?;
        if !metadata.is_file() {
            return Err(Error::Onnx(format!("{}: not a plain file", path.display())));
        }
        let mut bytes = Vec::new();
        // Only so that it need not grow; what the file really has is seen when it is read.
        let _ = bytes.try_reserve_exact(metadata.len().min(options.budget) as usize);
        let file = std::fs::File::open(path).map_err(&io)?;
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

    /// [`from_bytes_with`](Self::from_bytes_with), awaited: natively another thread reads it; in a browser the one that there is, which
    /// has its turn after every tensor. The content is not copied.
    ///
    /// ```
    /// use convoke::onnx::{Model, Options};
    ///
    /// let bytes = std::fs::read("models/lenet5.onnx").unwrap();
    /// let model = pollster::block_on(Model::from_bytes_async(bytes, Options::new()))?;
    /// assert_eq!(model.inputs().len(), 1);
    /// # Ok::<(), convoke::Error>(())
    /// ```
    ///
    /// Errors: as [`open_with`](Self::open_with).
    pub async fn from_bytes_async(bytes: Vec<u8>, options: Options) -> Result<Self> {
        #[cfg(not(target_family = "wasm"))]
        return elsewhere(on_a_thread, move || Self::read(bytes.into(), &options, None)).await;
        #[cfg(target_family = "wasm")]
        Self::read_by_turns(bytes.into(), &options, None, &mut Turns::new()).await
    }

    fn read(bytes: Bytes, options: &Options, folder: Option<&Path>) -> Result<Self> {
        at_once(Self::read_by_turns(bytes, options, folder, &mut Turns::none()))
    }

    /// In a box, for the code of what is awaited would else be in every crate that awaits it.
    fn read_by_turns<'a>(
        bytes: Bytes,
        options: &'a Options,
        folder: Option<&'a Path>,
        turns: &'a mut Turns,
    ) -> Pin<Box<dyn Future<Output = Result<Self>> + 'a>> {
        Box::pin(async move {
            let read = Self::parse(bytes, options, folder, turns);
            options.limits.loaded(options.token.as_ref(), read).await
        })
    }

    async fn parse(bytes: Bytes, options: &Options, folder: Option<&Path>, turns: &mut Turns) -> Result<Self> {
        let mut budget = Budget::new(options.budget);
        budget.charge("the file", bytes.len(), 1)?;
        check::parsed_size(&bytes, &budget)?;
        let model = ModelProto::decode(bytes).map_err(|error| Error::Onnx(format!("not a readable ONNX file: {error}")))?;
        let folder = options.external_folder.as_deref().or(folder);
        let files = match folder {
            Some(folder) if options.external_files.is_empty() => Some(Files::Folder(folder)),
            None if options.external_files.is_empty() => None,
            _ => Some(Files::Memory(&options.external_files)),
        };
        let mut model = check::model(model, options, files.filter(|_| options.external_data), &mut budget)?;
        turns.next().await;
        weights::take(&mut model, turns).await;
        Ok(model)
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
            *counts.entry(qualified(node)).or_insert(0) += 1;
        }
        counts
    }

    /// How many numbers the weights have: all initializers and Constant nodes of real types.
    pub fn parameters(&self) -> usize {
        let reals = |weight: &TensorProto| match tensor::extents("a weight", &weight.dims) {
            Ok(shape) if !element::is_integer(weight.data_type) => shape.iter().product(),
            _ => 0,
        };
        let constants = self.nodes.iter().filter(|node| qualified(node) == "Constant");
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
}
