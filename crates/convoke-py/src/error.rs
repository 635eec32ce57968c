//! Errors as Python's exceptions, with the same text.

use convoke::Error;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The exception for an error: a class of `convoke.errors`.
pub(crate) fn to_python(error: Error) -> PyErr {
    let class = match &error {
        Error::InvalidArgument { .. } => "InvalidArgument",
        Error::Unsupported { .. } => "Unsupported",
        Error::NoAdapter(_) => "NoAdapter",
        Error::LimitExceeded { .. } => "LimitExceeded",
        Error::OutOfMemory(_) => "OutOfMemory",
        Error::DeviceLost(_) => "DeviceLost",
        Error::Io { .. } => "FileError",
        Error::Onnx(_) | Error::Weights(_) => "ModelError",
        // A bug of convoke's, or something new.
        _ => "Error",
    };
    Python::attach(|py| {
        let module = PyModule::import(py, "convoke.errors");
        let class = module.and_then(|module| Ok(module.getattr(class)?.cast_into::<PyType>()?));
        class.map_or_else(|error| error, |class| PyErr::from_type(class, error.to_string()))
    })
}
