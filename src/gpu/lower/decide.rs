//! Recording a layer by a tuning plan or by the rules.

use crate::error::{Error, Result};
use crate::gpu::choose::kernel_choice::{How, KernelChoice};
use crate::gpu::choose::signature::LayerSignature;
use crate::gpu::device::capabilities::Capabilities;
use crate::gpu::plan::recording::{Decision, Recording};

/// Records a layer by what the tuning plan says of it, or else by the rule, and notes which it was. What a plan names is
/// computed as on the class of device that it was measured on, sizes included: the same kernels everywhere. A convolution
/// whose algorithm is forced is no plan's.
pub(crate) fn decide(
    layer: LayerSignature,
    recording: &mut Recording,
    rule: impl FnOnce(&Capabilities) -> How,
    record: impl FnOnce(How, &mut Recording) -> Result<()>,
) -> Result<()> {
    let is_forced = recording.policy.conv2d.is_some() && matches!(layer, LayerSignature::Conv2d { .. });
    let plan = recording.policy.tuned.as_ref().filter(|_| !is_forced);
    let tuned = plan.and_then(|plan| plan.choice(&layer));
    let choice = tuned.map_or_else(|| KernelChoice(rule(&recording.capabilities)), |(choice, _)| choice);
    recording.decisions.push(Decision {
        node: recording.node,
        layer,
        choice,
        is_tuned: tuned.is_some(),
    });
    match tuned {
        Some((_, class)) => recording.with_class(class, |recording| record(choice.0, recording)),
        None => record(choice.0, recording),
    }
}

/// A choice for another operator: plans are checked before they are used.
pub(crate) fn misplaced(layer: &LayerSignature, how: How) -> Error {
    Error::Internal(format!("{} reached the layer {layer}", KernelChoice(how)))
}
