//! Files of JSON that somebody hands in: plans and certificates.

use std::path::Path;

use crate::error::{Error, Result, ensure};

/// The largest file that is read: a hundred thousand layers or operators, or more.
const MOST_BYTES: u64 = 64 << 20;

/// Makes something of a file's text. What is wrong with the text is said with the file's name.
///
/// Errors: a file that cannot be read or is larger than 64 MiB; what `read` gives.
pub(crate) fn open<T>(name: &'static str, path: &Path, read: impl FnOnce(&str) -> Result<T>) -> Result<T> {
    let io = Error::io(path);
    let bytes = std::fs::metadata(path).map_err(&io)?.len();
    ensure!(
        bytes <= MOST_BYTES,
        name,
        "{}: {MOST_BYTES} bytes at most are expected, and {bytes} came",
        path.display()
    );
    let text = std::fs::read_to_string(path).map_err(io)?;
    read(&text).map_err(|error| locate(name, error, &path.display().to_string()))
}

/// Says where in a file an error is.
pub(crate) fn locate(name: &'static str, error: Error, place: &str) -> Error {
    match error {
        Error::InvalidArgument { message, .. } => Error::invalid(name, format!("{place}: {message}")),
        other => other,
    }
}
