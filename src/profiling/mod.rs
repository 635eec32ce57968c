//! What a run spends its time on, and what it is held against, on every backend.

mod layer;
mod profile;
mod timed;
mod times;

pub(crate) use layer::Layer;
pub use profile::{Excess, KernelProfile, LayerProfile, Profile};
pub(crate) use timed::{layers, least};
pub(crate) use times::Timed;
pub use times::{Ceilings, Timing};
