//! A driver's bug, cut down to the shortest WGSL file that still shows it.
//!
//! [`minimise`] takes a text and two questions, whether a text is valid and whether the bug still shows, and tries smaller texts until
//! no single [reduction](reductions) is left that keeps both. [`Case`] says, in comments at the top of a file, how it is dispatched;
//! [`execute`] does that on an adapter, and [`sides`] compares two adapters, or one with what the file expects.

pub mod case;
mod error;
pub mod gpu;
mod minimise;
pub mod reductions;
pub mod sides;
pub mod syntax;
mod validity;

pub use case::Case;
pub use error::{Error, Result};
pub use gpu::execute;
pub use minimise::{Outcome, minimise};
pub use validity::is_valid;
