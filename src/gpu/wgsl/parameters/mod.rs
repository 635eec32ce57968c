//! The uniform parameters of kernels: one declaration is the host's struct and the `Params` of the kernels' texts.

pub(crate) mod attention;
pub(crate) mod conv;
pub(crate) mod elementwise;
pub(crate) mod matmul;
pub(crate) mod movement;
pub(crate) mod picture;
pub(crate) mod recurrent;
pub(crate) mod roofline;
pub(crate) mod rows;
pub(crate) mod window;

/// The axes that kernels tell apart, after neighbours that run on alike are merged.
pub(crate) const MOST_AXES: usize = 6;

/// How a struct of parameters lies in memory. A test holds the host's against what naga makes of the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout<'a> {
    pub(crate) size: usize,
    pub(crate) fields: &'a [Field],
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// What the host says about it, which the text repeats.
    pub(crate) docs: &'static [&'static str],
    pub(crate) kind: FieldKind,
    #[cfg(test)]
    pub(crate) offset: usize,
}

impl Field {
    /// One of four bytes, after so many others.
    pub(crate) fn word(name: &'static str, kind: FieldKind, before: usize) -> Self {
        let _ = before;
        Self {
            name,
            docs: &[],
            kind,
            #[cfg(test)]
            offset: 4 * before,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FieldKind {
    U32,
    I32,
    F32,
    /// So many vectors of four whole numbers.
    Vectors(usize),
    /// What WGSL leaves free by itself, before what is aligned to more than four bytes.
    Unused,
}

impl FieldKind {
    /// The type of WGSL, where the text has the field.
    pub(crate) fn wgsl(self) -> Option<String> {
        match self {
            Self::U32 => Some("u32".to_owned()),
            Self::I32 => Some("i32".to_owned()),
            Self::F32 => Some("f32".to_owned()),
            Self::Vectors(count) => Some(format!("array<vec4<u32>, {count}>")),
            Self::Unused => None,
        }
    }
}

/// A type that a field of parameters may have.
pub(crate) trait Uniform {
    const KIND: FieldKind;
}

impl Uniform for u32 {
    const KIND: FieldKind = FieldKind::U32;
}

impl Uniform for i32 {
    const KIND: FieldKind = FieldKind::I32;
}

impl Uniform for f32 {
    const KIND: FieldKind = FieldKind::F32;
}

impl<const N: usize> Uniform for [[u32; 4]; N] {
    const KIND: FieldKind = FieldKind::Vectors(N);
}

impl<const N: usize> Uniform for [u32; N] {
    const KIND: FieldKind = FieldKind::Unused;
}

/// Declares structs of parameters. A field's documentation is in the kernels' texts too.
macro_rules! parameters {
    ($($(#[doc = $what:literal])* $name:ident { $($(#[doc = $doc:literal])* $field:ident: $kind:ty),+ $(,)? })+) => { $(
        $(#[doc = $what])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
        pub(crate) struct $name {
            $($(#[doc = $doc])* pub(crate) $field: $kind,)+
        }

        impl $name {
            pub(crate) const LAYOUT: $crate::gpu::wgsl::parameters::Layout<'static> = $crate::gpu::wgsl::parameters::Layout {
                size: size_of::<Self>(),
                fields: &[$($crate::gpu::wgsl::parameters::Field {
                    name: stringify!($field),
                    docs: &[$($doc),*],
                    kind: <$kind as $crate::gpu::wgsl::parameters::Uniform>::KIND,
                    #[cfg(test)]
                    offset: std::mem::offset_of!(Self, $field),
                }),+],
            };
        }
    )+ };
}
pub(crate) use parameters;
