//! The one error type. Two kinds of no: [`Error::InvalidArgument`] is the caller's mistake,
//! [`Error::Unsupported`] is what convoke does not do (yet).

/// `Result` with convoke's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong. The caller's mistakes are found on the host, before any GPU call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument breaks a rule of the operator. The message carries what was expected and what came.
    #[error("{operator}: {message}")]
    InvalidArgument {
        /// The operator, by its PyTorch name (`conv2d`, `max_pool2d`, ...).
        operator: &'static str,
        /// What was expected and what came, with the numbers.
        message: String,
    },
    /// The request is legal but convoke does not support it.
    #[error("{operator}: unsupported: {message}")]
    Unsupported {
        /// The operator, by its PyTorch name.
        operator: &'static str,
        /// What is not supported.
        message: String,
    },
    /// No adapter fits what was asked for. The message lists the adapters seen and names the fix for this platform.
    #[error("no GPU adapter: {0}")]
    NoAdapter(String),
    /// The work needs more than the adapter allows.
    #[error("{operator}: {what} is {needed}, over this adapter's limit of {limit}; the CPU has no such limit")]
    LimitExceeded {
        /// The operator, by its PyTorch name, or `tensor` for a plain allocation.
        operator: &'static str,
        /// The quantity that is limited.
        what: String,
        /// What the work needs.
        needed: u64,
        /// What the adapter allows.
        limit: u64,
    },
    /// More than a limit allows that the caller set, or that holds where nobody set another: see [`Limits`](crate::Limits).
    #[error("over the limit {limit}: {message}; Limits, --limit {limit}=... and CONVOKE_LIMITS say what is allowed")]
    OverLimit {
        /// The limit, by its name in text.
        limit: &'static str,
        /// What was asked for and what is allowed.
        message: String,
    },
    /// Somebody cancelled it: see [`CancelToken`](crate::CancelToken).
    #[error("cancelled")]
    Cancelled,
    /// The host has no memory for what was asked.
    #[error("out of memory: {0}")]
    OutOfHostMemory(String),
    /// The GPU ran out of memory.
    #[error("out of GPU memory: {0}")]
    OutOfMemory(String),
    /// The device is gone (driver reset, unplugged, destroyed). Every later call on it returns this again.
    #[error("the GPU device was lost: {0}")]
    DeviceLost(String),
    /// The graphics library refused something that convoke should not have asked for: a bug worth reporting.
    #[error("GPU error: {0}")]
    Gpu(String),
    /// convoke contradicts itself: a bug worth reporting.
    #[error("internal error: {0}")]
    Internal(String),
    /// The operating system does not start a thread.
    #[error("no thread to {0}")]
    Thread(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A weights file does not fit the model: missing, surplus or mis-shaped tensors, or not a safetensors file.
    #[error("weights: {0}")]
    Weights(String),
    /// A file is not a well-formed ONNX model, or a model goes over its byte budget.
    #[error("ONNX model: {0}")]
    Onnx(String),
    /// A file is no compiled model, another convoke's, cut, changed, or contradicts itself.
    #[error("compiled model: {0}")]
    Compiled(String),
}

impl Error {
    /// A mistake of the caller's: what was expected and what came.
    pub fn invalid(operator: &'static str, message: impl Into<String>) -> Self {
        Self::InvalidArgument {
            operator,
            message: message.into(),
        }
    }

    /// The error of a file, once it is known.
    pub(crate) fn io(path: &std::path::Path) -> impl Fn(std::io::Error) -> Self + use<> {
        let path = path.display().to_string();
        move |source| Self::Io {
            path: path.clone(),
            source,
        }
    }

    /// Names what it is about, where that is known only further up.
    pub(crate) fn about(self, place: &str) -> Self {
        match self {
            Self::InvalidArgument { operator, message } => Self::InvalidArgument {
                operator,
                message: format!("{message} ({place})"),
            },
            Self::Unsupported { operator, message } => Self::Unsupported {
                operator,
                message: format!("{message} ({place})"),
            },
            Self::LimitExceeded {
                operator,
                what,
                needed,
                limit,
            } => Self::LimitExceeded {
                operator,
                what: format!("{what} ({place})"),
                needed,
                limit,
            },
            other => other,
        }
    }

    /// Whether another backend may do what was refused: one that lacks a kernel or room refuses so.
    pub(crate) fn is_of_this_backend(&self) -> bool {
        matches!(self, Self::Unsupported { .. } | Self::LimitExceeded { .. })
    }

    /// Something legal that is not supported.
    pub fn unsupported(operator: &'static str, message: impl Into<String>) -> Self {
        Self::Unsupported {
            operator,
            message: message.into(),
        }
    }
}

/// Returns [`Error::InvalidArgument`] unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $operator:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::Error::invalid($operator, format!($($message)+)));
        }
    };
}
pub(crate) use ensure;
