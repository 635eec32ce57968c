//! Element types, and the type of a tensor: what its elements are and how many.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The type of a tensor's elements.
///
/// On a GPU whole numbers and bools take four bytes: an `i64` is computed with as an `i32`, and one that an `i32` cannot hold is
/// an error where it comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DType {
    /// 32-bit float; ONNX's `FLOAT`.
    F32,
    /// 16-bit float; ONNX's `FLOAT16`. Computed with as `f32`.
    F16,
    /// 64-bit signed integer; ONNX's `INT64`, and the type of indices.
    I64,
    /// 32-bit signed integer; ONNX's `INT32`.
    I32,
    /// 8-bit unsigned integer; ONNX's `UINT8`.
    U8,
    /// 8-bit signed integer; ONNX's `INT8`.
    I8,
    /// True or false; ONNX's `BOOL`.
    Bool,
}

impl DType {
    /// All types.
    pub const ALL: [Self; 7] = [Self::F32, Self::F16, Self::I64, Self::I32, Self::U8, Self::I8, Self::Bool];

    /// The type's name in Rust.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::I64 => "i64",
            Self::I32 => "i32",
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::Bool => "bool",
        }
    }

    /// Whether it is a type of real numbers.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16)
    }

    /// Whether it is a type of whole numbers. Bools are none.
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::I64 | Self::I32 | Self::U8 | Self::I8)
    }

    /// The bytes of an element on the host.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 => 2,
            Self::U8 | Self::I8 | Self::Bool => 1,
        }
    }

    /// The least and the largest whole number of an integer type; 0 and 1 of `bool`.
    pub(crate) const fn range(self) -> Option<(i64, i64)> {
        Some(match self {
            Self::F32 | Self::F16 => return None,
            Self::I64 => (i64::MIN, i64::MAX),
            Self::I32 => (i32::MIN as i64, i32::MAX as i64),
            Self::U8 => (0, u8::MAX as i64),
            Self::I8 => (i8::MIN as i64, i8::MAX as i64),
            Self::Bool => (0, 1),
        })
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DType {
    type Err = Error;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|dtype| dtype.name() == text);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::invalid("element type", format!("expected one of {names}, but got {text:?}"))
        })
    }
}

/// What a tensor is, without its elements. Shown as `f32[1, 3, 224, 224]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// The type of its elements.
    pub dtype: DType,
    /// Its extents.
    pub shape: Vec<usize>,
}

impl TensorType {
    /// A tensor of this type and shape.
    pub fn new(dtype: DType, shape: impl Into<Vec<usize>>) -> Self {
        Self {
            dtype,
            shape: shape.into(),
        }
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.dtype, self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        for dtype in DType::ALL {
            assert_eq!(dtype.to_string().parse::<DType>().unwrap(), dtype);
        }
        let message = "f64".parse::<DType>().unwrap_err().to_string();
        assert!(message.contains("bool") && message.contains("\"f64\""), "{message}");
        assert_eq!(TensorType::new(DType::U8, [2, 3]).to_string(), "u8[2, 3]");
    }
}
