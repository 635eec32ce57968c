//! Pooling by the p-norm.

use super::Window2d;
use super::operator::Operator;
use crate::error::{Result, ensure};
use crate::padding::Padding2d;
use crate::shape::Size2d;

const NAME: &str = "lp_pool2d";

/// `(sum |x|^p)^(1/p)` over windows of `[N, C, H, W]`. Equals ONNX `LpPool`; `F.lp_pool2d` takes no absolute value and so
/// is the same for an even `p` or elements that are not negative.
///
/// Powers neither overflow nor underflow: elements are taken relative to the largest of the window. NaN propagates.
///
/// ```
/// use convoke::ops::LpPool2d;
/// assert_eq!(LpPool2d::new(2, [2, 3]).output_shape(&[1, 8, 6, 7])?, [1, 8, 3, 2]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: a `p`, kernel, stride or dilation of 0; negative padding or more than half of the kernel; an empty output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LpPool2d {
    /// The exponent; ONNX's default is 2.
    pub p: u32,
    /// Extent of the window.
    pub kernel_size: Size2d,
    /// Step between windows; PyTorch's default is the kernel size, ONNX's is 1.
    pub stride: Size2d,
    /// Zeros added on each side.
    pub padding: Padding2d,
    /// Step between the taps of a window.
    pub dilation: Size2d,
    /// Whether a last window that overhangs the padded input counts.
    pub ceil_mode: bool,
}

impl LpPool2d {
    /// A window with a stride of its own size, no padding.
    pub fn new(p: u32, kernel_size: impl Into<Size2d>) -> Self {
        let kernel_size = kernel_size.into();
        Self {
            p,
            kernel_size,
            stride: kernel_size,
            padding: Padding2d::NONE,
            dilation: Size2d::square(1),
            ceil_mode: false,
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

    /// Checks the shape and gives the output's.
    pub fn output_shape(&self, input: &[usize]) -> Result<[usize; 4]> {
        Ok(self.window(input)?.output_shape())
    }

    pub(crate) fn window(&self, input: &[usize]) -> Result<Window2d> {
        ensure!(self.p > 0, NAME, "p must be at least 1, but got 0");
        let sizes = (self.kernel_size, self.stride, self.dilation);
        Window2d::new(NAME, input, sizes, self.padding, self.ceil_mode)
    }
}

impl Operator for LpPool2d {
    fn name(&self) -> &'static str {
        "lp_pool2d"
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?.to_vec()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_carry_the_numbers() {
        for (op, words) in [
            (LpPool2d::new(0, 2), "p must be at least 1"),
            (LpPool2d::new(2, [0, 2]), "kernel size must be at least 1, but got (0 x 2)"),
            (LpPool2d::new(2, 2).padding(2), "at most half of the kernel size"),
            (LpPool2d::new(2, 7), "the output would be empty"),
        ] {
            let message = op.output_shape(&[1, 1, 5, 6]).unwrap_err().to_string();
            assert!(message.starts_with("lp_pool2d: ") && message.contains(words), "{message}");
        }
    }
}
