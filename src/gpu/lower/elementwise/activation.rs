//! Functions of one element and `PReLU`.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::elementwise::{ActivationParameters, PReluParameters};
use crate::ops::Activation;

/// Elements that an invocation of a per-plane kernel computes.
pub(crate) const ITEMS: u32 = 4;

/// The number that stands for an activation in a shader's header, and its parameters.
pub(crate) fn code(activation: &Activation) -> (u32, f32, f32) {
    match *activation {
        Activation::Relu => (0, 0.0, 0.0),
        Activation::Relu6 => (1, 0.0, 0.0),
        Activation::LeakyRelu { negative_slope } => (2, negative_slope, 0.0),
        Activation::Elu { alpha } => (3, alpha, 0.0),
        Activation::Silu => (4, 0.0, 0.0),
        Activation::Gelu => (5, 0.0, 0.0),
        Activation::Mish => (6, 0.0, 0.0),
        Activation::Softplus => (7, 0.0, 0.0),
        Activation::Sigmoid => (8, 0.0, 0.0),
        Activation::Tanh => (9, 0.0, 0.0),
        Activation::HardSigmoid => (10, 0.0, 0.0),
        Activation::HardSwish => (11, 0.0, 0.0),
        Activation::Clamp { min, max } => (12, min, max),
        Activation::Abs => (13, 0.0, 0.0),
        Activation::Neg => (14, 0.0, 0.0),
        Activation::Exp => (15, 0.0, 0.0),
        Activation::Log => (16, 0.0, 0.0),
        Activation::Sqrt => (17, 0.0, 0.0),
        Activation::Erf => (18, 0.0, 0.0),
        Activation::Softsign => (19, 0.0, 0.0),
        Activation::Selu { alpha, gamma } => (20, gamma, alpha),
        Activation::Celu { alpha } => (21, alpha, 1.0 / alpha),
        Activation::HardSigmoidWith { alpha, beta } => (22, alpha, beta),
        Activation::GeluTanh => (23, 0.0, 0.0),
        Activation::Floor => (24, 0.0, 0.0),
        Activation::Ceil => (25, 0.0, 0.0),
    }
}

pub(crate) fn lower(activation: &Activation, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let (code, first, second) = code(activation);
    let quads = elements(input).div_ceil(4);
    let key = PipelineKey::new(Kernel::Activation, [("LANES", LANES), ("ACTIVATION", code)]);
    let parameters = ActivationParameters {
        quads: quads as u32,
        first,
        second,
    };
    let workgroups = quads.div_ceil(LANES as usize);
    recording.dispatch(
        activation.name(),
        key,
        &parameters,
        &[slot(input)?],
        &[slot(output)?],
        Work::of(workgroups),
    )
}

pub(crate) fn lower_prelu(input: &Value, slope: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let planes: usize = input.shape.iter().take(2).product();
    let plane = elements(input) / planes;
    let chunks = plane.div_ceil((LANES * ITEMS) as usize);
    let key = PipelineKey::new(Kernel::PRelu, [("LANES", LANES), ("ITEMS", ITEMS)]);
    let parameters = PReluParameters {
        plane: plane as u32,
        chunks: chunks as u32,
        planes: planes as u32,
        slopes: elements(slope) as u32,
    };
    recording.dispatch(
        "prelu",
        key,
        &parameters,
        &[slot(input)?, slot(slope)?],
        &[slot(output)?],
        Work::of(planes * chunks),
    )
}
