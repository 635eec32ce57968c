//! What functions of one, two or three elements have in common: how they are declared, and the types that they take and give.
//!
//! A family ([`Unary`](super::Unary), [`Binary`](super::Binary), [`Ternary`](super::Ternary)) is one table. What says something of every
//! function follows from it: the enum, names, types, the operators of ONNX, examples for tests, and on GPUs the files of the snippets
//! that compute the functions.

use super::Op;
use super::operator::of_one_type;
use crate::dtype::DType;
use crate::error::{Error, Result};

/// A family's function of a certain name.
pub(crate) trait Elementwise: Copy + Into<Op> + 'static {
    /// The functions that are an operator of ONNX as they are, each with its name there and the attributes that choose it.
    #[cfg(feature = "onnx")]
    const OF_ONNX: &'static [OfOnnx<Self>];

    /// Its parameters in the order of their declaration.
    fn parameters(self) -> Vec<f32>;

    /// What it takes and gives.
    fn signature(self) -> Signature;
}

/// A function that is an operator of ONNX as it is.
#[cfg(feature = "onnx")]
#[derive(Debug)]
pub(crate) struct OfOnnx<F> {
    pub(crate) operator: &'static str,
    /// Whole-number attributes, whose default is 0.
    pub(crate) attributes: &'static [(&'static str, i64)],
    pub(crate) function: F,
}

/// What a signature takes, in words.
macro_rules! types {
    (Floats) => {
        "f32"
    };
    (Test) => {
        "f32"
    };
    (Numbers) => {
        "f32 or whole numbers"
    };
    (Order) => {
        "f32 or whole numbers"
    };
    (Integers) => {
        "whole numbers"
    };
    (Bools) => {
        "bool"
    };
    (Equality) => {
        "f32, whole numbers or bool"
    };
    (Choice) => {
        "tensors"
    };
}
pub(crate) use types;

/// The types of a function's inputs and of its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    /// Floats, and a float of them.
    Floats,
    /// Floats or whole numbers of one type, and one more of it.
    Numbers,
    /// Whole numbers of one type, and one more of it.
    Integers,
    /// Bools, and a bool of them.
    Bools,
    /// Floats, and a bool: what kind of number it is.
    Test,
    /// Floats or whole numbers of one type, and a bool: which is larger.
    Order,
    /// Floats, whole numbers or bools of one type, and a bool: whether they are equal.
    Equality,
    /// A bool, two elements of any one type, and one of these.
    Choice,
}

impl Signature {
    /// The types that the inputs may have, but for a condition that comes before them.
    pub(crate) fn accepts(self, dtype: DType) -> bool {
        match self {
            Self::Floats | Self::Test => dtype == DType::F32,
            Self::Numbers | Self::Order => dtype == DType::F32 || dtype.is_integer(),
            Self::Integers => dtype.is_integer(),
            Self::Bools => dtype == DType::Bool,
            Self::Equality => dtype != DType::F16,
            Self::Choice => true,
        }
    }

    const fn inputs(self) -> &'static str {
        match self {
            Self::Floats | Self::Test => types!(Floats),
            Self::Numbers | Self::Order => types!(Numbers),
            Self::Integers => types!(Integers),
            Self::Bools => types!(Bools),
            Self::Equality => types!(Equality),
            Self::Choice => types!(Choice),
        }
    }

    /// The output's type for inputs of these.
    pub(super) fn output(self, operator: &'static str, inputs: &[DType]) -> Result<DType> {
        let chosen = match (self, inputs) {
            (Self::Choice, [DType::Bool, chosen @ ..]) => chosen,
            (Self::Choice, [other, ..]) => {
                return Err(Error::invalid(
                    operator,
                    format!("expected a condition of bool, but got {other}"),
                ));
            }
            _ => inputs,
        };
        let dtype = of_one_type(operator, chosen, self.inputs(), |dtype| self.accepts(dtype))?;
        Ok(match self {
            Self::Test | Self::Order | Self::Equality => DType::Bool,
            _ => dtype,
        })
    }
}

/// Makes a family of a table. It stands behind the family's documentation and name, each function with its documentation, its
/// parameters, which are `f32` and have a value for examples, its name in PyTorch, its signature, and its name in ONNX with the
/// attributes that choose it, where it needs no conversion.
macro_rules! functions {
    ({ $(#[$attribute:meta])+ $family:ident } $(
        $(#[doc = $doc:literal])+
        $function:ident $({ $($(#[doc = $field_doc:literal])+ $field:ident = $example:literal),+ $(,)? })?
        $name:literal $signature:ident $(onnx $onnx:literal $(($($name_of_attribute:ident = $value:literal),+))?)?
    ),+ $(,)?) => {
        $(#[$attribute])+
        #[non_exhaustive]
        pub enum $family {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\nTakes ", $crate::ops::elementwise::types!($signature), ".")]
                $(#[doc = concat!("ONNX `", $onnx, "`" $($(, ", ", stringify!($name_of_attribute), " ", $value)+)?, ".")])?
                $function $({ $($(#[doc = $field_doc])+ $field: f32),+ })?,
            )+
        }

        impl $family {
            /// Every function, those with parameters with some value of them.
            pub const EXAMPLES: &[Self] = &[$(Self::$function $({ $($field: $example),+ })?),+];

            /// PyTorch's name of the function, where it has one.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$function { .. } => $name,)+
                }
            }
        }

        impl $crate::ops::elementwise::Elementwise for $family {
            #[cfg(feature = "onnx")]
            const OF_ONNX: &'static [$crate::ops::elementwise::OfOnnx<Self>] = &[$($(
                $crate::ops::elementwise::OfOnnx {
                    operator: $onnx,
                    attributes: &[$($((stringify!($name_of_attribute), $value)),+)?],
                    function: Self::$function,
                },
            )?)+];

            fn parameters(self) -> Vec<f32> {
                match self {
                    $(Self::$function $({ $($field),+ })? => vec![$($($field),+)?],)+
                }
            }

            fn signature(self) -> $crate::ops::elementwise::Signature {
                match self {
                    $(Self::$function { .. } => $crate::ops::elementwise::Signature::$signature,)+
                }
            }
        }
    };
}
pub(crate) use functions;
