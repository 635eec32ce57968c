//! What has inputs whose shapes can be checked: models, and what `run` makes of its file.

use std::error::Error;

use convoke::onnx::{Model, Shapes, TensorInfo};

/// What has inputs.
pub(super) trait Reads {
    fn inputs(&self) -> &[TensorInfo];

    /// The shapes of the inputs, of which some are given, checked before a device is opened.
    ///
    /// Errors: an extent that is still open; what is not supported; shapes that operators refuse.
    fn checked(&self, given: &Shapes) -> Result<Vec<Vec<usize>>, Box<dyn Error>>;
}

impl Reads for Model {
    fn inputs(&self) -> &[TensorInfo] {
        self.inputs()
    }

    fn checked(&self, given: &Shapes) -> Result<Vec<Vec<usize>>, Box<dyn Error>> {
        let shapes = self
            .input_shapes(given)
            .map_err(|error| format!("{error} (--shape NAME=1x3x224x224 gives random numbers a shape)"))?;
        // Inputs of a model that passes are within the budget.
        self.check(given).map_err(|error| match error {
            error @ convoke::Error::Unsupported { .. } => format!("{error}\n-v names the nodes").into(),
            error => Box::<dyn Error>::from(error),
        })?;
        Ok(shapes)
    }
}
