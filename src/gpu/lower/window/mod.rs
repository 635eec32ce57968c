//! Operators on windows of planes and volumes.

pub(crate) mod lp_pool2d;
pub(crate) mod pool2d;
pub(crate) mod pool3d;
