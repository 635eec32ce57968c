//! The GPU as a device that runs one operator at a time.

use convoke::ops::Op;
use convoke::ops::Winograd;
use convoke::{Gpu, Tensor};
use ndarray::ArrayD;

use crate::device::Device;
pub(crate) use crate::device::{answers, check, check_exact};

impl Device for Gpu {
    fn name(&self) -> String {
        self.info().to_string()
    }

    fn run(&self, op: &Op, inputs: &[&ArrayD<f32>]) -> convoke::Result<Vec<Tensor>> {
        crate::goldens::run(self, op, inputs)
    }

    fn winograd(&self) -> Winograd {
        self.winograd()
    }
}
