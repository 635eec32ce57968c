//! The oracle: naive loops with `f64` sums that read like each operator's definition and share no arithmetic with the
//! code they check (shapes included). Slow on purpose.
//!
//! ```
//! use convoke::{ops::Conv2d, reference::{self, Answer}};
//! let image = ndarray::array![[[[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]]]].into_dyn();
//! let weight = ndarray::array![[[[1.0_f32, -1.0]]]].into_dyn();
//! let inputs = [Answer::exact(image.view()), Answer::exact(weight.view())];
//! let outputs = reference::run(&Conv2d::new().into(), &[&inputs[0], &inputs[1]])?;
//! assert_eq!(outputs[0].to_f32(), ndarray::array![[[[-1.0, -1.0], [-1.0, -1.0]]]].into_dyn());
//! # Ok::<(), convoke::Error>(())
//! ```

mod activation;
mod batch_norm;
mod binary;
mod concat;
mod conv2d;
mod conv_transpose2d;
mod erf;
mod expand;
mod fused;
mod half;
mod instance_norm;
mod interpolate;
mod linear;
mod local_response_norm;
mod lp_pool2d;
mod matmul;
mod number;
mod pad2d;
mod pool2d;
mod reduce;
mod reshape;
mod slice;
mod softmax;
#[cfg(test)]
mod tests;
mod transpose;
mod winograd;
mod winograd_large;

use ndarray::{Array, ArrayD, ArrayView, ArrayViewD, Dimension, NdIndex, Zip};

use crate::error::{Error, Result, ensure};
use crate::ops::Op;
use number::Number;

/// What an operator's output should be, and how far a correct `f32` implementation may be from it.
///
/// The bound is derived, never tuned: for a sum of `K` products it is `c * (K + 2) * eps * sum|x * w|`, which covers any
/// order of summation, with and without fused multiply-add. From 8,193 products on, and for sums of more than 192 elements, `K` is
/// what is added in a row at most: implementations are to add up long sums in parts. It also carries the bounds of the inputs forward, so that
/// chained calls bound a whole network. NaN and infinities are to be matched exactly; their bound is 0.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The values, computed in `f64`. Indices are whole numbers.
    pub values: ArrayD<f64>,
    /// The largest `|got - want|` a correct implementation may show, element by element; 0 means the same bits.
    pub bound: ArrayD<f64>,
}

impl Answer {
    /// Values that every implementation has exactly: the inputs of the first operator.
    #[expect(clippy::needless_pass_by_value, reason = "a view is a reference already")]
    pub fn exact(values: ArrayViewD<'_, f32>) -> Self {
        Self {
            values: values.mapv(f64::from),
            bound: ArrayD::zeros(values.shape()),
        }
    }

    /// The values rounded to `f32`.
    pub fn to_f32(&self) -> ArrayD<f32> {
        self.values.mapv(|value| value as f32)
    }

    /// The shape of the values.
    pub fn shape(&self) -> &[usize] {
        self.values.shape()
    }

    /// The numbers at a rank known to the operator.
    fn view<D: Dimension>(&self) -> Result<View<'_, D>> {
        let wrong_rank = |error: ndarray::ShapeError| Error::invalid("reference", format!("shape {:?}: {error}", self.shape()));
        Ok(View {
            values: self.values.view().into_dimensionality().map_err(wrong_rank)?,
            bound: self.bound.view().into_dimensionality().map_err(wrong_rank)?,
        })
    }

    /// The number at every place, in an array of any rank.
    fn numbers(&self) -> ArrayD<Number> {
        Zip::from(&self.values)
            .and(&self.bound)
            .map_collect(|&value, &bound| Number { value, bound })
    }
}

impl<D: Dimension> From<Array<Number, D>> for Answer {
    fn from(numbers: Array<Number, D>) -> Self {
        Self {
            values: numbers.map(|number| number.value).into_dyn(),
            bound: numbers.map(|number| number.bound).into_dyn(),
        }
    }
}

/// A borrowed [`Answer`] whose rank is known.
struct View<'a, D: Dimension> {
    values: ArrayView<'a, f64, D>,
    bound: ArrayView<'a, f64, D>,
}

impl<D: Dimension> View<'_, D> {
    fn at(&self, index: impl NdIndex<D> + Copy) -> Number {
        Number {
            value: self.values[index],
            bound: self.bound[index],
        }
    }

    fn dim(&self) -> D::Pattern {
        self.values.raw_dim().into_pattern()
    }
}

/// Which of Winograd's algorithms the bounds of convolutions with 3x3 kernels allow for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Winograd {
    /// F(2x2, 3x3).
    #[default]
    Small,
    /// F(4x4, 3x3) as well: see [`Gpu::with_large_tiles`](crate::Gpu::with_large_tiles).
    Large,
}

/// Runs any operator. The inputs stand in the operator's order (see [`Op`]); there is one answer for each output.
///
/// Bad arguments are refused as by [`Op::output_shapes`]. Indices of maxima are those of the exact values: where an
/// input has a bound, another implementation may rightly find another maximum.
pub fn run(op: &Op, inputs: &[&Answer]) -> Result<Vec<Answer>> {
    run_allowing(op, inputs, Winograd::Small)
}

/// As [`run`], with the bounds of an implementation that may compute convolutions by this algorithm.
pub fn run_allowing(op: &Op, inputs: &[&Answer], winograd: Winograd) -> Result<Vec<Answer>> {
    for input in inputs {
        ensure!(
            input.bound.shape() == input.shape(),
            "reference",
            "values of shape {:?} have bounds of shape {:?}",
            input.shape(),
            input.bound.shape()
        );
    }
    let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.shape()).collect();
    // Only for its refusals: the shapes that it gives are among the things to be checked.
    op.output_shapes(&shapes)?;
    let input = inputs[0];
    let bias = inputs.get(2).copied();
    match op {
        Op::Conv2d(op) => Ok(vec![conv2d::conv2d(op, input, inputs[1], bias, winograd)?]),
        Op::ConvTranspose2d(op) => Ok(vec![conv_transpose2d::conv_transpose2d(op, input, inputs[1], bias)?]),
        Op::Fused(op) => Ok(vec![fused::fused(op, inputs, winograd)?]),
        Op::Interpolate(op) => Ok(vec![interpolate::interpolate(op, input)?]),
        Op::Pad2d(op) => Ok(vec![pad2d::pad2d(op, input)?]),
        Op::MaxPool2d(op) => pool2d::max_pool2d(op, input),
        Op::AvgPool2d(op) => Ok(vec![pool2d::avg_pool2d(op, input)?]),
        Op::LpPool2d(op) => Ok(vec![lp_pool2d::lp_pool2d(op, input)?]),
        Op::AdaptiveAvgPool2d(op) => Ok(vec![pool2d::adaptive_avg_pool2d(op, input)?]),
        Op::AdaptiveMaxPool2d(op) => pool2d::adaptive_max_pool2d(op, input),
        Op::Activation(op) => Ok(vec![activation::activation(*op, input)]),
        Op::PRelu(_) => Ok(vec![activation::prelu(input, inputs[1])?]),
        Op::Softmax(op) => Ok(vec![softmax::softmax(*op, input)]),
        Op::Linear(_) => Ok(vec![linear::linear(input, inputs[1], bias)?]),
        Op::MatMul(_) => Ok(vec![matmul::matmul(input, inputs[1])?]),
        Op::BatchNorm(op) => Ok(vec![batch_norm::batch_norm(*op, input, &inputs[1..])?]),
        Op::InstanceNorm(op) => Ok(vec![instance_norm::instance_norm(*op, input, inputs[1], inputs[2])?]),
        Op::LocalResponseNorm(op) => Ok(vec![local_response_norm::local_response_norm(op, input)]),
        Op::Binary(op) => Ok(vec![binary::binary(*op, input, inputs[1])?]),
        Op::Reshape(op) => Ok(vec![reshape::reshape(op, input)?]),
        Op::Flatten(op) => Ok(vec![reshape::flatten(*op, input)?]),
        Op::Concat(op) => Ok(vec![concat::concat(*op, inputs)]),
        Op::Slice(op) => Ok(vec![slice::slice(op, input)]),
        Op::Transpose(op) => Ok(vec![transpose::transpose(op, input)]),
        Op::Expand(op) => Ok(vec![expand::expand(op, input)?]),
        Op::Reduce(op) => Ok(vec![reduce::reduce(op, input)?]),
    }
}
