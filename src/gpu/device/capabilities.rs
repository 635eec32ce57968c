//! What a device can do, as plain data.

use crate::error::{Error, Result};
use crate::gpu::device::adapter::AdapterInfo;
use crate::gpu::device::device_class::DeviceClass;
use crate::precision::Precision;

/// What lowering needs to know of a device: plain data, so that plans can be made and tested without one.
#[derive(Clone, Debug)]
pub(crate) struct Capabilities {
    pub(crate) class: DeviceClass,
    /// Whether eight invocations in a workgroup of eight can hand values round by subgroup operations.
    pub(crate) broadcast: bool,
    pub(crate) limits: wgpu::Limits,
    /// Whether convolutions may be computed by Winograd's F(4x4, 3x3), whose bounds are wider.
    pub(crate) large_tiles: bool,
    pub(crate) loops: Loops,
}

/// What is made of the rounds that an invocation's loops may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Loops {
    /// Long sums are cut up, so that none takes too many.
    #[default]
    Limited,
    /// As well, and kernels end their loops after the rounds that were recorded for them: a test of those numbers.
    Checked,
    /// Sums are whole, however long: for tests of what must notice one that an adapter cuts short.
    Unlimited,
}

#[cfg(feature = "wrong-kernel")]
impl std::str::FromStr for Loops {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "limited" => Ok(Self::Limited),
            "checked" => Ok(Self::Checked),
            "unlimited" => Ok(Self::Unlimited),
            _ => Err(Error::invalid(
                "loops",
                format!("expected limited, checked or unlimited, but got {text:?}"),
            )),
        }
    }
}

impl Capabilities {
    pub(crate) fn new(info: &AdapterInfo, features: wgpu::Features, limits: wgpu::Limits) -> Self {
        let broadcast = features.contains(wgpu::Features::SUBGROUP) && info.subgroup_size.0 >= 8;
        Self {
            class: DeviceClass::of(info.kind),
            broadcast,
            limits,
            large_tiles: false,
            loops: Loops::Limited,
        }
    }

    /// Those of a device with every WebGPU device's limits.
    #[cfg(test)]
    pub(crate) fn plain(class: DeviceClass, broadcast: bool) -> Self {
        Self {
            class,
            broadcast,
            limits: wgpu::Limits::default(),
            large_tiles: false,
            loops: Loops::Limited,
        }
    }

    /// Whether long sums are cut up.
    pub(crate) fn splits_sums(&self) -> bool {
        self.loops != Loops::Unlimited
    }

    /// Whether kernels end their loops after the rounds that were recorded for them.
    pub(crate) fn checks_rounds(&self) -> bool {
        self.loops == Loops::Checked
    }

    /// Whether handing weights round by subgroup operations pays: where every load is a gather.
    pub(crate) fn prefers_broadcast(&self) -> bool {
        self.broadcast && self.class == DeviceClass::Software
    }

    /// Whether drivers may specialise a kernel to its parameters, again and again: software adapters do (see `gpu/wgsl/header.rs`).
    /// What a browser's checks know to be uniform stays so.
    pub(crate) fn hides_parameters(&self) -> bool {
        self.class == DeviceClass::Software && !cfg!(target_family = "wasm")
    }

    /// Checks that a tensor of this many elements (4 bytes each) can be bound.
    pub(crate) fn check_elements(&self, operator: &'static str, elements: usize) -> Result<u64> {
        self.check_stored(operator, elements, Precision::F32.bytes())
    }

    /// Checks that a tensor of this many numbers can be bound, and gives its bytes.
    pub(crate) fn check_stored(&self, operator: &'static str, elements: usize, element_bytes: usize) -> Result<u64> {
        let bytes = (elements * element_bytes) as u64;
        // Bindings are rounded up to whole vec4s.
        let needed = bytes.next_multiple_of(16);
        let limit = self.limits.max_storage_buffer_binding_size.min(self.limits.max_buffer_size);
        if needed > limit {
            return Err(Error::LimitExceeded {
                operator,
                what: "a tensor's size in bytes".to_owned(),
                needed,
                limit,
            });
        }
        Ok(bytes)
    }
}
