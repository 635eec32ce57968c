//! How values become bytes and come back: numbers in 8 bytes, the least first, names as text, everything in the order of its fields.
//!
//! Nothing that is read is trusted: lengths are held against the bytes that are left and against a budget of memory.

use super::refusal::wrong;
use crate::error::{Error, Result};

/// A value that can be written and read again.
pub(super) trait Code: Sized {
    /// A number that changes with the names, order and types of the fields: files of another layout are refused by it.
    const LAYOUT: u64;

    fn write(&self, to: &mut Vec<u8>);

    fn read(from: &mut Reader<'_>) -> Result<Self>;
}

/// FNV-1a of a name, and of the layouts that it consists of.
pub(super) const fn layout(name: &str, parts: &[u64]) -> u64 {
    const PRIME: u64 = 0x0100_0000_01B3;
    let mut hash: u64 = 0xCBF2_9CE4_8422_2325;
    let mut index = 0;
    while index < name.len() {
        hash = (hash ^ name.as_bytes()[index] as u64).wrapping_mul(PRIME);
        index += 1;
    }
    index = 0;
    while index < parts.len() {
        hash = (hash ^ parts[index]).wrapping_mul(PRIME).rotate_left(23);
        index += 1;
    }
    hash
}

/// Bytes that are left, and how much memory what they say may take.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    budget: usize,
}

impl<'a> Reader<'a> {
    /// What is made of these bytes may take 16 times their length, and 1 MiB.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            budget: bytes.len().saturating_mul(16).saturating_add(1 << 20),
        }
    }

    fn take<const COUNT: usize>(&mut self) -> Result<[u8; COUNT]> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or_else(|| self.short(COUNT))?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn short(&self, needed: usize) -> Error {
        wrong(format!(
            "expected {needed} more bytes of its description, but {} are left",
            self.bytes.len()
        ))
    }

    /// The length of a list, each of whose items takes a byte at least, and so much memory.
    fn length(&mut self, memory: usize) -> Result<usize> {
        let length = usize::read(self)?;
        if length > self.bytes.len() {
            return Err(self.short(length));
        }
        let memory = length.saturating_mul(memory.max(1));
        self.budget = self.budget.checked_sub(memory).ok_or_else(|| {
            wrong(format!(
                "expected a description that takes no more memory than its size allows, but a list of {length} takes more"
            ))
        })?;
        Ok(length)
    }

    /// Refuses what stands after everything that was expected.
    pub(super) fn finish(self) -> Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        Err(wrong(format!("{} bytes stand after its description", self.bytes.len())))
    }
}

macro_rules! numbers {
    ($($type:ty as $coded:ty),+) => {$(
        impl Code for $type {
            const LAYOUT: u64 = layout(stringify!($type), &[]);

            fn write(&self, to: &mut Vec<u8>) {
                to.extend((*self as $coded).to_le_bytes());
            }

            fn read(from: &mut Reader<'_>) -> Result<Self> {
                let number = <$coded>::from_le_bytes(from.take()?);
                Self::try_from(number).map_err(|_| wrong(format!("expected a number of {}, but got {number}", stringify!($type))))
            }
        }
    )+};
}
numbers!(usize as u64, isize as i64, u32 as u32, u64 as u64);

impl Code for f32 {
    const LAYOUT: u64 = layout("f32", &[]);

    fn write(&self, to: &mut Vec<u8>) {
        to.extend(self.to_bits().to_le_bytes());
    }

    fn read(from: &mut Reader<'_>) -> Result<Self> {
        Ok(Self::from_bits(u32::from_le_bytes(from.take()?)))
    }
}

impl Code for bool {
    const LAYOUT: u64 = layout("bool", &[]);

    fn write(&self, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self> {
        match from.take()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(wrong(format!("expected 0 or 1 for a bool, but got {other}"))),
        }
    }
}

impl Code for String {
    const LAYOUT: u64 = layout("String", &[]);

    fn write(&self, to: &mut Vec<u8>) {
        text(self, to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self> {
        let length = from.length(1)?;
        let (text, rest) = from.bytes.split_at(length);
        from.bytes = rest;
        let text = str::from_utf8(text).map_err(|_| wrong("expected names in UTF-8"))?;
        Ok(text.to_owned())
    }
}

pub(super) fn text(text: &str, to: &mut Vec<u8>) {
    text.len().write(to);
    to.extend(text.as_bytes());
}

impl<T: Code> Code for Option<T> {
    const LAYOUT: u64 = layout("Option", &[T::LAYOUT]);

    fn write(&self, to: &mut Vec<u8>) {
        self.is_some().write(to);
        if let Some(value) = self {
            value.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self> {
        bool::read(from)?.then(|| T::read(from)).transpose()
    }
}

impl<T: Code> Code for Vec<T> {
    const LAYOUT: u64 = layout("Vec", &[T::LAYOUT]);

    fn write(&self, to: &mut Vec<u8>) {
        self.len().write(to);
        for value in self {
            value.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self> {
        let length = from.length(size_of::<T>())?;
        (0..length).map(|_| T::read(from)).collect()
    }
}

impl<T: Code, const COUNT: usize> Code for [T; COUNT] {
    const LAYOUT: u64 = layout("array", &[T::LAYOUT, COUNT as u64]);

    fn write(&self, to: &mut Vec<u8>) {
        for value in self {
            value.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self> {
        let values = (0..COUNT).map(|_| T::read(from)).collect::<Result<Vec<T>>>()?;
        let count = values.len();
        Self::try_from(values).map_err(|_| Error::Internal(format!("{count} values for an array of {COUNT}")))
    }
}

/// Structs of fields, each by its type. A field that is left out does not compile.
macro_rules! structs {
    ($($name:ident { $($field:ident: $type:ty),* $(,)? })+) => {$(
        impl $crate::compiled::code::Code for $name {
            const LAYOUT: u64 = $crate::compiled::code::layout(
                concat!(stringify!($name), $(" ", stringify!($field)),*),
                &[$(<$type as $crate::compiled::code::Code>::LAYOUT),*],
            );

            fn write(&self, _to: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($crate::compiled::code::Code::write($field, _to);)*
            }

            fn read(_from: &mut $crate::compiled::code::Reader<'_>) -> $crate::error::Result<Self> {
                Ok(Self { $($field: <$type as $crate::compiled::code::Code>::read(_from)?),* })
            }
        }
    )+};
}
pub(super) use structs;

/// Enums, whose variants go by their names. A variant that is left out does not compile.
macro_rules! enums {
    ($($name:ident { $($variant:ident $(($value:ident: $inner:ty))? $({ $($field:ident: $type:ty),+ })?),+ $(,)? })+) => {$(
        impl $crate::compiled::code::Code for $name {
            const LAYOUT: u64 = $crate::compiled::code::layout(stringify!($name), &[$(
                $crate::compiled::code::layout(
                    concat!(stringify!($variant) $($(, " ", stringify!($field))+)?),
                    &[$(<$inner as $crate::compiled::code::Code>::LAYOUT)? $($(<$type as $crate::compiled::code::Code>::LAYOUT),+)?],
                ),
            )+]);

            fn write(&self, to: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $(($value))? $({ $($field),+ })? => {
                        $crate::compiled::code::text(stringify!($variant), to);
                        $($crate::compiled::code::Code::write($value, to);)?
                        $($($crate::compiled::code::Code::write($field, to);)+)?
                    })+
                }
            }

            fn read(from: &mut $crate::compiled::code::Reader<'_>) -> $crate::error::Result<Self> {
                let name = String::read(from)?;
                $(if name == stringify!($variant) {
                    return Ok(Self::$variant
                        $((<$inner as $crate::compiled::code::Code>::read(from)?))?
                        $({ $($field: <$type as $crate::compiled::code::Code>::read(from)?),+ })?);
                })+
                let names = [$(stringify!($variant)),+].join(", ");
                Err($crate::compiled::refusal::wrong(format!("expected one of {names} for {}, but got {name:?}", stringify!($name))))
            }
        }
    )+};
}
pub(super) use enums;
