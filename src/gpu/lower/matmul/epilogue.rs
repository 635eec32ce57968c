//! What follows the sums of a convolution or linear layer before they are stored: bias, residual, activation.

use crate::error::Result;
use crate::gpu::lower::common::slot;
use crate::gpu::lower::elementwise::unary::two_parameters;
use crate::gpu::plan::recording::{SlotId, Value};
use crate::gpu::wgsl::function::{Function, Scalar};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::graph::exact_sums::ExactSums;
use crate::ops::Unary;

/// The operands of a convolution or linear layer, and what follows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operands<'a> {
    pub(crate) input: &'a Value,
    pub(crate) weight: &'a Value,
    pub(crate) bias: Option<&'a Value>,
    pub(crate) residual: Option<&'a Value>,
    pub(crate) activation: Option<Unary>,
    /// Of whole numbers, how their sums are exact; nothing follows these but what adds parts of them up.
    pub(crate) exact: Option<&'a ExactSums>,
}

impl<'a> Operands<'a> {
    /// Nothing but a product.
    pub(crate) fn new(input: &'a Value, weight: &'a Value) -> Self {
        Self {
            input,
            weight,
            bias: None,
            residual: None,
            activation: None,
            exact: None,
        }
    }

    /// Input, weight and bias if there is one; nothing follows.
    pub(crate) fn plain(inputs: &'a [Value]) -> Self {
        Self {
            bias: inputs.get(2),
            ..Self::new(&inputs[0], &inputs[1])
        }
    }

    /// The same product with nothing after it.
    pub(crate) fn bare(&self) -> Self {
        Self {
            bias: None,
            residual: None,
            activation: None,
            ..*self
        }
    }

    /// A kernel with what follows in it. The constants of its header begin with its own.
    pub(crate) fn key(&self, kernel: Kernel, own: &[(&'static str, u32)]) -> PipelineKey {
        let follows = [
            ("HAS_BIAS", u32::from(self.bias.is_some())),
            ("HAS_RESIDUAL", u32::from(self.residual.is_some())),
        ];
        let activation = Function::activation(self.line(), Scalar::Float, Scalar::Float);
        PipelineKey::new(kernel, [own, &follows].concat()).with(activation)
    }

    /// The activation's two parameters.
    pub(crate) fn activation_parameters(&self) -> (f32, f32) {
        two_parameters(&self.line()).into()
    }

    /// The activation. Whatever is a clamp, no activation at all included, is told as one: so layers share a pipeline.
    fn line(&self) -> Unary {
        match self.activation {
            None => Unary::Clamp {
                min: f32::NEG_INFINITY,
                max: f32::INFINITY,
            },
            Some(Unary::Relu) => Unary::Clamp {
                min: 0.0,
                max: f32::INFINITY,
            },
            Some(Unary::Relu6) => Unary::Clamp { min: 0.0, max: 6.0 },
            Some(other) => other,
        }
    }

    /// The kernel's inputs, the weight as it is given here. Where there is no bias or residual, the weight stands in.
    pub(crate) fn slots(&self, weight: SlotId) -> Result<[SlotId; 4]> {
        let or_weight = |value: Option<&Value>| value.map_or(Ok(weight), slot);
        Ok([slot(self.input)?, weight, or_weight(self.bias)?, or_weight(self.residual)?])
    }
}

/// Whether an activation is so cheap that every stored element may carry its code: those made of straight lines.
pub(crate) fn is_cheap(activation: &Unary) -> bool {
    matches!(
        activation,
        Unary::Relu
            | Unary::Relu6
            | Unary::LeakyRelu { .. }
            | Unary::HardSigmoid
            | Unary::HardSigmoidWith { .. }
            | Unary::HardSwish
            | Unary::Clamp { .. }
    )
}
