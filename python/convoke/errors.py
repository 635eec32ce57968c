"""What convoke raises. Each has the text that the Rust library gives, and is caught as ``Error`` or as what Python calls it."""

__all__ = [
    "DeviceLost",
    "Error",
    "FileError",
    "InvalidArgument",
    "LimitExceeded",
    "ModelError",
    "NoAdapter",
    "OutOfMemory",
    "Unsupported",
]


class Error(Exception):
    """Everything that convoke raises; itself only for what should not happen, which is worth reporting."""


class InvalidArgument(Error, ValueError):
    """An argument breaks a rule: the message has what was expected and what came."""


class Unsupported(Error, NotImplementedError):
    """It is legal, but convoke does not do it."""


class NoAdapter(Error):
    """No adapter fits what was asked for: the message lists those that are there."""


class LimitExceeded(Error):
    """The work needs more than the adapter allows."""


class OutOfMemory(Error, MemoryError):
    """The GPU ran out of memory."""


class DeviceLost(Error):
    """The device is gone: the driver was reset, or the GPU unplugged."""


class FileError(Error, OSError):
    """A file could not be read or written."""


class ModelError(Error, ValueError):
    """A file is not a well-formed ONNX model, or goes over its budget of bytes."""
