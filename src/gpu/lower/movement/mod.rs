//! Operators that move elements.

pub(crate) mod gather;
pub(crate) mod gather_elements;
pub(crate) mod grid_sample;
pub(crate) mod interpolate;
mod lines;
pub(crate) mod pad2d;
pub(crate) mod resample;
pub(crate) mod roi_align;
pub(crate) mod scatter_elements;
pub(crate) mod strided_copy;
