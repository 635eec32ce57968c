//! Pooling by the p-norm.

use super::operator::Operator;
use super::window::{PoolWindow, Steps};
use crate::error::{Result, ensure};
use crate::padding::Padding;
use crate::shape::PerAxis;

const NAME: &str = "lp_pool2d";

/// `(sum |x|^p)^(1/p)` over windows of `[N, C, H, W]`, of signals `[N, C, L]` or volumes `[N, C, D, H, W]`. Equals ONNX
/// `LpPool`; `F.lp_pool2d` takes no absolute value and so is the same for an even `p` or elements that are not negative.
///
/// Powers neither overflow nor underflow: elements are taken relative to the largest of the window. NaN propagates.
///
/// ```
/// use convoke::ops::LpPool;
/// assert_eq!(LpPool::new(2, [2, 3]).output_shape(&[1, 8, 6, 7])?, [1, 8, 3, 2]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: a `p`, kernel, stride or dilation of 0; negative padding or more than half of the kernel; an empty output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LpPool {
    /// The exponent; ONNX's default is 2.
    pub p: u32,
    /// Extent of the window.
    pub kernel_size: PerAxis,
    /// Step between windows; PyTorch's default is the kernel size, ONNX's is 1.
    pub stride: PerAxis,
    /// Zeros added on each side.
    pub padding: Padding,
    /// Step between the taps of a window.
    pub dilation: PerAxis,
    /// Whether a last window that overhangs the padded input counts.
    pub ceil_mode: bool,
}

impl LpPool {
    /// A window with a stride of its own size, no padding.
    pub fn new(p: u32, kernel_size: impl Into<PerAxis>) -> Self {
        let kernel_size = kernel_size.into();
        Self {
            p,
            kernel_size,
            stride: kernel_size,
            padding: Padding::NONE,
            dilation: PerAxis::All(1),
            ceil_mode: false,
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

    /// Checks the shape and gives the output's.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(self.window(input)?.output_shape())
    }

    pub(crate) fn window(&self, input: &[usize]) -> Result<PoolWindow> {
        ensure!(self.p > 0, NAME, "p must be at least 1, but got 0");
        let steps = Steps {
            stride: self.stride,
            dilation: self.dilation,
            padding: self.padding,
        };
        PoolWindow::new(NAME, input, self.kernel_size, steps, self.ceil_mode)
    }
}

impl Operator for LpPool {
    fn name(&self) -> &'static str {
        "lp_pool2d"
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_carry_the_numbers() {
        for (op, words) in [
            (LpPool::new(0, 2), "p must be at least 1"),
            (LpPool::new(2, [0, 2]), "kernel size must be at least 1, but got (0 x 2)"),
            (LpPool::new(2, 2).padding(2), "at most half of the kernel size"),
            (LpPool::new(2, 7), "the output would be empty"),
        ] {
            let message = op.output_shape(&[1, 1, 5, 6]).unwrap_err().to_string();
            assert!(message.starts_with("lp_pool2d: ") && message.contains(words), "{message}");
        }
    }
}
