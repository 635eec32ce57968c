//! Element types.

use crate::error::{Error, Result};

/// The type of a tensor's elements; both take 4 bytes. (What a session stores as 16-bit floats it gives as 32-bit ones.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit float.
    F32,
    /// 32-bit unsigned integer: indices of maxima.
    U32,
}

/// An index as the `f32` that it is: a graph's values are real numbers.
///
/// Errors: indices beyond 2^24, up to where `f32` has every whole number.
pub(crate) fn whole_number(index: u32) -> Result<f32> {
    const MOST: u32 = 1 << f32::MANTISSA_DIGITS;
    if index > MOST {
        return Err(Error::unsupported(
            "graph",
            format!("an output with the index {index}: as f32 only those up to {MOST} are exact"),
        ));
    }
    Ok(index as f32)
}
