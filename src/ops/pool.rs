//! Pooling: maximum and average, over windows or adaptive.

use super::operator::{Operator, is_f32, of_one_type};
use super::window::{PoolWindow, Steps};
use crate::dtype::DType;
use crate::error::{Result, ensure};
use crate::padding::Padding;
use crate::shape::{self, PerAxis, by};

/// How the indices of maxima count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexOrder {
    /// Row by row in the `H * W` plane, or whatever spatial axes there are, as PyTorch counts.
    #[default]
    Plane,
    /// Row by row in the whole tensor, as ONNX counts with `storage_order` 0.
    Tensor,
    /// As `Tensor`, but column by column in each plane, the outermost spatial axis first: ONNX's `storage_order` 1.
    TensorByColumns,
}

impl IndexOrder {
    /// What a step along each axis of such a plane adds to an index, and what a plane does.
    pub(crate) fn steps(self, plane: &[usize]) -> (Vec<usize>, usize) {
        let elements = plane.iter().product();
        let inner = |axis: usize| plane[axis + 1..].iter().product();
        let outer = |axis: usize| plane[..axis].iter().product();
        let axes = 0..plane.len();
        match self {
            Self::Plane => (axes.map(inner).collect(), 0),
            Self::Tensor => (axes.map(inner).collect(), elements),
            Self::TensorByColumns => (axes.map(outer).collect(), elements),
        }
    }
}

/// Maximum over windows of `[N, C, H, W]`, of signals `[N, C, L]` or volumes `[N, C, D, H, W]`. Equals `torch.nn.MaxPool1d`,
/// `MaxPool2d` and `MaxPool3d`, and ONNX `MaxPool` but for how indices count.
///
/// NaN propagates; padding never wins. With indices, the second output holds for each maximum its place in the
/// `H * W` plane, or as [`IndexOrder`] says, as `u32`: the first of equals, the last of NaNs, as PyTorch has it.
///
/// ```
/// use convoke::ops::MaxPool;
/// let pool = MaxPool::new(3).stride(2).padding(1);
/// assert_eq!(pool.output_shape(&[1, 64, 112, 112])?, [1, 64, 56, 56]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: kernel, stride or dilation of 0; negative padding or more than half of the kernel; an empty output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct MaxPool {
    /// Extent of the window.
    pub kernel_size: PerAxis,
    /// Step between windows; PyTorch's default is the kernel size.
    pub stride: PerAxis,
    /// Elements added on each side, smaller than any number.
    pub padding: Padding,
    /// Step between the taps of a window.
    pub dilation: PerAxis,
    /// Whether a last window that overhangs the padded input counts.
    pub ceil_mode: bool,
    /// Whether the indices of the maxima are given too.
    pub return_indices: bool,
    /// How the indices count.
    pub index_order: IndexOrder,
}

impl MaxPool {
    const NAME: &'static str = "max_pool2d";

    /// A window with a stride of its own size, no padding.
    pub fn new(kernel_size: impl Into<PerAxis>) -> Self {
        let kernel_size = kernel_size.into();
        Self {
            kernel_size,
            stride: kernel_size,
            padding: Padding::NONE,
            dilation: PerAxis::All(1),
            ceil_mode: false,
            return_indices: false,
            index_order: IndexOrder::Plane,
        }
    }

    /// Sets the step between windows.
    pub fn stride(mut self, stride: impl Into<PerAxis>) -> Self {
        self.stride = stride.into();
        self
    }

    /// Sets the padding.
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Sets the step between the taps of a window.
    pub fn dilation(mut self, dilation: impl Into<PerAxis>) -> Self {
        self.dilation = dilation.into();
        self
    }

    /// Sets whether a last window that overhangs the padded input counts.
    pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.ceil_mode = ceil_mode;
        self
    }

    /// Sets whether the indices are a second output.
    pub fn return_indices(mut self, return_indices: bool) -> Self {
        self.return_indices = return_indices;
        self
    }

    /// Sets how the indices count.
    pub fn index_order(mut self, order: IndexOrder) -> Self {
        self.index_order = order;
        self
    }

    /// Checks the shape and gives the output's.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(self.window(input)?.output_shape())
    }

    pub(crate) fn window(&self, input: &[usize]) -> Result<PoolWindow> {
        let steps = Steps {
            stride: self.stride,
            dilation: self.dilation,
            padding: self.padding,
        };
        PoolWindow::new(Self::NAME, input, self.kernel_size, steps, self.ceil_mode)
    }
}

/// Average over windows of `[N, C, H, W]`, of signals `[N, C, L]` or volumes `[N, C, D, H, W]`. Equals `torch.nn.AvgPool1d`,
/// `AvgPool2d` and `AvgPool3d`; for ONNX's default set [`count_include_pad`](Self::count_include_pad) to false.
///
/// The divisor is the window clipped to the padded input where padding counts, else the number of elements inside
/// the input; `divisor_override` always wins.
///
/// ```
/// use convoke::ops::AvgPool;
/// assert_eq!(AvgPool::new([2, 3]).output_shape(&[1, 8, 6, 7])?, [1, 8, 3, 2]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: kernel or stride of 0; negative padding or more than half of the kernel; a divisor of 0; an empty output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AvgPool {
    /// Extent of the window.
    pub kernel_size: PerAxis,
    /// Step between windows; PyTorch's default is the kernel size.
    pub stride: PerAxis,
    /// Zeros added on each side.
    pub padding: Padding,
    /// Whether a last window that overhangs the padded input counts.
    pub ceil_mode: bool,
    /// Whether padding counts in the divisor; PyTorch's default is true.
    pub count_include_pad: bool,
    /// A divisor that replaces the number of elements.
    pub divisor_override: Option<isize>,
}

impl AvgPool {
    const NAME: &'static str = "avg_pool2d";

    /// A window with a stride of its own size, no padding.
    pub fn new(kernel_size: impl Into<PerAxis>) -> Self {
        let kernel_size = kernel_size.into();
        Self {
            kernel_size,
            stride: kernel_size,
            padding: Padding::NONE,
            ceil_mode: false,
            count_include_pad: true,
            divisor_override: None,
        }
    }

    /// Sets the step between windows.
    pub fn stride(mut self, stride: impl Into<PerAxis>) -> Self {
        self.stride = stride.into();
        self
    }

    /// Sets the padding.
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Sets whether a last window that overhangs the padded input counts.
    pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.ceil_mode = ceil_mode;
        self
    }

    /// Sets whether padding counts in the divisor.
    pub fn count_include_pad(mut self, count_include_pad: bool) -> Self {
        self.count_include_pad = count_include_pad;
        self
    }

    /// Sets a divisor that replaces the number of elements.
    pub fn divisor_override(mut self, divisor: impl Into<Option<isize>>) -> Self {
        self.divisor_override = divisor.into();
        self
    }

    /// Checks the shape and gives the output's.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(self.window(input)?.output_shape())
    }

    pub(crate) fn window(&self, input: &[usize]) -> Result<PoolWindow> {
        ensure!(self.divisor_override != Some(0), Self::NAME, "divisor_override must not be 0");
        let steps = Steps {
            stride: self.stride,
            dilation: PerAxis::All(1),
            padding: self.padding,
        };
        PoolWindow::new(Self::NAME, input, self.kernel_size, steps, self.ceil_mode)
    }
}

fn adaptive_shape(name: &'static str, input: &[usize], output: PerAxis) -> Result<Vec<usize>> {
    let (batch, channels, extents) = shape::spatial(name, input)?;
    let output = output.of_axes(name, "output size", extents.len())?;
    shape::at_least_one(name, "output size", &output)?;
    for (extent, out) in extents.iter().zip(&output) {
        ensure!(
            extent.checked_mul(*out).is_some_and(|product| u32::try_from(product).is_ok()),
            name,
            "output size {} is too large for an input of shape {input:?}",
            by(&output)
        );
    }
    let shape = [&[batch, channels], &output[..]].concat();
    shape::element_count(name, &shape)?;
    Ok(shape)
}

/// Average pooling to a given output size, along one to three axes. Equals `torch.nn.AdaptiveAvgPool2d` and its like; with size 1 it is global average
/// pooling, ONNX `GlobalAveragePool`.
///
/// ```
/// use convoke::ops::AdaptiveAvgPool;
/// assert_eq!(AdaptiveAvgPool::new([3, 4]).output_shape(&[1, 8, 10, 13])?, [1, 8, 3, 4]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: an output size of 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AdaptiveAvgPool {
    /// Extent of the output.
    pub output_size: PerAxis,
}

impl AdaptiveAvgPool {
    const NAME: &'static str = "adaptive_avg_pool2d";

    /// Pools to this size.
    pub fn new(output_size: impl Into<PerAxis>) -> Self {
        Self {
            output_size: output_size.into(),
        }
    }

    /// Global average pooling.
    pub fn global() -> Self {
        Self::new(1)
    }

    /// Checks the shape and gives the output's.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        adaptive_shape(Self::NAME, input, self.output_size)
    }
}

/// Maximum pooling to a given output size, along one to three axes. Equals `torch.nn.AdaptiveMaxPool2d` and its like; with size 1 it is global max pooling,
/// ONNX `GlobalMaxPool`. NaN and indices as in [`MaxPool`].
///
/// ```
/// use convoke::ops::AdaptiveMaxPool;
/// assert_eq!(AdaptiveMaxPool::new(6).output_shape(&[2, 8, 13, 11])?, [2, 8, 6, 6]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: an output size of 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AdaptiveMaxPool {
    /// Extent of the output.
    pub output_size: PerAxis,
    /// Whether the indices of the maxima are given too.
    pub return_indices: bool,
}

impl AdaptiveMaxPool {
    const NAME: &'static str = "adaptive_max_pool2d";

    /// Pools to this size.
    pub fn new(output_size: impl Into<PerAxis>) -> Self {
        Self {
            output_size: output_size.into(),
            return_indices: false,
        }
    }

    /// Global max pooling.
    pub fn global() -> Self {
        Self::new(1)
    }

    /// Sets whether the indices are a second output.
    pub fn return_indices(mut self, return_indices: bool) -> Self {
        self.return_indices = return_indices;
        self
    }

    /// Checks the shape and gives the output's.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        adaptive_shape(Self::NAME, input, self.output_size)
    }
}

/// The types of maxima and, where there are two outputs, their indices.
fn maxima_types(operator: &'static str, inputs: &[DType], outputs: usize) -> Result<Vec<DType>> {
    let dtype = of_one_type(operator, inputs, "f32", is_f32)?;
    Ok([dtype, DType::I64][..outputs].to_vec())
}

impl Operator for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn output_count(&self) -> usize {
        1 + usize::from(self.return_indices)
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        maxima_types(self.name(), inputs, self.output_count())
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?; self.output_count()])
    }
}

impl Operator for AvgPool {
    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }
}

impl Operator for AdaptiveAvgPool {
    fn name(&self) -> &'static str {
        "adaptive_avg_pool2d"
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }
}

impl Operator for AdaptiveMaxPool {
    fn name(&self) -> &'static str {
        "adaptive_max_pool2d"
    }

    fn output_count(&self) -> usize {
        1 + usize::from(self.return_indices)
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        maxima_types(self.name(), inputs, self.output_count())
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?; self.output_count()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_and_volumes_have_axes_of_their_own() {
        let pool = MaxPool::new((2, 3, 1)).padding([1, 0, 0]).ceil_mode(true);
        assert_eq!(pool.output_shape(&[1, 2, 5, 7, 4]).unwrap(), [1, 2, 3, 3, 4]);
        assert_eq!(AvgPool::new(3).stride(2).output_shape(&[1, 2, 9]).unwrap(), [1, 2, 4]);
        assert_eq!(
            AdaptiveAvgPool::new([2, 3, 1]).output_shape(&[1, 2, 5, 7, 4]).unwrap(),
            [1, 2, 2, 3, 1]
        );
        assert_eq!(AdaptiveMaxPool::global().output_shape(&[1, 2, 9]).unwrap(), [1, 2, 1]);
        let message = pool.output_shape(&[1, 2, 5, 7]).unwrap_err().to_string();
        assert!(
            message.contains("kernel size") && message.contains("2 spatial axes"),
            "{message}"
        );
    }

    #[test]
    fn indices_count_as_their_order_says() {
        assert_eq!(IndexOrder::Plane.steps(&[4, 5]), (vec![5, 1], 0));
        assert_eq!(IndexOrder::Tensor.steps(&[3, 4, 5]), (vec![20, 5, 1], 60));
        assert_eq!(IndexOrder::TensorByColumns.steps(&[3, 4, 5]), (vec![1, 3, 12], 60));
    }
}
