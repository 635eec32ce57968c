//! Certificates as JSON.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::Certificate;
use crate::error::{Error, Result, ensure};
use crate::json_file;

const NAME: &str = "certificate";

#[derive(Serialize)]
struct Written<'a> {
    format: &'static str,
    certificate: &'a Certificate,
}

impl Certificate {
    /// What `format` says in a file.
    pub const FORMAT: &str = "convoke certificate 1";

    /// The certificate as text.
    ///
    /// Errors: none that are known of.
    pub fn to_json(&self) -> Result<String> {
        let file = Written {
            format: Self::FORMAT,
            certificate: self,
        };
        let text = serde_json::to_string_pretty(&file).map_err(|error| Error::invalid(NAME, error.to_string()))?;
        Ok(text + "\n")
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// Errors: text that is no JSON; another format; a field that is missing or not known.
    pub fn from_json(text: &str) -> Result<Self> {
        let mut value: Value = serde_json::from_str(text).map_err(|error| Error::invalid(NAME, error.to_string()))?;
        let format = value.get("format").and_then(Value::as_str);
        ensure!(
            format == Some(Self::FORMAT),
            NAME,
            "\"format\": {:?} is expected, and {} came",
            Self::FORMAT,
            value.get("format").map_or_else(|| "none".to_owned(), Value::to_string)
        );
        let content = value.get_mut("certificate").map(Value::take).unwrap_or_default();
        serde_json::from_value(content).map_err(|error| Error::invalid(NAME, error.to_string()))
    }

    /// Reads a file.
    ///
    /// Errors: a file that cannot be read or is larger than 64 MiB; as [`from_json`](Self::from_json).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        json_file::open(NAME, path.as_ref(), Self::from_json)
    }
}
