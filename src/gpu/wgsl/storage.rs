//! How the elements of bindings are stored, and the functions by which kernels get at them.
//!
//! A kernel names no array. It loads `load_NAME(i)` and stores `store_NAME(i, x)`, in the type that it computes with, and the
//! header has these functions for the type that is stored:
//!
//! ```wgsl
//! @group(0) @binding(1) var<storage, read> input: array<f16>;
//! fn load_input(i: u32) -> f32 { return f32(input[i]); }
//! @group(0) @binding(2) var<storage, read_write> output: array<vec4<f16>>;
//! fn store_output(i: u32, x: vec4<f32>) { output[i] = vec4<f16>(x); }
//! ```
//!
//! What is between, sums above all, stays `f32`. WGSL mixes no types, so that whatever was stored otherwise would not compile.
//! Another way to store numbers is a variant of [`Storage`] with its forms; kernels stay as they are. Where several elements
//! share a word, only an [`Element`] of a whole word can be stored: two invocations may not write parts of one.

use crate::dtype::DType;
use crate::precision::Precision;

/// What a kernel takes an element of a binding to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Element {
    /// A number.
    F32,
    /// Four consecutive numbers.
    F32x4,
    /// An element of whatever type: floats as `f32`, whole numbers and bools as `i32`.
    Any,
    /// Four of them.
    Any4,
    /// A whole number.
    U32,
    /// An element that is only moved, whatever it is.
    Bits,
    /// Four of them.
    Bits4,
}

/// How the elements of a binding are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Storage {
    /// In 4 bytes, as kernels compute with them.
    #[default]
    Words,
    /// Numbers as 16-bit floats.
    F16,
    /// Whole numbers, and bools as 0 and 1, in 4 bytes.
    I32,
    /// Whole numbers from 0 to 255, each in 4 bytes.
    U8,
    /// Whole numbers from -128 to 127, each in 4 bytes.
    I8,
    /// Whole numbers from 0 to 255, four in a word.
    PackedU8,
    /// Whole numbers from -128 to 127, four in a word.
    PackedI8,
}

/// An element's types in memory and in the kernel. Either is made of the other by naming it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    stored: &'static str,
    seen: &'static str,
    /// What is stored instead of `x`, where results wrap around.
    wrapped: &'static str,
}

impl Storage {
    /// How numbers stored so are stored as floats.
    pub(crate) const fn of_floats(self) -> Self {
        match self {
            Self::F16 => Self::F16,
            _ => Self::Words,
        }
    }

    /// How bytes of a type are packed, as kernels of floats see them by fours.
    pub(crate) const fn packed(dtype: DType) -> Option<Self> {
        match dtype {
            DType::U8 => Some(Self::PackedU8),
            DType::I8 => Some(Self::PackedI8),
            _ => None,
        }
    }

    /// How a type's elements are stored where floats have this precision.
    pub(crate) const fn of(dtype: DType, precision: Precision) -> Self {
        match (dtype, precision) {
            (DType::F32, Precision::F16) => Self::F16,
            (DType::F32, Precision::F32) | (DType::F16, _) => Self::Words,
            (DType::I64 | DType::I32 | DType::Bool, _) => Self::I32,
            (DType::U8, _) => Self::U8,
            (DType::I8, _) => Self::I8,
        }
    }

    /// The bytes of an element.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::PackedU8 | Self::PackedI8 => 1,
            Self::Words | Self::I32 | Self::U8 | Self::I8 => 4,
        }
    }

    /// The same for a kernel that sees this of an element: what is only moved is words.
    pub(crate) fn seen_as(self, element: Element) -> Self {
        match (self, element) {
            (Self::F16 | Self::PackedU8 | Self::PackedI8, _) | (_, Element::Any | Element::Any4) => self,
            // Kernels of floats are given whole numbers of any size, and make none that do not fit.
            (Self::I32 | Self::U8 | Self::I8, Element::F32 | Element::F32x4) => Self::I32,
            _ => Self::Words,
        }
    }

    /// None where elements cannot be stored so.
    fn form(self, element: Element) -> Option<Form> {
        let (stored, seen) = match (self, element) {
            (Self::Words, Element::F32 | Element::Any) => ("f32", "f32"),
            (Self::Words, Element::F32x4 | Element::Any4) => ("vec4<f32>", "vec4<f32>"),
            (Self::Words, Element::U32 | Element::Bits) => ("u32", "u32"),
            (Self::Words, Element::Bits4) => ("vec4<u32>", "vec4<u32>"),
            (Self::F16, Element::F32 | Element::Any) => ("f16", "f32"),
            (Self::F16, Element::F32x4 | Element::Any4) => ("vec4<f16>", "vec4<f32>"),
            (Self::F16, Element::Bits) => ("f16", "f16"),
            (Self::F16, Element::Bits4) => ("vec4<f16>", "vec4<f16>"),
            (Self::I32, Element::F32) => ("i32", "f32"),
            (Self::I32, Element::F32x4) => ("vec4<i32>", "vec4<f32>"),
            (Self::I32 | Self::U8 | Self::I8, Element::Any) => ("i32", "i32"),
            (Self::I32 | Self::U8 | Self::I8, Element::Any4) => ("vec4<i32>", "vec4<i32>"),
            (Self::PackedU8 | Self::PackedI8, Element::F32x4) => ("u32", "vec4<f32>"),
            _ => return None,
        };
        let wrapped = match (self, element) {
            (Self::U8, Element::Any) => "x & 255",
            (Self::U8, _) => "x & vec4(255)",
            (Self::I8, Element::Any) => "(x << 24u) >> 24u",
            (Self::I8, _) => "(x << vec4(24u)) >> vec4(24u)",
            _ => "x",
        };
        Some(Form { stored, seen, wrapped })
    }
}

impl Form {
    /// An expression of one type as the other.
    fn converted(self, to: &str, expression: &str) -> String {
        if self.stored == self.seen {
            expression.to_owned()
        } else {
            format!("{to}({expression})")
        }
    }
}

/// An array that a kernel binds.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Binding {
    pub(crate) name: &'static str,
    pub(crate) element: Element,
}

impl Binding {
    /// The type of the stored array's elements.
    pub(crate) fn stored(&self, storage: Storage) -> Result<&'static str, String> {
        Ok(self.form(storage)?.stored)
    }

    pub(crate) fn load(&self, storage: Storage) -> Result<String, String> {
        let (name, form) = (self.name, self.form(storage)?);
        let loaded = match storage {
            Storage::PackedU8 => format!("vec4<f32>((vec4({name}[i]) >> vec4(0u, 8u, 16u, 24u)) & vec4(255u))"),
            Storage::PackedI8 => format!("vec4<f32>((vec4(bitcast<i32>({name}[i])) << vec4(24u, 16u, 8u, 0u)) >> vec4(24u))"),
            _ => form.converted(form.seen, &format!("{name}[i]")),
        };
        Ok(format!("fn load_{name}(i: u32) -> {} {{ return {loaded}; }}\n", form.seen))
    }

    pub(crate) fn store(&self, storage: Storage) -> Result<String, String> {
        let (name, form) = (self.name, self.form(storage)?);
        let stored = match storage {
            Storage::PackedU8 | Storage::PackedI8 => {
                "dot((vec4<u32>(vec4<i32>(x)) & vec4(255u)) << vec4(0u, 8u, 16u, 24u), vec4(1u))".to_owned()
            }
            _ => form.converted(form.stored, form.wrapped),
        };
        Ok(format!(
            "fn store_{name}(i: u32, x: {}) {{ {name}[i] = {stored}; }}\n",
            form.seen
        ))
    }

    fn form(&self, storage: Storage) -> Result<Form, String> {
        let form = storage.form(self.element);
        form.ok_or_else(|| format!("{} cannot be stored as {storage:?}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn binding(element: Element) -> Binding {
        Binding { name: "a", element }
    }

    #[test]
    fn numbers_are_widened_and_narrowed() {
        for (element, storage, load, store) in [
            (
                Element::F32,
                Storage::Words,
                "fn load_a(i: u32) -> f32 { return a[i]; }\n",
                "fn store_a(i: u32, x: f32) { a[i] = x; }\n",
            ),
            (
                Element::F32x4,
                Storage::F16,
                "fn load_a(i: u32) -> vec4<f32> { return vec4<f32>(a[i]); }\n",
                "fn store_a(i: u32, x: vec4<f32>) { a[i] = vec4<f16>(x); }\n",
            ),
            // Sums of whole numbers by a kernel of floats.
            (
                Element::F32x4,
                Storage::I32,
                "fn load_a(i: u32) -> vec4<f32> { return vec4<f32>(a[i]); }\n",
                "fn store_a(i: u32, x: vec4<f32>) { a[i] = vec4<i32>(x); }\n",
            ),
            // What is only moved is not converted.
            (
                Element::Bits,
                Storage::F16,
                "fn load_a(i: u32) -> f16 { return a[i]; }\n",
                "fn store_a(i: u32, x: f16) { a[i] = x; }\n",
            ),
        ] {
            assert_eq!(binding(element).load(storage).as_deref(), Ok(load));
            assert_eq!(binding(element).store(storage).as_deref(), Ok(store));
        }
    }

    #[test]
    fn bytes_wrap_around() {
        let (scalar, vector) = (binding(Element::Any), binding(Element::Any4));
        assert_eq!(
            scalar.store(Storage::U8).as_deref(),
            Ok("fn store_a(i: u32, x: i32) { a[i] = x & 255; }\n")
        );
        assert_eq!(
            vector.store(Storage::I8).as_deref(),
            Ok("fn store_a(i: u32, x: vec4<i32>) { a[i] = (x << vec4(24u)) >> vec4(24u); }\n")
        );
        assert_eq!(
            scalar.load(Storage::I32).as_deref(),
            Ok("fn load_a(i: u32) -> i32 { return a[i]; }\n")
        );
    }

    #[test]
    fn four_bytes_are_a_word() {
        let vector = binding(Element::F32x4);
        assert_eq!(vector.stored(Storage::PackedU8), Ok("u32"));
        assert_eq!(
            vector.load(Storage::PackedI8).as_deref(),
            Ok(
                "fn load_a(i: u32) -> vec4<f32> { return vec4<f32>((vec4(bitcast<i32>(a[i])) << vec4(24u, 16u, 8u, 0u)) >> vec4(24u)); }\n"
            )
        );
        assert_eq!(
            binding(Element::F32).load(Storage::PackedU8),
            Err("a cannot be stored as PackedU8".to_owned())
        );
    }

    #[test]
    fn whole_numbers_are_no_floats() {
        let indices = binding(Element::U32);
        assert_eq!(indices.stored(Storage::Words), Ok("u32"));
        assert_eq!(indices.load(Storage::F16), Err("a cannot be stored as F16".to_owned()));
    }
}
