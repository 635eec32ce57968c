//! The files that the `convoke` command reads besides models, whoever made them: arrays, pictures, dumps of tensors. A library, so that
//! what fuzzes them has them without the command.

mod decode;
pub mod dump;
pub mod npy;
mod picture;
mod resample;

pub use decode::{EXTENSIONS, digit, levels};
pub use picture::PictureOptions;
pub use resample::Picture;
