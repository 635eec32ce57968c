//! Operators that a program brings along: their shapes, a kernel in WGSL, and what they should give.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use ndarray::ArrayD;

use super::operator::{Operator, is_f32, of_one_type};
use crate::dtype::{DType, TensorType};
use crate::error::{Error, Result};
use crate::tensor::{Tensor, TensorView};

/// An operator that a program brings along, as a node of a graph or of an ONNX model
/// ([`onnx::Options::operator`](crate::onnx::Options::operator)). Whoever implements this says its shapes, and how it is computed: by
/// a [`CustomKernel`] on GPUs, by [`compute`](Self::compute) on the CPU, by [`reference`](Self::reference) where answers are
/// checked. Each of them may be missing, and a session that needs it is then refused.
///
/// ```
/// use convoke::{Backend, Result, Session, TensorType, graph::Graph, ops::{CustomKernel, CustomOp, CustomOperator, Expected}};
///
/// /// `x * |x|`
/// #[derive(Debug)]
/// struct SignedSquare;
///
/// impl CustomOperator for SignedSquare {
///     fn name(&self) -> &'static str {
///         "signed_square"
///     }
///
///     fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
///         Ok(vec![inputs[0].to_vec()])
///     }
///
///     fn kernel(&self, _: &[TensorType], _: &[TensorType]) -> Option<CustomKernel> {
///         let body = "
///             fn run(workgroup: u32, lane: u32) {
///                 let i = workgroup * LANES + lane;
///                 if (i < params.elements) {
///                     let x = load_input(i);
///                     store_output(i, x * abs(x));
///                 }
///             }";
///         Some(CustomKernel::new(body).input("input").output("output"))
///     }
///
///     fn reference(&self, inputs: &[Expected]) -> Option<Vec<Expected>> {
///         Some(vec![Expected::rounded(inputs[0].values.mapv(|x| x * x.abs()), 1.0)])
///     }
/// }
///
/// let mut graph = Graph::new();
/// let input = graph.input("input");
/// let output = graph.node("square", CustomOp::new(SignedSquare), &[input])?;
/// graph.output(output)?;
/// let session = Session::new(graph, &Backend::auto())?;
/// let outputs = session.run(&[ndarray::array![3.0_f32, -2.0].into_dyn().view()])?;
/// assert_eq!(outputs[0], ndarray::array![9.0, -4.0].into_dyn());
/// # Ok::<(), convoke::Error>(())
/// ```
pub trait CustomOperator: fmt::Debug + Send + Sync {
    /// What it is called in errors and profiles.
    fn name(&self) -> &'static str;

    /// How many inputs it takes, one at least: one, if this is not said.
    fn inputs(&self) -> RangeInclusive<usize> {
        1..=1
    }

    /// How many outputs it has, one at least: one, if this is not said.
    fn outputs(&self) -> usize {
        1
    }

    /// The shape of each output, for inputs as many as it takes.
    ///
    /// Errors: [`Error::InvalidArgument`] for shapes that it does not take.
    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>>;

    /// The type of each output; `f32` of `f32` alone, if this is not said.
    ///
    /// Errors: [`Error::InvalidArgument`] for types that it does not take.
    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        let dtype = of_one_type(self.name(), inputs, "f32", is_f32)?;
        Ok(vec![dtype; self.outputs()])
    }

    /// The kernel for GPUs, for inputs and outputs of these types; none, if this is not said.
    fn kernel(&self, inputs: &[TensorType], outputs: &[TensorType]) -> Option<CustomKernel> {
        let _ = (inputs, outputs);
        None
    }

    /// What it should give, in `f64`, and how far off a correct implementation may be; nothing, if this is not said. Whole numbers and
    /// bools (0 and 1) stand in `f64` as well.
    fn reference(&self, inputs: &[Expected]) -> Option<Vec<Expected>> {
        let _ = inputs;
        None
    }

    /// What it gives on the CPU; what the [`reference`](Self::reference) gives, rounded, if this is not said.
    fn compute(&self, inputs: &[TensorView<'_>]) -> Option<Vec<Tensor>> {
        let _ = inputs;
        None
    }
}

/// The numbers that a tensor should have, and how far from each a correct implementation may be.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The numbers.
    pub values: ArrayD<f64>,
    /// The largest difference from each that a correct implementation may show; 0 where it must be the same number.
    pub bound: ArrayD<f64>,
}

impl Expected {
    /// Numbers that every implementation has exactly.
    pub fn exact(values: ArrayD<f64>) -> Self {
        let bound = ArrayD::zeros(values.shape());
        Self { values, bound }
    }

    /// Numbers that an implementation in `f32` comes as near to as so many roundings let it: each is half a unit in the last place, as
    /// of one operation.
    pub fn rounded(values: ArrayD<f64>, roundings: f64) -> Self {
        let unit = f64::from(f32::EPSILON) / 2.0;
        let bound = values.mapv(|value| (value.abs() * unit + f64::from(f32::MIN_POSITIVE)) * roundings);
        Self { values, bound }
    }
}

/// An operator that a program brings along, as one of [`Op`](super::Op)'s. Cheap to clone; equal to its clones and to nothing else.
#[derive(Clone, Debug)]
pub struct CustomOp(Arc<dyn CustomOperator>);

impl CustomOp {
    /// This operator.
    pub fn new(operator: impl CustomOperator + 'static) -> Self {
        Self(Arc::new(operator))
    }

    /// What it is called in errors and profiles.
    pub(crate) fn name(&self) -> &'static str {
        self.0.name()
    }

    /// The kernel, held against the operands.
    pub(crate) fn kernel(&self, inputs: &[TensorType], outputs: &[TensorType]) -> Result<CustomKernel> {
        let kernel = self.0.kernel(inputs, outputs);
        let kernel = kernel.ok_or_else(|| self.has_no("kernel for GPUs"))?;
        for (what, names, types) in [("inputs", &kernel.inputs, inputs), ("outputs", &kernel.outputs, outputs)] {
            if names.len() != types.len() {
                let message = format!("its kernel binds {} {what}, but it has {}", names.len(), types.len());
                return Err(Error::invalid(self.0.name(), message));
            }
        }
        Ok(kernel)
    }

    /// What it should give, of the shapes that it says.
    pub(crate) fn reference(&self, inputs: &[Expected]) -> Result<Vec<Expected>> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.values.shape()).collect();
        let expected = self.0.reference(inputs).ok_or_else(|| self.has_no("reference"))?;
        let given = expected
            .iter()
            .flat_map(|output| [output.values.shape(), output.bound.shape()]);
        let said = self.0.output_shapes(&shapes)?;
        self.check_given(given, said.iter().flat_map(|shape| [shape, shape]))?;
        Ok(expected)
    }

    /// What it gives on the CPU, of the types that it says.
    #[cfg(feature = "cpu")]
    pub(crate) fn compute(&self, inputs: &[TensorView<'_>], types: &[TensorType]) -> Result<Vec<Tensor>> {
        let outputs = match self.0.compute(inputs) {
            Some(outputs) => outputs,
            None => self.rounded(inputs, types)?,
        };
        let given: Vec<TensorType> = outputs.iter().map(Tensor::tensor_type).collect();
        self.check_given(given.iter(), types.iter())?;
        Ok(outputs)
    }

    /// What the reference gives, in these types.
    #[cfg(feature = "cpu")]
    fn rounded(&self, inputs: &[TensorView<'_>], types: &[TensorType]) -> Result<Vec<Tensor>> {
        let inputs: Vec<Expected> = inputs.iter().map(|input| Expected::exact(input.to_f64())).collect();
        let expected = self.0.reference(&inputs);
        let expected = expected.ok_or_else(|| self.has_no("way to be computed on the CPU"))?;
        let outputs = expected.iter().zip(types);
        Ok(outputs
            .map(|(expected, output)| Tensor::of_f64(&expected.values, output.dtype))
            .collect())
    }

    fn check_given<A: fmt::Debug + PartialEq<B>, B: fmt::Debug>(
        &self,
        given: impl Iterator<Item = A>,
        said: impl Iterator<Item = B>,
    ) -> Result<()> {
        let (given, said): (Vec<A>, Vec<B>) = (given.collect(), said.collect());
        if given.len() == said.len() && given.iter().zip(&said).all(|(given, said)| given == said) {
            return Ok(());
        }
        Err(Error::invalid(
            self.0.name(),
            format!("it says that it gives {said:?}, but gave {given:?}"),
        ))
    }

    fn check_count(&self, what: &str, given: usize) -> Result<()> {
        let said = self.output_count();
        if given == said {
            return Ok(());
        }
        Err(Error::invalid(
            self.0.name(),
            format!("it has {said} outputs, but gave {given} {what}"),
        ))
    }

    fn has_no(&self, what: &str) -> Error {
        Error::unsupported(self.0.name(), format!("it has no {what}"))
    }
}

impl PartialEq for CustomOp {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Operator for CustomOp {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn arity(&self) -> (usize, usize) {
        let (least, most) = self.0.inputs().into_inner();
        (least.max(1), most)
    }

    fn output_count(&self) -> usize {
        self.0.outputs().max(1)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        let shapes = self.0.output_shapes(inputs)?;
        self.check_count("shapes", shapes.len())?;
        Ok(shapes)
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        let types = self.0.output_types(inputs)?;
        self.check_count("types", types.len())?;
        Ok(types)
    }
}

/// A kernel in WGSL, as a [`CustomOperator`] gives it.
///
/// The text has `fn run(workgroup: u32, lane: u32)`, which is called by `LANES` invocations of each workgroup, and whatever that needs:
/// functions, `var<workgroup>` arrays. What it is bound to stands before it and is not written by hand:
///
/// - for each input `load_NAME(i: u32)`, for each output `store_NAME(i: u32, x)`, of the element `i` in row-major order: `f32` for
///   floats, whatever [`Precision`](crate::Precision) they are stored in, and `i32` for whole numbers and bools;
/// - `params.NAME` for each parameter, and `params.elements`, the number of elements of the first output;
/// - `const NAME: u32` for each constant, and `LANES`. Each set of constants is compiled by itself, parameters are not.
///
/// There may be a few more workgroups than were asked for: more than 65,535 are laid out in two dimensions.
#[derive(Clone, Debug)]
pub struct CustomKernel {
    pub(crate) body: Arc<str>,
    pub(crate) inputs: Vec<&'static str>,
    pub(crate) outputs: Vec<&'static str>,
    pub(crate) parameters: Vec<(&'static str, KernelParameter)>,
    pub(crate) constants: Vec<(&'static str, u32)>,
    pub(crate) lanes: u32,
    pub(crate) workgroups: Option<usize>,
    pub(crate) rounds: Option<usize>,
}

/// A parameter of a [`CustomKernel`], of the type that WGSL has for it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "types by their names")]
pub enum KernelParameter {
    U32(u32),
    I32(i32),
    F32(f32),
}

impl From<u32> for KernelParameter {
    fn from(value: u32) -> Self {
        Self::U32(value)
    }
}

impl From<i32> for KernelParameter {
    fn from(value: i32) -> Self {
        Self::I32(value)
    }
}

impl From<f32> for KernelParameter {
    fn from(value: f32) -> Self {
        Self::F32(value)
    }
}

impl CustomKernel {
    /// A kernel of this text, with an invocation for each element of the first output, 64 in a workgroup.
    pub fn new(body: impl Into<Arc<str>>) -> Self {
        Self {
            body: body.into(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            parameters: Vec::new(),
            constants: Vec::new(),
            lanes: 64,
            workgroups: None,
            rounds: None,
        }
    }

    /// Names the next input.
    pub fn input(mut self, name: &'static str) -> Self {
        self.inputs.push(name);
        self
    }

    /// Names the next output.
    pub fn output(mut self, name: &'static str) -> Self {
        self.outputs.push(name);
        self
    }

    /// Adds a number that the kernel reads as it runs: `u32`, `i32` or `f32`.
    pub fn parameter(mut self, name: &'static str, value: impl Into<KernelParameter>) -> Self {
        self.parameters.push((name, value.into()));
        self
    }

    /// Adds a number that the kernel is compiled with, as the length of an array.
    pub fn constant(mut self, name: &'static str, value: u32) -> Self {
        self.constants.push((name, value));
        self
    }

    /// Sets the invocations of a workgroup: 64, if this is not called; 256 are the most that every device has.
    pub fn lanes(mut self, lanes: u32) -> Self {
        self.lanes = lanes;
        self
    }

    /// Sets how many workgroups run: as many as give each element of the first output an invocation, if this is not called.
    pub fn workgroups(mut self, workgroups: usize) -> Self {
        self.workgroups = Some(workgroups);
        self
    }

    /// Says how many rounds the loops of one invocation take at most, those of loops in loops included; to be said of every kernel that
    /// has loops. Some drivers end loops after 65,535 rounds, and what would come near is refused there.
    pub fn rounds(mut self, rounds: usize) -> Self {
        self.rounds = Some(rounds);
        self
    }

    /// Whether the text has loops: `for`, `while` or `loop` outside comments.
    pub(crate) fn has_loops(&self) -> bool {
        let code = self.body.lines().map(|line| line.split("//").next().unwrap_or_default());
        let mut words = code.flat_map(|line| line.split(|letter: char| !letter.is_alphanumeric() && letter != '_'));
        words.any(|word| matches!(word, "for" | "while" | "loop"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_seen_outside_comments() {
        for (body, has_loops) in [
            ("fn run(a: u32, b: u32) { for (var i = 0u; i < 3u; i += 1u) {} }", true),
            ("while(x) {}", true),
            ("loop{}", true),
            ("let before = 1; // for each", false),
            ("let loop_count = 1;", false),
        ] {
            assert_eq!(CustomKernel::new(body).has_loops(), has_loops, "{body}");
        }
    }
}
