//! Classes of devices: which kernels and sizes suit an adapter.

use std::fmt;
use std::str::FromStr;

use crate::environment;
use crate::error::{Error, Result};
use crate::gpu::device::adapter::AdapterKind;

/// What a device is like to compute on. It decides which algorithm computes which shape; every algorithm is right on all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeviceClass {
    /// A processor that plays GPU: each lane loads for itself, and few lanes run at a time.
    Software,
    /// A GPU that shares the processor's memory: lanes of a workgroup load together, and memory is slow.
    Integrated,
    /// A GPU with its own memory: as above, with fast memory and tens of thousands of lanes to keep busy.
    Discrete,
}

impl DeviceClass {
    /// All classes.
    pub const ALL: [Self; 3] = [Self::Software, Self::Integrated, Self::Discrete];

    /// The class of an adapter. A virtual machine hands discrete GPUs through; one that does not say may be small.
    pub const fn of(kind: AdapterKind) -> Self {
        match kind {
            AdapterKind::Software => Self::Software,
            AdapterKind::Integrated | AdapterKind::Other => Self::Integrated,
            AdapterKind::Discrete | AdapterKind::Virtual => Self::Discrete,
        }
    }

    /// Its name in `CONVOKE_DEVICE_CLASS`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Software => "software",
            Self::Integrated => "integrated",
            Self::Discrete => "discrete",
        }
    }

    /// What `CONVOKE_DEVICE_CLASS` says. Unset or empty leaves it to the adapter.
    pub(crate) fn from_env() -> Result<Option<Self>> {
        environment::device_class().map(|name| name.parse()).transpose()
    }
}

impl fmt::Display for DeviceClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DeviceClass {
    type Err = Error;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|class| class.name() == text);
        known.ok_or_else(|| {
            Error::invalid(
                "device class",
                format!("expected software, integrated or discrete, but got {text:?}"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_read_by_their_names() {
        for class in DeviceClass::ALL {
            assert_eq!(class.to_string().parse::<DeviceClass>().unwrap(), class);
        }
        let message = "fast".parse::<DeviceClass>().unwrap_err().to_string();
        assert!(message.contains("\"fast\"") && message.contains("discrete"), "{message}");
    }
}
