//! What goes before the rules: a forced algorithm, a tuning plan.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Result, ensure};
use crate::gpu::choose::kernel_choice::KernelChoice;
use crate::gpu::choose::problem::Conv2dAlgorithm;
use crate::gpu::choose::signature::LayerSignature;
use crate::gpu::device::capabilities::Capabilities;
use crate::gpu::device::device_class::DeviceClass;
use crate::ops::Winograd;

/// How kernels are chosen.
#[derive(Clone, Debug)]
pub(crate) struct KernelPolicy {
    /// The algorithm that every convolution must take, where one is forced.
    pub(crate) conv2d: Option<Conv2dAlgorithm>,
    /// What a tuning plan says, which goes before the rules.
    pub(crate) tuned: Option<Arc<Tuned>>,
    /// The class of device whose rules are followed.
    pub(crate) class: DeviceClass,
    /// Whether convolutions may be computed by Winograd's F(4x4, 3x3), whose bounds are wider.
    pub(crate) large_tiles: bool,
}

impl KernelPolicy {
    /// The rules for this class of device, and nothing else.
    pub(crate) fn rules(class: DeviceClass) -> Self {
        Self {
            conv2d: None,
            tuned: None,
            class,
            large_tiles: false,
        }
    }

    /// Which of Winograd's algorithms may compute a convolution.
    pub(crate) fn winograd(&self) -> Winograd {
        if self.large_tiles || self.conv2d == Some(Conv2dAlgorithm::WinogradLarge) {
            Winograd::Large
        } else {
            Winograd::Small
        }
    }

    /// What lowering is told of a device with these capabilities.
    pub(crate) fn capabilities(&self, device: &Capabilities) -> Capabilities {
        Capabilities {
            class: self.class,
            large_tiles: self.winograd() == Winograd::Large,
            ..device.clone()
        }
    }
}

/// A tuning plan as lowering asks it.
#[derive(Debug)]
pub(crate) struct Tuned {
    class: DeviceClass,
    choices: HashMap<LayerSignature, KernelChoice>,
}

impl Tuned {
    /// Checks choices for a device. Sizes that they leave open are those of `class`.
    pub(crate) fn new(
        layers: impl IntoIterator<Item = (LayerSignature, KernelChoice)>,
        class: DeviceClass,
        capabilities: &Capabilities,
    ) -> Result<Self> {
        let mut choices = HashMap::new();
        for (layer, choice) in layers {
            choice.check(&layer, capabilities)?;
            ensure!(
                choices.insert(layer, choice).is_none(),
                "tuning plan",
                "each layer is expected once, and this one came twice: {layer}"
            );
        }
        Ok(Self { class, choices })
    }

    /// How a layer is computed, and the class of device that sizes are chosen for.
    pub(crate) fn choice(&self, layer: &LayerSignature) -> Option<(KernelChoice, DeviceClass)> {
        self.choices.get(layer).map(|&choice| (choice, self.class))
    }

    /// Whether it says nothing of any layer.
    pub(crate) fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }
}
