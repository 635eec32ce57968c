//! Operators that move elements.

pub(crate) mod gather;
pub(crate) mod interpolate;
pub(crate) mod pad2d;
pub(crate) mod resample;
pub(crate) mod strided_copy;
