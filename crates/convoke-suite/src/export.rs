//! Cases as ONNX's backend tests: `NAME/model.onnx`, `NAME/test_data_set_0/input_0.pb`, `output_0.pb` and so on.

use std::fs;
use std::path::Path;

use convoke::{Error, Result, Tensor};

use crate::encode::tensor;
use crate::model::Case;

/// Writes a case's folder into this one.
///
/// Errors: files that cannot be written; what the reference refuses.
pub fn export(case: &Case, folder: &Path) -> Result<()> {
    let folder = folder.join(&case.name);
    let data = folder.join("test_data_set_0");
    let answers = case.answers()?;
    let io = |path: &Path, source| Error::Io {
        path: path.display().to_string(),
        source,
    };
    fs::create_dir_all(&data).map_err(|error| io(&data, error))?;
    let write = |path: &Path, bytes: Vec<u8>| fs::write(path, bytes).map_err(|error| io(path, error));
    write(&folder.join("model.onnx"), case.model().map_err(Error::Onnx)?)?;
    let one = |kind: &str, index: usize, name: &str, value: &Tensor| {
        let bytes = tensor(name, value).map_err(Error::Onnx)?.into_bytes();
        write(&data.join(format!("{kind}_{index}.pb")), bytes)
    };
    for (index, (name, value)) in case.inputs.iter().enumerate() {
        one("input", index, name, value)?;
    }
    for (index, value) in answers.iter().enumerate() {
        one("output", index, "", value)?;
    }
    Ok(())
}
