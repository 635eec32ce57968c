//! Plans: recordings of kernel calls, and what is made of them before they run.

pub(crate) mod aliasing;
pub(crate) mod concat_elision;
pub(crate) mod executable;
pub(crate) mod memory;
pub(crate) mod recording;
pub(crate) mod timing;
