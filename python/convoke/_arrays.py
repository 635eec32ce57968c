"""Arrays as they come, as the native code reads them, and the element types that ONNX has and numpy has not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidArgument, Unsupported

# ONNX's names of the types that numpy has itself. Further ones (BFLOAT16, the 8-bit floats, 4 bits) are those of ml_dtypes.
_NUMPY = {
    "FLOAT": np.float32,
    "DOUBLE": np.float64,
    "FLOAT16": np.float16,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "BOOL": np.bool_,
}
_ML_DTYPES = {
    "BFLOAT16": "bfloat16",
    "FLOAT8E4M3FN": "float8_e4m3fn",
    "FLOAT8E4M3FNUZ": "float8_e4m3fnuz",
    "FLOAT8E5M2": "float8_e5m2",
    "FLOAT8E5M2FNUZ": "float8_e5m2fnuz",
    "FLOAT8E8M0": "float8_e8m0fnu",
    "FLOAT4E2M1": "float4_e2m1fn",
    "INT4": "int4",
    "UINT4": "uint4",
    "INT2": "int2",
    "UINT2": "uint2",
}
# convoke's names of the types that it computes in.
COMPUTED: dict[str, np.dtype[Any]] = {
    "f32": np.dtype(np.float32),
    "f16": np.dtype(np.float16),
    "i64": np.dtype(np.int64),
    "i32": np.dtype(np.int32),
    "u8": np.dtype(np.uint8),
    "i8": np.dtype(np.int8),
    "bool": np.dtype(np.bool_),
}


def declared_dtype(element_type: str) -> np.dtype[Any]:
    """numpy's type for one of ONNX's names."""
    if element_type in _NUMPY:
        return np.dtype(_NUMPY[element_type])
    name = _ML_DTYPES.get(element_type)
    if name is None:
        raise Unsupported(f"array: unsupported: elements of ONNX's type {element_type}")
    try:
        import ml_dtypes
    except ImportError as error:
        raise Unsupported(f"array: unsupported: {element_type} without the package ml_dtypes, which has it for numpy") from error
    if not hasattr(ml_dtypes, name):
        raise Unsupported(f"array: unsupported: {element_type}, which ml_dtypes {ml_dtypes.__version__} does not have")
    dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    return dtype


def as_array(value: object) -> NDArray[Any]:
    """An array that the native code reads where it lies: numpy's own, or what lends its memory by DLPack."""
    if isinstance(value, np.ndarray):
        array = value
    elif hasattr(value, "__dlpack__"):
        try:
            array = np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError) as error:
            raise InvalidArgument(f"array: expected memory of the CPU that numpy takes by DLPack, but got {type(value).__name__}: {error}") from error
    else:
        array = np.asarray(value)
    # Elements that no machine word holds where they lie are copied.
    if not (array.flags.aligned and array.dtype.isnative):
        array = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    return array
