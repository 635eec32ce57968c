//! Golden cases: PyTorch's answers, as `tools/make_goldens.py` writes them.

use std::collections::HashMap;
use std::path::Path;

use ndarray::{ArrayD, IxDyn};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::Value;

use crate::error::{Error, Result};

/// Reads files of golden cases.
#[derive(Clone, Copy, Debug)]
pub struct Golden;

/// One call of PyTorch's, with its inputs and its answer.
#[derive(Clone, Debug)]
pub struct GoldenCase {
    /// The case's name, unique in its file.
    pub name: String,
    /// The call, for people.
    pub call: String,
    /// The same arguments as data.
    pub args: Value,
    /// Whether any correct implementation has the expected bits.
    pub exact: bool,
    tensors: HashMap<String, ArrayD<f32>>,
}

impl GoldenCase {
    /// A tensor by its role (`input`, `weight`, `bias`, `expected`, `indices`, ...). Integers come as whole `f32`.
    pub fn tensor(&self, role: &str) -> Option<&ArrayD<f32>> {
        self.tensors.get(role)
    }
}

impl Golden {
    /// Reads all cases of a file. Errors: no such file; not safetensors; metadata without the cases; a tensor that is
    /// neither `f32` nor `i64`.
    pub fn load(path: impl AsRef<Path>) -> Result<Vec<GoldenCase>> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(Error::io(path))?;
        Self::from_bytes(&path.display().to_string(), &bytes)
    }

    /// Reads all cases in the content of a file, whose name is for messages. Errors: as [`load`](Self::load).
    pub fn from_bytes(file: &str, bytes: &[u8]) -> Result<Vec<GoldenCase>> {
        let wrong = |what: &dyn std::fmt::Display| Error::Weights(format!("{file}: {what}"));

        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| wrong(&error))?;
        let cases = metadata.metadata().as_ref().and_then(|metadata| metadata.get("cases"));
        let cases = cases.ok_or_else(|| wrong(&"no `cases` in the metadata"))?;
        let cases: Vec<Value> = serde_json::from_str(cases).map_err(|error| wrong(&error))?;
        let mut cases = cases
            .iter()
            .map(|case| case_without_tensors(case).ok_or_else(|| wrong(&format!("not a case: {case}"))))
            .collect::<Result<Vec<_>>>()?;

        let file = SafeTensors::deserialize(bytes).map_err(|error| wrong(&error))?;
        for (name, view) in file.iter() {
            let (case, role) = name.split_once('/').ok_or_else(|| wrong(&format!("{name}: no role")))?;
            let case = cases.iter_mut().find(|candidate| candidate.name == case);
            let case = case.ok_or_else(|| wrong(&format!("{name}: no such case")))?;
            let tensor = read(&view).ok_or_else(|| wrong(&format!("{name}: unreadable as f32 or i64")))?;
            case.tensors.insert(role.to_owned(), tensor);
        }
        Ok(cases)
    }
}

fn case_without_tensors(case: &Value) -> Option<GoldenCase> {
    Some(GoldenCase {
        name: case.get("name")?.as_str()?.to_owned(),
        call: case.get("call")?.as_str()?.to_owned(),
        args: case.get("args")?.clone(),
        exact: case.get("exact")?.as_bool()?,
        tensors: HashMap::new(),
    })
}

fn read(view: &TensorView<'_>) -> Option<ArrayD<f32>> {
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => view
            .data()
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| f32::from_le_bytes(bytes))
            .collect(),
        Dtype::I64 => view
            .data()
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| i64::from_le_bytes(bytes) as f32)
            .collect(),
        _ => return None,
    };
    ArrayD::from_shape_vec(IxDyn(view.shape()), values).ok()
}
