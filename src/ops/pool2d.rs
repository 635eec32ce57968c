//! Pooling: maximum and average, over windows or adaptive.

use super::operator::{Operator, is_f32, of_one_type};
use crate::dtype::DType;
use crate::error::{Result, ensure};
use crate::padding::Padding2d;
use crate::shape::{self, Size2d};

/// A checked pooling window with the extents it runs over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window2d {
    pub(crate) batch: usize,
    pub(crate) channels: usize,
    pub(crate) input: Size2d,
    pub(crate) kernel: Size2d,
    pub(crate) stride: Size2d,
    pub(crate) dilation: Size2d,
    pub(crate) padding: Padding2d,
    pub(crate) output: Size2d,
}

impl Window2d {
    pub(super) fn new(
        name: &'static str,
        input: &[usize],
        (kernel, stride, dilation): (Size2d, Size2d, Size2d),
        padding: Padding2d,
        ceil_mode: bool,
    ) -> Result<Self> {
        shape::at_least_one(name, "kernel size", kernel)?;
        shape::at_least_one(name, "stride", stride)?;
        shape::at_least_one(name, "dilation", dilation)?;
        padding.check_not_negative(name)?;
        let [batch, channels, height, width] = shape::nchw(name, input)?;
        let size = Size2d { height, width };
        let dilated = |kernel: usize, dilation: usize| dilation.checked_mul(kernel - 1).and_then(|reach| reach.checked_add(1));
        let (Some(dilated_height), Some(dilated_width)) =
            (dilated(kernel.height, dilation.height), dilated(kernel.width, dilation.width))
        else {
            return Err(crate::Error::invalid(
                name,
                format!("kernel size {kernel} with dilation {dilation} is too large"),
            ));
        };
        let largest = |a: isize, b: isize| a.max(b) as usize;
        ensure!(
            largest(padding.top, padding.bottom) <= dilated_height / 2 && largest(padding.left, padding.right) <= dilated_width / 2,
            name,
            "padding must be at most half of the kernel size, but got padding {padding}, kernel size {kernel} and dilation {dilation}"
        );
        let padded = padding.padded(name, size)?;
        let extent = |size: usize, padded: usize, before: isize, dilated: usize, stride: usize| {
            let out = match padded.checked_sub(dilated) {
                Some(span) if ceil_mode => span.div_ceil(stride) + 1,
                Some(span) => return Some(span / stride + 1),
                // In ceil mode even the first window may overhang, by less than the stride.
                None if ceil_mode && dilated - padded < stride => 1,
                None => return None,
            };
            // The last window must start inside the input or its padding before it.
            Some(if (out - 1) * stride >= size + before as usize {
                out - 1
            } else {
                out
            })
        };
        let (Some(out_height), Some(out_width)) = (
            extent(height, padded.height, padding.top, dilated_height, stride.height),
            extent(width, padded.width, padding.left, dilated_width, stride.width),
        ) else {
            return Err(crate::Error::invalid(
                name,
                format!(
                    "the output would be empty: the padded input is {padded}, the kernel with dilation ({dilated_height} x {dilated_width}) (input {input:?})"
                ),
            ));
        };
        let output = Size2d {
            height: out_height,
            width: out_width,
        };
        Ok(Self {
            batch,
            channels,
            input: size,
            kernel,
            stride,
            dilation,
            padding,
            output,
        })
    }

    pub(crate) fn output_shape(&self) -> [usize; 4] {
        [self.batch, self.channels, self.output.height, self.output.width]
    }
}

/// How the indices of maxima count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexOrder {
    /// Row by row in the `H * W` plane, as PyTorch counts.
    #[default]
    Plane,
    /// Row by row in the whole tensor, as ONNX counts with `storage_order` 0.
    Tensor,
    /// As `Tensor`, but column by column in each plane: ONNX's `storage_order` 1.
    TensorByColumns,
}

impl IndexOrder {
    /// What one row, one column and one plane of this extent add to an index.
    pub(crate) fn steps(self, plane: Size2d) -> [usize; 3] {
        match self {
            Self::Plane => [plane.width, 1, 0],
            Self::Tensor => [plane.width, 1, plane.height * plane.width],
            Self::TensorByColumns => [1, plane.height, plane.height * plane.width],
        }
    }
}

/// Maximum over windows of `[N, C, H, W]`. Equals `torch.nn.MaxPool2d`, and ONNX `MaxPool` but for how indices count.
///
/// NaN propagates; padding never wins. With indices, the second output holds for each maximum its place in the
/// `H * W` plane, or as [`IndexOrder`] says, as `u32`: the first of equals, the last of NaNs, as PyTorch has it.
///
/// ```
/// use convoke::ops::MaxPool2d;
/// let pool = MaxPool2d::new(3).stride(2).padding(1);
/// assert_eq!(pool.output_shape(&[1, 64, 112, 112])?, [1, 64, 56, 56]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: kernel, stride or dilation of 0; negative padding or more than half of the kernel; an empty output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct MaxPool2d {
    /// Extent of the window.
    pub kernel_size: Size2d,
    /// Step between windows; PyTorch's default is the kernel size.
    pub stride: Size2d,
    /// Elements added on each side, smaller than any number.
    pub padding: Padding2d,
    /// Step between the taps of a window.
    pub dilation: Size2d,
    /// Whether a last window that overhangs the padded input counts.
    pub ceil_mode: bool,
    /// Whether the indices of the maxima are given too.
    pub return_indices: bool,
    /// How the indices count.
    pub index_order: IndexOrder,
}

impl MaxPool2d {
    const NAME: &'static str = "max_pool2d";

    /// A window with a stride of its own size, no padding.
    pub fn new(kernel_size: impl Into<Size2d>) -> Self {
        let kernel_size = kernel_size.into();
        Self {
            kernel_size,
            stride: kernel_size,
            padding: Padding2d::NONE,
            dilation: Size2d::square(1),
            ceil_mode: false,
            return_indices: false,
            index_order: IndexOrder::Plane,
        }
    }

    /// Sets the step between windows.
    pub fn stride(mut self, stride: impl Into<Size2d>) -> Self {
        self.stride = stride.into();
        self
    }

    /// Sets the padding.
    pub fn padding(mut self, padding: impl Into<Padding2d>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Sets the step between the taps of a window.
    pub fn dilation(mut self, dilation: impl Into<Size2d>) -> Self {
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
    pub fn output_shape(&self, input: &[usize]) -> Result<[usize; 4]> {
        Ok(self.window(input)?.output_shape())
    }

    pub(crate) fn window(&self, input: &[usize]) -> Result<Window2d> {
        Window2d::new(
            Self::NAME,
            input,
            (self.kernel_size, self.stride, self.dilation),
            self.padding,
            self.ceil_mode,
        )
    }
}

/// Average over windows of `[N, C, H, W]`. Equals `torch.nn.AvgPool2d`; for ONNX's default set
/// [`count_include_pad`](Self::count_include_pad) to false.
///
/// The divisor is the window clipped to the padded input where padding counts, else the number of elements inside
/// the input; `divisor_override` always wins.
///
/// ```
/// use convoke::ops::AvgPool2d;
/// assert_eq!(AvgPool2d::new([2, 3]).output_shape(&[1, 8, 6, 7])?, [1, 8, 3, 2]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: kernel or stride of 0; negative padding or more than half of the kernel; a divisor of 0; an empty output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AvgPool2d {
    /// Extent of the window.
    pub kernel_size: Size2d,
    /// Step between windows; PyTorch's default is the kernel size.
    pub stride: Size2d,
    /// Zeros added on each side.
    pub padding: Padding2d,
    /// Whether a last window that overhangs the padded input counts.
    pub ceil_mode: bool,
    /// Whether padding counts in the divisor; PyTorch's default is true.
    pub count_include_pad: bool,
    /// A divisor that replaces the number of elements.
    pub divisor_override: Option<isize>,
}

impl AvgPool2d {
    const NAME: &'static str = "avg_pool2d";

    /// A window with a stride of its own size, no padding.
    pub fn new(kernel_size: impl Into<Size2d>) -> Self {
        let kernel_size = kernel_size.into();
        Self {
            kernel_size,
            stride: kernel_size,
            padding: Padding2d::NONE,
            ceil_mode: false,
            count_include_pad: true,
            divisor_override: None,
        }
    }

    /// Sets the step between windows.
    pub fn stride(mut self, stride: impl Into<Size2d>) -> Self {
        self.stride = stride.into();
        self
    }

    /// Sets the padding.
    pub fn padding(mut self, padding: impl Into<Padding2d>) -> Self {
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
    pub fn output_shape(&self, input: &[usize]) -> Result<[usize; 4]> {
        Ok(self.window(input)?.output_shape())
    }

    pub(crate) fn window(&self, input: &[usize]) -> Result<Window2d> {
        ensure!(self.divisor_override != Some(0), Self::NAME, "divisor_override must not be 0");
        let sizes = (self.kernel_size, self.stride, Size2d::square(1));
        Window2d::new(Self::NAME, input, sizes, self.padding, self.ceil_mode)
    }
}

fn adaptive_shape(name: &'static str, input: &[usize], output: Size2d) -> Result<[usize; 4]> {
    let [n, c, height, width] = shape::nchw(name, input)?;
    shape::at_least_one(name, "output size", output)?;
    for (extent, out) in [(height, output.height), (width, output.width)] {
        ensure!(
            extent.checked_mul(out).is_some_and(|product| u32::try_from(product).is_ok()),
            name,
            "output size {output} is too large for an input of shape {input:?}"
        );
    }
    let shape = [n, c, output.height, output.width];
    shape::element_count(name, &shape)?;
    Ok(shape)
}

/// Average pooling to a given output size. Equals `torch.nn.AdaptiveAvgPool2d`; with size 1 it is global average
/// pooling, ONNX `GlobalAveragePool`.
///
/// ```
/// use convoke::ops::AdaptiveAvgPool2d;
/// assert_eq!(AdaptiveAvgPool2d::new([3, 4]).output_shape(&[1, 8, 10, 13])?, [1, 8, 3, 4]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: an output size of 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AdaptiveAvgPool2d {
    /// Extent of the output.
    pub output_size: Size2d,
}

impl AdaptiveAvgPool2d {
    const NAME: &'static str = "adaptive_avg_pool2d";

    /// Pools to this size.
    pub fn new(output_size: impl Into<Size2d>) -> Self {
        Self {
            output_size: output_size.into(),
        }
    }

    /// Global average pooling.
    pub fn global() -> Self {
        Self::new(1)
    }

    /// Checks the shape and gives the output's.
    pub fn output_shape(&self, input: &[usize]) -> Result<[usize; 4]> {
        adaptive_shape(Self::NAME, input, self.output_size)
    }
}

/// Maximum pooling to a given output size. Equals `torch.nn.AdaptiveMaxPool2d`; with size 1 it is global max pooling,
/// ONNX `GlobalMaxPool`. NaN and indices as in [`MaxPool2d`].
///
/// ```
/// use convoke::ops::AdaptiveMaxPool2d;
/// assert_eq!(AdaptiveMaxPool2d::new(6).output_shape(&[2, 8, 13, 11])?, [2, 8, 6, 6]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: an output size of 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AdaptiveMaxPool2d {
    /// Extent of the output.
    pub output_size: Size2d,
    /// Whether the indices of the maxima are given too.
    pub return_indices: bool,
}

impl AdaptiveMaxPool2d {
    const NAME: &'static str = "adaptive_max_pool2d";

    /// Pools to this size.
    pub fn new(output_size: impl Into<Size2d>) -> Self {
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
    pub fn output_shape(&self, input: &[usize]) -> Result<[usize; 4]> {
        adaptive_shape(Self::NAME, input, self.output_size)
    }
}

/// The types of maxima and, where there are two outputs, their indices.
fn maxima_types(operator: &'static str, inputs: &[DType], outputs: usize) -> Result<Vec<DType>> {
    let dtype = of_one_type(operator, inputs, "f32", is_f32)?;
    Ok([dtype, DType::I64][..outputs].to_vec())
}

impl Operator for MaxPool2d {
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
        Ok(vec![self.output_shape(inputs[0])?.to_vec(); self.output_count()])
    }
}

impl Operator for AvgPool2d {
    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?.to_vec()])
    }
}

impl Operator for AdaptiveAvgPool2d {
    fn name(&self) -> &'static str {
        "adaptive_avg_pool2d"
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?.to_vec()])
    }
}

impl Operator for AdaptiveMaxPool2d {
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
        Ok(vec![self.output_shape(inputs[0])?.to_vec(); self.output_count()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_ceil_mode_the_last_window_starts_inside() {
        // 5 + 2 * 1 with kernel 2 and stride 3: a third window would start at 6, past the input and its padding.
        let pool = |ceil: bool| {
            MaxPool2d::new(2)
                .stride(3)
                .padding(1)
                .ceil_mode(ceil)
                .output_shape(&[1, 1, 5, 6])
                .unwrap()
        };
        assert_eq!(pool(false), [1, 1, 2, 3]);
        assert_eq!(pool(true), [1, 1, 2, 3]);
        assert_eq!(
            MaxPool2d::new(3)
                .stride(2)
                .padding(1)
                .ceil_mode(true)
                .output_shape(&[1, 1, 4, 4])
                .unwrap(),
            [1, 1, 3, 3]
        );
    }

    #[test]
    fn in_ceil_mode_the_first_window_may_overhang() {
        let pool = |stride: usize| MaxPool2d::new(6).stride(stride).ceil_mode(true).output_shape(&[1, 1, 4, 9]);
        assert_eq!(pool(3).unwrap(), [1, 1, 1, 2]);
        assert!(pool(2).is_err());
    }
}
