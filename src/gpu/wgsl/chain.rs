//! Functions of elements one after another, as one function that a kernel leaves open.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::dtype::DType;
use crate::gpu::wgsl::function::{Function, Scalar, Snippet};

/// The inputs of `chain` by their names in its text: some that have an element for each of the output's, and some that have few.
pub(crate) const EACH: [&str; 2] = ["first", "second"];
pub(crate) const FEW: [&str; 3] = ["third", "fourth", "fifth"];

/// What a function of a chain is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    /// What an earlier function gave.
    Step(usize),
    /// An input that has an element for each of the output's.
    Each(usize),
    /// An input of one element, or of one for each place along an axis.
    Few(usize),
    /// One of the kernel's parameters, so many words on.
    Number(usize, Scalar),
}

impl Operand {
    fn wgsl(self) -> String {
        match self {
            Self::Step(step) => format!("x{step}"),
            Self::Each(input) => EACH[input].to_owned(),
            Self::Few(input) => FEW[input].to_owned(),
            Self::Number(word, scalar) => format!(
                "bitcast<{}>(params.numbers[{}].{})",
                scalar.wgsl(),
                word / 4,
                ["x", "y", "z", "w"][word % 4]
            ),
        }
    }
}

/// What a step of a chain computes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    /// The function of a file for numbers of this type.
    Snippet(Snippet, Scalar),
    /// The quotient of numbers of usual magnitude, which the snippet gives as well once it knows that they are.
    PlainQuotient,
}

/// A function of a chain.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) call: Call,
    pub(crate) operands: Vec<Operand>,
    /// Whether a NaN among its first operands is its result.
    pub(crate) keeps_nan: bool,
    pub(crate) gives: DType,
}

impl Step {
    /// As the kernel of this function alone would compute and store it.
    fn wgsl(&self) -> String {
        let operands: Vec<String> = self.operands.iter().map(|operand| operand.wgsl()).collect();
        let mut value = match self.call {
            Call::Snippet(snippet, of) => format!("{}_{}({})", snippet.name, of.wgsl(), operands.join(", ")),
            Call::PlainQuotient => operands.join(" / "),
        };
        if self.keeps_nan {
            value = format!("select({value}, {0}, is_nan({0}))", operands[0]);
        }
        match self.gives {
            DType::U8 => format!("{value} & 255"),
            DType::I8 => format!("({value} << 24u) >> 24u"),
            _ => value,
        }
    }
}

impl Function {
    /// Functions one after another, as `element(first, second, third, fourth, fifth)` of inputs of these types. The last one's result
    /// is the element.
    pub(crate) fn chain(steps: &[Step], inputs: [Scalar; EACH.len() + FEW.len()]) -> Self {
        let names = EACH.iter().chain(&FEW).zip(inputs);
        let takes: Vec<String> = names.map(|(name, scalar)| format!("{name}: {}", scalar.wgsl())).collect();
        let last = steps.len().saturating_sub(1);
        let gives = steps.last().map_or(Scalar::Float, |step| step.gives.into());
        let mut call = format!(
            "#import shared/reals_*\nfn element({}) -> {} {{\n",
            takes.join(", "),
            gives.wgsl()
        );
        for (index, step) in steps.iter().enumerate() {
            let _ = writeln!(call, "    let x{index} = {};", step.wgsl());
        }
        let _ = write!(call, "    return x{last};\n}}\n");
        // Files are named by functions, and chains of the same functions are of several inputs.
        let mut hasher = DefaultHasher::new();
        call.hash(&mut hasher);
        let name = format!("{}_{:016x}", steps.len(), hasher.finish());
        let snippets = steps.iter().filter_map(|step| match step.call {
            Call::Snippet(snippet, _) => Some(snippet),
            Call::PlainQuotient => None,
        });
        let snippets: Vec<Snippet> = snippets.collect();
        Self::of_several(name, &snippets, call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Binary, Unary};

    fn step(call: Call, operands: &[Operand], gives: DType) -> Step {
        Step {
            call,
            operands: operands.to_vec(),
            keeps_nan: false,
            gives,
        }
    }

    #[test]
    fn functions_are_called_one_after_another() {
        use Operand::{Each, Few, Number};
        let number = |word| Number(word, Scalar::Float);
        let of_floats = |snippet: Snippet| Call::Snippet(snippet, Scalar::Float);
        let clamp = of_floats(Unary::Clamp { min: 0.0, max: 255.0 }.into());
        let steps = [
            step(of_floats(Binary::Mul.into()), &[Each(0), Few(1)], DType::F32),
            Step {
                keeps_nan: true,
                ..step(clamp, &[Operand::Step(0), number(0), number(5)], DType::F32)
            },
            step(of_floats(Snippet::to(DType::U8)), &[Operand::Step(1)], DType::U8),
            step(
                Call::Snippet(Snippet::to(DType::F32), Scalar::Whole),
                &[Operand::Step(2)],
                DType::F32,
            ),
            step(
                of_floats(Binary::Mul.into()),
                &[Operand::Step(3), Operand::Step(1)],
                DType::F32,
            ),
            step(Call::PlainQuotient, &[Operand::Step(4), number(1)], DType::F32),
        ];
        let float = Scalar::Float;
        let function = Function::chain(&steps, [float, float, Scalar::Whole, float, float]);
        let texts: Vec<&str> = function.texts().collect();
        let expected = "#import shared/reals_*
fn element(first: f32, second: f32, third: i32, fourth: f32, fifth: f32) -> f32 {
    let x0 = mul_f32(first, fourth);
    let x1 = select(clamp_f32(x0, bitcast<f32>(params.numbers[0].x), bitcast<f32>(params.numbers[1].y)), x0, is_nan(x0));
    let x2 = whole_f32(x1) & 255;
    let x3 = float_i32(x2);
    let x4 = mul_f32(x3, x1);
    let x5 = x4 / bitcast<f32>(params.numbers[0].y);
    return x5;
}
";
        assert_eq!(texts.last(), Some(&expected));
        assert_eq!(texts.len(), 5, "what is called twice is defined once");
    }
}
