//! What is said of a file that is not as it should be.

use crate::error::Error;

pub(super) fn wrong(message: impl Into<String>) -> Error {
    Error::Compiled(message.into())
}
