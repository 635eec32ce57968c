//! What the families share.

use crate::model::{Attribute, Case};

/// An operator's attributes by their names.
pub(super) type Attributes<'a> = &'a [(&'static str, Attribute)];

/// An empty case of a family at so many channels.
pub(super) fn named(name: &str, channels: usize) -> Case {
    Case::new(format!("{name}_c{channels}"))
}
