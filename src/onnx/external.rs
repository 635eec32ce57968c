//! Tensors in files beside the model: plain files inside the model's folder and nothing else, or those whose content was given.

use crate::onnx::element;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use prost::bytes::Bytes;

use super::budget::Budget;
use super::proto::TensorProto;
use super::tensor;
use crate::error::{Error, Result};

/// `TensorProto.DataLocation.EXTERNAL`.
pub(super) const EXTERNAL: i32 = 1;

/// Where other files lie.
#[derive(Clone, Copy, Debug)]
pub(super) enum Files<'a> {
    Folder(&'a Path),
    /// Their content by their locations.
    Memory(&'a BTreeMap<String, Bytes>),
}

/// Reads a tensor's bytes from its file into `raw_data`.
pub(super) fn load(what: &str, tensor: &mut TensorProto, files: Files<'_>, budget: &mut Budget) -> Result<()> {
    let entry = |key: &str| {
        tensor
            .external_data
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| entry.value.as_str())
    };
    let bad = |message: String| Error::Onnx(format!("{what}: external data: {message}"));
    let number = |key: &str| match entry(key) {
        None => Ok(None),
        Some(text) => text
            .parse::<u64>()
            .map(Some)
            .map_err(|_| bad(format!("{key} {text:?} is no number"))),
    };
    let location = entry("location").ok_or_else(|| bad("no location".to_owned()))?;
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);

    let shape = tensor::extents(what, &tensor.dims)?;
    let Some(bits) = element::type_bits(tensor.data_type) else {
        // What uses it will be refused, with the type.
        return Ok(());
    };
    let elements = tensor::element_count(what, &shape)?;
    let size = tensor::byte_count(elements, bits);
    let bytes = size as u64;
    if length.is_some_and(|length| length != bytes) {
        return Err(bad(format!(
            "{} of shape {shape:?} is {bytes} bytes, but the length is {}",
            element::type_name(tensor.data_type),
            length.unwrap_or_default()
        )));
    }
    let check_end = |available: u64| match offset.checked_add(bytes) {
        Some(end) if end <= available => Ok(()),
        _ => Err(bad(format!(
            "{bytes} bytes at {offset} of {location:?}, which has {available}"
        ))),
    };
    tensor.raw_data = Some(match files {
        Files::Folder(folder) => {
            let mut file = open(location, folder).map_err(bad)?;
            check_end(file.metadata().map_err(|error| bad(error.to_string()))?.len())?;
            budget.charge(what, size, 1)?;
            let mut raw = vec![0; size];
            file.seek(SeekFrom::Start(offset))
                .and_then(|_| file.read_exact(&mut raw))
                .map_err(|error| bad(format!("{location:?}: {error}")))?;
            raw.into()
        }
        Files::Memory(files) => {
            let Some(content) = files.get(location) else {
                let known = files.keys().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
                return Err(bad(format!("expected one of the files given, {known}, but got {location:?}")));
            };
            check_end(content.len() as u64)?;
            // Its bytes are shared, and were charged to nobody.
            budget.charge(what, size, 1)?;
            let first = offset as usize;
            content.slice(first..first + size)
        }
    });
    Ok(())
}

/// Opens a plain file that lies inside the folder once every link is followed.
fn open(location: &str, folder: &Path) -> Result<File, String> {
    let relative = Path::new(location);
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if location.is_empty() || !relative.components().all(plain) {
        return Err(format!("{location:?} is not a path inside the model's folder"));
    }
    let reason = |error: std::io::Error| format!("{location:?} in {}: {error}", folder.display());
    let root = folder.canonicalize().map_err(reason)?;
    let path = root.join(relative).canonicalize().map_err(reason)?;
    if !path.starts_with(&root) {
        return Err(format!("{location:?} leads out of the model's folder"));
    }
    // Before it is opened: opening a pipe would wait.
    if !path.metadata().map_err(reason)?.is_file() {
        return Err(format!("{location:?} is not a plain file"));
    }
    File::open(path).map_err(reason)
}
