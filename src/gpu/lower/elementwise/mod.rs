//! Operators of one element at a time.

pub(crate) mod batch_norm;
pub(crate) mod broadcast;
pub(crate) mod cast;
pub(crate) mod chain;
pub(crate) mod prelu;
pub(crate) mod unary;

/// Elements that an invocation of a per-plane kernel computes.
const ITEMS: u32 = 4;
