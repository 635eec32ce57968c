//! Operators of one element at a time.

pub(crate) mod activation;
pub(crate) mod batch_norm;
pub(crate) mod binary;
