//! What can go wrong.

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text that is not WGSL, as far as its structure is concerned.
    #[error("line {line}: expected {expected}, got {got}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What would have been right.
        expected: String,
        /// What stands there.
        got: String,
    },
    /// A comment on how to dispatch a file that says nothing of the kind.
    #[error("`{line}`: expected {expected}")]
    Directive {
        /// The comment.
        line: String,
        /// What would have been right.
        expected: String,
    },
    /// What was asked for cannot be done.
    #[error("{0}")]
    Argument(String),
    /// No adapter, or none that was asked for.
    #[error(transparent)]
    Adapter(#[from] convoke::Error),
    /// What the device reports: a text that it refuses, a buffer too small for its type.
    #[error("the device: {0}")]
    Device(String),
    /// A file or process that could not be read, written or started.
    #[error("{what}: {source}")]
    Io {
        /// What was to be done.
        what: String,
        /// What came of it.
        source: std::io::Error,
    },
}

/// What may fail by an [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The error of a file or process.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
