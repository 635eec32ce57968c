//! Functions of elements: a kernel leaves one open, and what it is stands in the pipeline's key.
//!
//! Each has a file of its own, in `shaders/unary`, `shaders/binary` or `shaders/ternary`, named like the operator. There it is
//! `NAME_f32`, `NAME_i32` or both: of floats and of whole numbers, the latter of bools as 0 and 1 as well. Unary functions of `Real`
//! instead of `f32` serve as epilogues of other kernels.

use crate::dtype::DType;
use crate::ops::elementwise::Elementwise;
use crate::ops::{Binary, Ternary, Unary, binary_functions, ternary_functions, unary_functions};

/// What a kernel takes an element to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Float,
    Whole,
}

impl From<DType> for Scalar {
    fn from(dtype: DType) -> Self {
        if dtype.is_float() { Self::Float } else { Self::Whole }
    }
}

impl Scalar {
    pub(super) const fn wgsl(self) -> &'static str {
        match self {
            Self::Float => "f32",
            Self::Whole => "i32",
        }
    }
}

/// A function by its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snippet {
    pub(crate) name: &'static str,
    text: &'static str,
}

macro_rules! snippets {
    ({ $family:ident $directory:literal } $(
        $(#[doc = $doc:literal])+
        $function:ident $({ $($(#[doc = $field_doc:literal])+ $field:ident = $example:literal),+ $(,)? })?
        $name:literal $signature:ident $(onnx $onnx:literal $(($($attribute:ident = $value:literal),+))?)?
    ),+ $(,)?) => {
        impl From<$family> for Snippet {
            fn from(function: $family) -> Self {
                let text = match function {
                    $($family::$function { .. } => {
                        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $directory, "/", $name, ".wgsl"))
                    })+
                };
                Self { name: function.name(), text }
            }
        }
    };
}
unary_functions! { snippets { Unary "unary" } }
binary_functions! { snippets { Binary "binary" } }
ternary_functions! { snippets { Ternary "ternary" } }

macro_rules! cast {
    ($name:literal) => {
        Snippet {
            name: $name,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/cast/", $name, ".wgsl")),
        }
    };
}

impl Snippet {
    /// From any type to this one, in `shaders/cast`.
    pub(crate) const fn to(dtype: DType) -> Self {
        match dtype {
            DType::F32 => cast!("float"),
            DType::F16 => cast!("half"),
            DType::I64 | DType::I32 | DType::U8 | DType::I8 => cast!("whole"),
            DType::Bool => cast!("bool"),
        }
    }
}

/// The function that a kernel calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Function {
    /// Its name in WGSL.
    pub(crate) name: String,
    /// The texts that define it.
    snippets: Vec<&'static str>,
    /// The function under the name by which kernels call it.
    call: String,
}

impl Function {
    /// A function of a family, as [`Function::of_one`] has it.
    pub(crate) fn activation(function: Unary, input: Scalar, output: Scalar) -> Self {
        Self::of_one(function.into(), function.parameters().len(), input, output)
    }

    /// A function of one element and so many parameters, as `activate(x, first, second)`. NaN stays NaN, where it gives a float.
    pub(crate) fn of_one(snippet: Snippet, parameters: usize, input: Scalar, output: Scalar) -> Self {
        let name = format!("{}_{}", snippet.name, input.wgsl());
        let arguments = ["x", "x, first", "x, first, second"][parameters];
        let (takes, gives) = match (input, output) {
            (Scalar::Float, Scalar::Float) => ("Real", "Real"),
            _ => (input.wgsl(), output.wgsl()),
        };
        let (import, result) = if gives == "Real" {
            (
                "#import shared/reals_*\n",
                format!("select({name}({arguments}), x, is_nan(x))"),
            )
        } else {
            ("", format!("{name}({arguments})"))
        };
        let call = format!("{import}fn activate(x: {takes}, first: f32, second: f32) -> {gives} {{\n    return {result};\n}}\n");
        Self {
            name,
            snippets: vec![snippet.text],
            call,
        }
    }

    /// A function of several elements, as `combine(a, b)` or `combine(a, b, c)`.
    pub(crate) fn of_elements(snippet: Snippet, inputs: &[Scalar], output: Scalar) -> Self {
        // A condition comes before what is chosen.
        let kind = inputs.last().copied().unwrap_or(output);
        let name = format!("{}_{}", snippet.name, kind.wgsl());
        let letters = &["a", "b", "c"][..inputs.len()];
        let pairs = letters.iter().zip(inputs);
        let takes: Vec<String> = pairs.map(|(letter, input)| format!("{letter}: {}", input.wgsl())).collect();
        let (takes, passed, gives) = (takes.join(", "), letters.join(", "), output.wgsl());
        Self {
            call: format!("fn combine({takes}) -> {gives} {{\n    return {name}({passed});\n}}\n"),
            name,
            snippets: vec![snippet.text],
        }
    }

    /// Functions of several snippets, as `call` has them.
    pub(super) fn of_several(name: String, snippets: &[Snippet], call: String) -> Self {
        let mut texts: Vec<&'static str> = Vec::new();
        for snippet in snippets {
            if !texts.contains(&snippet.text) {
                texts.push(snippet.text);
            }
        }
        Self {
            name,
            snippets: texts,
            call,
        }
    }

    /// The texts that a kernel with this function has beside its own, with what they import still to come.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.snippets.iter().copied().chain([self.call.as_str()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_called_with_what_they_take() {
        let slope = Unary::LeakyRelu { negative_slope: 0.1 };
        let leaky = Function::activation(slope, Scalar::Float, Scalar::Float);
        let expected = "#import shared/reals_*\nfn activate(x: Real, first: f32, second: f32) -> Real {\n    return select(leaky_relu_f32(x, first), x, is_nan(x));\n}\n";
        assert_eq!(leaky.call, expected);
        let abs = Function::activation(Unary::Abs, Scalar::Whole, Scalar::Whole);
        let expected = "fn activate(x: i32, first: f32, second: f32) -> i32 {\n    return abs_i32(x);\n}\n";
        assert_eq!(abs.call, expected);
        let add = Function::of_elements(Binary::Add.into(), &[Scalar::Whole; 2], Scalar::Whole);
        assert_eq!(
            add.call,
            "fn combine(a: i32, b: i32) -> i32 {\n    return add_i32(a, b);\n}\n"
        );
    }
}
