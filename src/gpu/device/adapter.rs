//! Adapters: what is there, which one is taken, and what to say where none is.

use crate::environment;
use crate::error::{Error, Result};

/// What kind of device an adapter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AdapterKind {
    /// A graphics card with its own memory.
    Discrete,
    /// A GPU that shares the processor's memory.
    Integrated,
    /// A GPU handed through by a virtual machine.
    Virtual,
    /// A processor that plays GPU (lavapipe, `SwiftShader`, WARP).
    Software,
    /// The driver does not say.
    Other,
}

impl AdapterKind {
    /// Whether a GPU stands behind it. An adapter that does not say counts as one.
    pub const fn is_hardware(self) -> bool {
        !matches!(self, Self::Software)
    }

    /// Lower is taken first.
    const fn preference(self) -> u8 {
        match self {
            Self::Discrete => 0,
            Self::Integrated => 1,
            Self::Virtual => 2,
            Self::Other => 3,
            Self::Software => 4,
        }
    }
}

impl std::fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Discrete => "discrete GPU",
            Self::Integrated => "integrated GPU",
            Self::Virtual => "virtual GPU",
            Self::Software => "software adapter",
            Self::Other => "unknown kind",
        })
    }
}

/// What an adapter is called that has no name: browsers keep it from pages.
const UNNAMED: &str = "unnamed adapter";

/// One adapter, as its driver describes it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AdapterInfo {
    /// The adapter's name; `unnamed adapter` where it has none, as in most browsers.
    pub name: String,
    /// What kind of device it is.
    pub kind: AdapterKind,
    /// The graphics API it is reached through.
    pub backend: String,
    /// Driver name and version.
    pub driver: String,
    /// Where it is on the machine's PCI bus, `0000:01:00.0`, which tells adapters of one name apart; empty where the driver does not
    /// say.
    pub pci_bus_id: String,
    /// Invocations in a subgroup, smallest and largest.
    pub subgroup_size: (u32, u32),
    /// Whether shaders may use subgroup operations.
    pub subgroups: bool,
    /// Whether shaders may use 16-bit floats.
    pub shader_f16: bool,
    /// Whether GPU time can be measured.
    pub timestamps: bool,
    /// The adapter's own limits.
    pub limits: wgpu::Limits,
}

impl AdapterInfo {
    pub(crate) fn new(info: &wgpu::AdapterInfo, features: wgpu::Features, limits: wgpu::Limits) -> Self {
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
            wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
            wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
            wgpu::DeviceType::Cpu => AdapterKind::Software,
            wgpu::DeviceType::Other => AdapterKind::Other,
        };
        Self {
            name: if info.name.is_empty() {
                UNNAMED.to_owned()
            } else {
                info.name.clone()
            },
            kind,
            backend: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            pci_bus_id: info.device_pci_bus_id.clone(),
            subgroup_size: (info.subgroup_min_size, info.subgroup_max_size),
            subgroups: features.contains(wgpu::Features::SUBGROUP),
            shader_f16: features.contains(wgpu::Features::SHADER_F16),
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            limits,
        }
    }
}

impl std::fmt::Display for AdapterInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}, {}", self.name, self.kind, self.backend)?;
        if !self.driver.is_empty() {
            write!(f, ", {}", self.driver)?;
        }
        f.write_str(")")
    }
}

/// Which adapters may be taken. The best of them is: a discrete GPU, then an integrated one, ... a software one last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdapterChoice {
    /// Any adapter.
    #[default]
    Any,
    /// A real GPU only.
    Hardware,
    /// A software adapter only.
    Software,
    /// None: run on the CPU.
    Cpu,
    /// One whose name contains this, whatever the case.
    Named(String),
    /// Of those that another choice accepts, the best first, the one at this place, counted from 0: of several GPUs of one name,
    /// one.
    Nth(Box<Self>, usize),
}

impl AdapterChoice {
    /// Reads the environment variable `CONVOKE_ADAPTER`: `any`, `hardware`, `software`, `cpu` or part of an adapter's name, and
    /// `:1` after it for the second that fits. Unset or empty means any.
    pub fn from_env() -> Self {
        Self::asked_by_env().unwrap_or_default()
    }

    /// What the environment variable `CONVOKE_ADAPTER` asks for, if it is set and not empty.
    pub fn asked_by_env() -> Option<Self> {
        Some(environment::adapter()?.as_str().into())
    }

    /// What is taken where nobody asks for anything, by [`Backend::auto`](crate::Backend::auto): a real GPU, if the CPU backend
    /// is there to fall back to, which software adapters are slower than; else any adapter.
    pub const fn best() -> Self {
        if cfg!(all(feature = "cpu", not(target_family = "wasm"))) {
            Self::Hardware
        } else {
            Self::Any
        }
    }

    /// Of those that this choice accepts, the best first, the one at this place, counted from 0.
    pub fn nth(self, place: usize) -> Self {
        Self::Nth(Box::new(self), place)
    }

    /// Whether this adapter may be taken, if it is at the right place among those that may.
    pub fn accepts(&self, adapter: &AdapterInfo) -> bool {
        match self {
            Self::Any => true,
            Self::Hardware => adapter.kind.is_hardware(),
            Self::Software => !adapter.kind.is_hardware(),
            Self::Cpu => false,
            Self::Named(part) => adapter.name.to_lowercase().contains(&part.to_lowercase()),
            Self::Nth(among, _) => among.accepts(adapter),
        }
    }

    /// The index of the adapter to take.
    ///
    /// Errors: `NoAdapter` where none fits; it lists what is there and names the fix for the platform.
    pub fn choose(&self, adapters: &[AdapterInfo]) -> Result<usize> {
        let place = match self {
            Self::Nth(_, place) => *place,
            _ => 0,
        };
        let accepted = (0..adapters.len()).filter(|&index| self.accepts(&adapters[index]));
        let mut accepted: Vec<usize> = accepted.collect();
        // Those of one kind stay in the driver's order.
        accepted.sort_by_key(|&index| adapters[index].kind.preference());
        accepted
            .get(place)
            .copied()
            .ok_or_else(|| Error::NoAdapter(self.explain(adapters)))
    }

    /// What a text without a place means.
    fn among(text: &str) -> Self {
        match text {
            "" | "any" => Self::Any,
            "hardware" => Self::Hardware,
            "software" => Self::Software,
            "cpu" => Self::Cpu,
            name => Self::Named(name.to_owned()),
        }
    }

    fn explain(&self, adapters: &[AdapterInfo]) -> String {
        let (among, place) = match self {
            Self::Nth(among, place) => (among.as_ref(), Some(*place)),
            choice => (choice, None),
        };
        if *among == Self::Cpu {
            return "CONVOKE_ADAPTER=cpu (or AdapterChoice::Cpu) asks for no adapter; use Backend::auto to run on the CPU"
                .to_owned();
        }
        let mut wanted = match among {
            Self::Hardware => "a real GPU was asked for".to_owned(),
            Self::Software => "a software adapter was asked for".to_owned(),
            Self::Named(name) => format!("one named {name:?} was asked for"),
            Self::Any | Self::Cpu | Self::Nth(..) => "any would do".to_owned(),
        };
        if let Some(place) = place {
            wanted = format!("{wanted}, at place {place} from 0 among those that fit");
        }
        if adapters.is_empty() {
            return format!("{wanted}, but none was found. {INSTALL_HINT}");
        }
        let found: Vec<_> = adapters
            .iter()
            .map(|adapter| format!("{} ({})", adapter.name, adapter.kind))
            .collect();
        let hint = if *among == Self::Software && place.is_none() {
            format!(". {INSTALL_HINT}")
        } else {
            String::new()
        };
        format!("{wanted}, but there is only {}{hint}", found.join(", "))
    }
}

impl From<&str> for AdapterChoice {
    /// As in `CONVOKE_ADAPTER`: `any`, `hardware`, `software`, `cpu`, or else part of an adapter's name; and `:1` after it for the
    /// second that fits.
    fn from(text: &str) -> Self {
        let with_place = text.rsplit_once(':').filter(|(among, _)| !among.is_empty());
        match with_place.map(|(among, place)| (among, place.parse())) {
            Some((among, Ok(place))) => Self::among(among).nth(place),
            _ => Self::among(text),
        }
    }
}

impl std::fmt::Display for AdapterChoice {
    /// As `From<&str>` reads it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Hardware => "hardware",
            Self::Software => "software",
            Self::Cpu => "cpu",
            Self::Named(name) => name,
            Self::Nth(among, place) => return write!(f, "{among}:{place}"),
        })
    }
}

/// How to get an adapter on this platform.
const INSTALL_HINT: &str = if cfg!(target_os = "linux") {
    "Install a Vulkan driver, or the software adapter: on Debian and Ubuntu `apt-get install mesa-vulkan-drivers libvulkan1`"
} else if cfg!(target_os = "macos") {
    "Metal needs a Mac with a supported GPU; a virtual machine needs one handed through"
} else if cfg!(target_os = "windows") {
    "Install the graphics driver; Windows' own software adapter (WARP) needs DirectX 12"
} else if cfg!(target_family = "wasm") {
    "The browser must support WebGPU (navigator.gpu)"
} else {
    "Install a Vulkan driver"
};

/// All adapters that can be reached, with the features and limits that each would give.
pub(crate) async fn enumerate(instance: &wgpu::Instance) -> Vec<(wgpu::Adapter, AdapterInfo)> {
    #[cfg(not(target_family = "wasm"))]
    let adapters = instance.enumerate_adapters(wgpu::Backends::all()).await;
    // A browser offers one adapter and no list.
    #[cfg(target_family = "wasm")]
    let adapters: Vec<_> = instance
        .request_adapter(&wgpu::RequestAdapterOptions::default())
        .await
        .into_iter()
        .collect();
    adapters
        .into_iter()
        .filter(|adapter| {
            adapter
                .get_downlevel_capabilities()
                .flags
                .contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
        })
        .map(|adapter| {
            let info = AdapterInfo::new(&adapter.get_info(), adapter.features(), adapter.limits());
            (adapter, info)
        })
        .collect()
}

/// As wgpu's variables of the environment have it. Without `WGPU_DEBUG` a debug build looks up no line of a kernel's text for each of its
/// instructions, as wgpu would have it: that takes a third of the time that a kernel takes to compile.
pub(crate) fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    descriptor.flags = (wgpu::InstanceFlags::default() - wgpu::InstanceFlags::DEBUG).with_env();
    wgpu::Instance::new(descriptor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Vec<AdapterInfo> {
        let adapter = |name: &str, kind| AdapterInfo {
            name: name.to_owned(),
            kind,
            backend: "vulkan".to_owned(),
            driver: "a driver".to_owned(),
            pci_bus_id: String::new(),
            subgroup_size: (32, 32),
            subgroups: true,
            shader_f16: false,
            timestamps: true,
            limits: wgpu::Limits::default(),
        };
        vec![
            adapter("llvmpipe (LLVM 15)", AdapterKind::Software),
            adapter("Intel Iris", AdapterKind::Integrated),
            adapter("NVIDIA H100", AdapterKind::Discrete),
        ]
    }

    #[test]
    fn the_best_adapter_that_fits_is_taken() {
        let adapters = machine();
        assert_eq!(AdapterChoice::Any.choose(&adapters).unwrap(), 2);
        assert_eq!(AdapterChoice::Hardware.choose(&adapters[..2]).unwrap(), 1);
        assert_eq!(AdapterChoice::Software.choose(&adapters).unwrap(), 0);
        assert_eq!(AdapterChoice::Named("LLVMPIPE".to_owned()).choose(&adapters).unwrap(), 0);
    }

    #[test]
    fn what_a_browser_keeps_to_itself_leaves_no_gap() {
        let info = wgpu::AdapterInfo::new(wgpu::DeviceType::Cpu, wgpu::Backend::BrowserWebGpu);
        let info = AdapterInfo::new(&info, wgpu::Features::empty(), wgpu::Limits::default());
        assert_eq!(info.to_string(), "unnamed adapter (software adapter, webgpu)");
    }

    #[test]
    fn no_adapter_says_what_was_wanted_what_is_there_and_what_helps() {
        let message = AdapterChoice::Hardware.choose(&machine()[..1]).unwrap_err().to_string();
        assert!(message.contains("a real GPU") && message.contains("llvmpipe"), "{message}");
        let message = AdapterChoice::Any.choose(&[]).unwrap_err().to_string();
        assert!(message.contains(INSTALL_HINT), "{message}");
        let message = AdapterChoice::Named("iris".to_owned())
            .choose(&machine()[..1])
            .unwrap_err()
            .to_string();
        assert!(message.contains("\"iris\""), "{message}");
        let message = AdapterChoice::Hardware.nth(2).choose(&machine()).unwrap_err().to_string();
        assert!(message.contains("a real GPU was asked for, at place 2 from 0"), "{message}");
        assert!(message.contains("NVIDIA H100 (discrete GPU)"), "{message}");
    }

    #[test]
    fn of_several_of_one_name_one_is_taken_by_its_place() {
        let mut adapters = machine();
        adapters.push(adapters[2].clone());
        for (place, index) in [2, 3, 1, 0].into_iter().enumerate() {
            assert_eq!(AdapterChoice::Any.nth(place).choose(&adapters).unwrap(), index);
        }
        let named = AdapterChoice::from("h100:1");
        assert_eq!(named, AdapterChoice::Named("h100".to_owned()).nth(1));
        assert_eq!(named.choose(&adapters).unwrap(), 3);
    }

    #[test]
    fn choices_are_read_as_they_are_written() {
        for text in [
            "any",
            "hardware",
            "software",
            "cpu",
            "llvmpipe",
            "hardware:1",
            "llvmpipe:0",
            ":1",
            "a:b",
        ] {
            assert_eq!(AdapterChoice::from(text).to_string(), text);
        }
    }
}
