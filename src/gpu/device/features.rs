//! What convoke wants of a device: features and limits, which it needs, and what it makes of one that lacks the others.

use crate::error::{Result, ensure};
use crate::gpu::device::adapter::{AdapterInfo, AdapterKind};
use crate::gpu::device::device_class::DeviceClass;

/// Features that kernels use where an adapter has them.
const OPTIONAL_FEATURES: wgpu::Features = wgpu::Features::SUBGROUP
    .union(wgpu::Features::TIMESTAMP_QUERY)
    .union(wgpu::Features::SHADER_F16)
    .union(wgpu::Features::PIPELINE_CACHE);

/// What a device is made by for convoke: the features that kernels use, as far as the adapter has them, and its own limits.
/// [`Gpu::new`](crate::Gpu::new) makes its device so; a program that brings its own adds what it needs besides.
///
/// ```no_run
/// # async fn example(adapter: wgpu::Adapter) -> Result<(), Box<dyn std::error::Error>> {
/// use convoke::gpu::{Gpu, device_descriptor};
///
/// let mut wanted = device_descriptor(&adapter);
/// wanted.required_features |= wgpu::Features::TEXTURE_COMPRESSION_BC & adapter.features();
/// let (device, queue) = adapter.request_device(&wanted).await?;
/// let gpu = Gpu::from_device(device, queue, &adapter.get_info())?;
/// assert!(gpu.missing_features().iter().all(|missing| !adapter.features().contains(missing.feature)));
/// # Ok(()) }
/// ```
pub fn device_descriptor(adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
    let info = AdapterInfo::new(&adapter.get_info(), adapter.features(), adapter.limits());
    let mut wanted = OPTIONAL_FEATURES;
    wanted.set(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS, maps_well(&info));
    wgpu::DeviceDescriptor {
        label: Some("convoke"),
        required_features: adapter.features() & wanted,
        // One gets the limits that one asks for.
        required_limits: adapter.limits(),
        ..Default::default()
    }
}

/// Whether buffers that kernels work on are best mapped: a software adapter's memory is the host's. Elsewhere, and by
/// Direct3D, buffers that can be mapped may be slow ones.
fn maps_well(info: &AdapterInfo) -> bool {
    info.kind == AdapterKind::Software && info.backend == wgpu::Backend::Vulkan.to_string()
}

/// A feature that kernels would use and a device lacks. Told by [`Gpu::missing_features`](crate::Gpu::missing_features).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingFeature {
    /// The feature.
    pub feature: wgpu::Features,
    /// What the device does without it.
    pub consequence: &'static str,
    /// Whether models run slower for it.
    pub is_slower: bool,
}

impl std::fmt::Display for MissingFeature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.feature.iter_names().map(|(name, _)| name).collect();
        write!(f, "{}: {}", names.join(" | "), self.consequence)
    }
}

/// What a device with these features lacks.
pub(crate) fn missing(info: &AdapterInfo, class: DeviceClass, features: wgpu::Features) -> Vec<MissingFeature> {
    let is_software = class == DeviceClass::Software;
    let wanted = [
        (
            is_software,
            MissingFeature {
                feature: wgpu::Features::SUBGROUP,
                consequence: "each invocation loads all weights by itself; networks were seen to take 2.4 times as long on lavapipe",
                is_slower: true,
            },
        ),
        (
            maps_well(info),
            MissingFeature {
                feature: wgpu::Features::MAPPABLE_PRIMARY_BUFFERS,
                consequence: "inputs and outputs go through copies, though the adapter's memory is the host's",
                is_slower: true,
            },
        ),
        (
            true,
            MissingFeature {
                feature: wgpu::Features::SHADER_F16,
                consequence: "sessions of Precision::F16 are refused",
                is_slower: false,
            },
        ),
        (
            true,
            MissingFeature {
                feature: wgpu::Features::TIMESTAMP_QUERY,
                consequence: "profiles time each dispatch by the host's clock, submitted alone",
                is_slower: false,
            },
        ),
    ];
    let lacks =
        |&(is_wanted, missing): &(bool, MissingFeature)| (is_wanted && !features.contains(missing.feature)).then_some(missing);
    wanted.iter().filter_map(lacks).collect()
}

/// Checks that a device can run every kernel: they keep to what any WebGPU device has unless it was asked for less. Fewer workgroups
/// are folded, larger tiles are for devices that have them.
pub(crate) fn check_limits(limits: &wgpu::Limits) -> Result<()> {
    /// The largest workgroup that a kernel has which has no smaller one; SwiftShader allows no more.
    const LANES: u32 = 128;
    let needed = wgpu::Limits::default();
    let compared = [
        (
            "max_storage_buffers_per_shader_stage",
            limits.max_storage_buffers_per_shader_stage,
            needed.max_storage_buffers_per_shader_stage,
        ),
        (
            "max_uniform_buffers_per_shader_stage",
            limits.max_uniform_buffers_per_shader_stage,
            1,
        ),
        ("max_bind_groups", limits.max_bind_groups, 1),
        (
            "max_compute_workgroup_storage_size",
            limits.max_compute_workgroup_storage_size,
            needed.max_compute_workgroup_storage_size,
        ),
        (
            "max_compute_invocations_per_workgroup",
            limits.max_compute_invocations_per_workgroup,
            LANES,
        ),
        ("max_compute_workgroup_size_x", limits.max_compute_workgroup_size_x, LANES),
    ];
    for (name, got, least) in compared {
        ensure!(
            got >= least,
            "Gpu::from_device",
            "expected a device with {name} of at least {least}, got {got}; gpu::device_descriptor has all that is needed"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use wgpu::Features;

    use super::*;

    #[test]
    fn a_device_that_was_asked_for_less_than_kernels_need_is_refused() {
        check_limits(&wgpu::Limits::default()).unwrap();
        check_limits(&wgpu::Limits::unlimited()).unwrap();
        let few = wgpu::Limits {
            max_storage_buffers_per_shader_stage: 4,
            ..wgpu::Limits::default()
        };
        let message = check_limits(&few).unwrap_err().to_string();
        let expected = "expected a device with max_storage_buffers_per_shader_stage of at least 8, got 4";
        assert!(message.contains(expected), "{message}");
        assert!(check_limits(&wgpu::Limits::downlevel_webgl2_defaults()).is_err());
    }

    #[test]
    fn what_a_device_lacks_is_told_where_it_matters() {
        let named = |kind, class, features| {
            let info = wgpu::AdapterInfo::new(kind, wgpu::Backend::Vulkan);
            let info = AdapterInfo::new(&info, features, wgpu::Limits::default());
            missing(&info, class, features)
                .iter()
                .map(|missing| missing.feature)
                .collect::<Vec<_>>()
        };
        let nothing = Features::empty();
        assert_eq!(
            named(wgpu::DeviceType::Cpu, DeviceClass::Software, nothing),
            [
                Features::SUBGROUP,
                Features::MAPPABLE_PRIMARY_BUFFERS,
                Features::SHADER_F16,
                Features::TIMESTAMP_QUERY
            ]
        );
        // No rule for real GPUs hands values round in subgroups.
        assert_eq!(
            named(wgpu::DeviceType::DiscreteGpu, DeviceClass::Discrete, nothing),
            [Features::SHADER_F16, Features::TIMESTAMP_QUERY]
        );
        assert_eq!(named(wgpu::DeviceType::Cpu, DeviceClass::Software, Features::all()), []);
    }
}
