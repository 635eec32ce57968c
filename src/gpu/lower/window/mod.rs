//! Operators on windows of planes.

pub(crate) mod lp_pool2d;
pub(crate) mod pool2d;
