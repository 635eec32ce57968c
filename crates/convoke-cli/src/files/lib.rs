//! What the `convoke` command reads besides models, whoever made it: arrays, dumps of tensors, handwritten digits. A library, so that
//! what fuzzes it has it without the command.

mod decode;
pub mod dump;
pub mod npy;

pub use decode::digit;
