//! What can be wrong.

/// What stopped a preparation or a reading of answers; the message names what was expected and what came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes that are no picture, or one of a kind or size that is not read.
    #[error("{0}")]
    Unreadable(String),
    /// Arguments that do not fit together or are out of range: the caller's mistake.
    #[error("{0}")]
    InvalidArgument(String),
}

/// [`Error`]'s.
pub type Result<T> = std::result::Result<T, Error>;

/// A mistake of the caller's.
pub(crate) fn invalid<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::InvalidArgument(message.into()))
}
