//! What follows the sums of a convolution or linear layer before they are stored: bias, residual, activation.

use crate::error::Result;
use crate::gpu::lower::common::slot;
use crate::gpu::lower::elementwise::activation::code;
use crate::gpu::plan::recording::{SlotId, Value};
use crate::ops::Activation;

/// The operands of a convolution or linear layer, and what follows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operands<'a> {
    pub(crate) input: &'a Value,
    pub(crate) weight: &'a Value,
    pub(crate) bias: Option<&'a Value>,
    pub(crate) residual: Option<&'a Value>,
    pub(crate) activation: Option<Activation>,
}

impl<'a> Operands<'a> {
    /// Input, weight and bias if there is one; nothing follows.
    pub(crate) fn plain(inputs: &'a [Value]) -> Self {
        Self {
            input: &inputs[0],
            weight: &inputs[1],
            bias: inputs.get(2),
            residual: None,
            activation: None,
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

    /// The constants of a kernel's header, its own first.
    pub(crate) fn constants(&self, own: &[(&'static str, u32)]) -> Vec<(&'static str, u32)> {
        let follows = [
            ("HAS_BIAS", u32::from(self.bias.is_some())),
            ("HAS_RESIDUAL", u32::from(self.residual.is_some())),
            ("ACTIVATION", self.line().0),
        ];
        [own, &follows].concat()
    }

    /// The activation's two parameters.
    pub(crate) fn activation_parameters(&self) -> (f32, f32) {
        let (_, first, second) = self.line();
        (first, second)
    }

    /// The activation's number and parameters. Whatever is a clamp, no activation at all included, is told as one: so
    /// layers share a pipeline.
    fn line(&self) -> (u32, f32, f32) {
        let clamp = |min, max| code(&Activation::Clamp { min, max });
        match self.activation {
            None => clamp(f32::NEG_INFINITY, f32::INFINITY),
            Some(Activation::Relu) => clamp(0.0, f32::INFINITY),
            Some(Activation::Relu6) => clamp(0.0, 6.0),
            Some(other) => code(&other),
        }
    }

    /// The kernel's inputs, the weight as it is given here. Where there is no bias or residual, the weight stands in.
    pub(crate) fn slots(&self, weight: SlotId) -> Result<[SlotId; 4]> {
        let or_weight = |value: Option<&Value>| value.map_or(Ok(weight), slot);
        Ok([slot(self.input)?, weight, or_weight(self.bias)?, or_weight(self.residual)?])
    }
}

/// Whether an activation is so cheap that every stored element may carry its code: those made of straight lines.
pub(crate) fn is_cheap(activation: &Activation) -> bool {
    matches!(
        activation,
        Activation::Relu
            | Activation::Relu6
            | Activation::LeakyRelu { .. }
            | Activation::HardSigmoid
            | Activation::HardSigmoidWith { .. }
            | Activation::HardSwish
            | Activation::Clamp { .. }
    )
}
