//! Weights by name, from safetensors files.

use std::collections::BTreeMap;

use ndarray::ArrayD;
#[cfg(feature = "safetensors")]
use {
    crate::error::{Error, Result},
    ndarray::IxDyn,
    std::path::Path,
};

/// Tensors by name: a PyTorch `state_dict`.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    tensors: BTreeMap<String, ArrayD<f32>>,
}

impl Weights {
    /// No tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a safetensors file. Its tensors must be F32.
    ///
    /// Errors: a file that cannot be read, is not safetensors, or holds another type.
    #[cfg(feature = "safetensors")]
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::Io {
            path: path.display().to_string(),
            source,
        })?;
        Self::from_safetensors(&bytes).map_err(|error| match error {
            Error::Weights(message) => Error::Weights(format!("{}: {message}", path.display())),
            other => other,
        })
    }

    /// Reads the content of a safetensors file. Its tensors must be F32.
    ///
    /// Errors: content that is not safetensors, or holds another type.
    #[cfg(feature = "safetensors")]
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self> {
        let file = safetensors::SafeTensors::deserialize(bytes).map_err(|error| Error::Weights(error.to_string()))?;
        let mut weights = Self::new();
        for (name, view) in file.tensors() {
            if view.dtype() != safetensors::Dtype::F32 {
                return Err(Error::Weights(format!(
                    "tensor {name:?} is {:?}, but F32 is expected",
                    view.dtype()
                )));
            }
            let elements: Vec<f32> = view
                .data()
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect();
            let array = ArrayD::from_shape_vec(IxDyn(view.shape()), elements)
                .map_err(|error| Error::Weights(format!("tensor {name:?}: {error}")))?;
            weights.insert(name, array);
        }
        Ok(weights)
    }

    /// Adds a tensor, or replaces the one of the same name.
    pub fn insert(&mut self, name: impl Into<String>, array: ArrayD<f32>) {
        self.tensors.insert(name.into(), array);
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&ArrayD<f32>> {
        self.tensors.get(name)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }
}
