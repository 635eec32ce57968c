//! Classes of devices: which kernels and sizes suit an adapter.

use super::AdapterKind;
use crate::error::{Error, Result};

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

    /// Reads the environment variable `CONVOKE_DEVICE_CLASS`. Unset or empty leaves it to the adapter.
    pub(super) fn from_env() -> Result<Option<Self>> {
        Self::parse(&std::env::var("CONVOKE_DEVICE_CLASS").unwrap_or_default())
    }

    fn parse(text: &str) -> Result<Option<Self>> {
        let known = Self::ALL.into_iter().find(|class| class.name() == text);
        if known.is_none() && !text.is_empty() {
            return Err(Error::invalid(
                "CONVOKE_DEVICE_CLASS",
                format!("software, integrated or discrete is expected, and {text:?} came"),
            ));
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_read_by_their_names() {
        for class in DeviceClass::ALL {
            assert_eq!(DeviceClass::parse(class.name()).unwrap(), Some(class));
        }
        assert_eq!(DeviceClass::parse("").unwrap(), None);
        let message = DeviceClass::parse("fast").unwrap_err().to_string();
        assert!(message.contains("\"fast\"") && message.contains("discrete"), "{message}");
    }
}
