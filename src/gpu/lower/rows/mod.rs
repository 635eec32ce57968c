//! Operators along rows: reductions and what is normalised by them.

pub(crate) mod arg_reduce;
pub(crate) mod cumulative;
mod fold;
pub(crate) mod instance_norm;
mod kept;
pub(crate) mod layer_norm;
pub(crate) mod local_response_norm;
pub(crate) mod reduce;
pub(crate) mod softmax;
pub(crate) mod top_k;
