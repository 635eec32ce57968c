//! Pictures of handwritten digits.

use convoke_vision::{Colours, Picture};
use ndarray::{Array2, Array4};

/// Reads one handwritten digit, `[1, 1, 28, 28]`; see [`convoke_digits::scan`].
///
/// Errors: a message for people that does not name the file.
pub fn digit(bytes: &[u8]) -> Result<Array4<f32>, String> {
    let picture = Picture::read(bytes, Colours::Grey).map_err(|error| error.to_string())?;
    let grey = Array2::from_shape_vec((picture.height(), picture.width()), picture.into_levels());
    convoke_digits::scan(&grey.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
}
