//! Operators at the boundaries of loops, workgroups, types and bindings: 1 to 17 channels, extents around 2,048, 32,768 and 65,536,
//! 2^24 elements, bindings around 128 MiB and of 2^31 bytes. Each case is an ONNX model with inputs; its answers are the float64
//! reference's, with bounds.
//!
//! ```
//! use convoke::{Backend, Precision};
//! use convoke_suite::{Outcome, Part, Way, cases};
//!
//! let case = cases(Part::Quick).swap_remove(0);
//! let outcomes = case.run(&[Way::on("cpu", Backend::cpu(), Precision::F32)]);
//! assert_eq!(outcomes, [Outcome::Passed]);
//! ```

mod cases;
mod encode;
mod export;
mod model;
mod run;

pub use cases::cases;
pub use export::export;
pub use model::Case;
pub use run::{Counts, Outcome, Way};

/// How much of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What a test has time for: every family, some of the extents, nothing that takes seconds.
    Quick,
    /// Everything.
    Whole,
}
