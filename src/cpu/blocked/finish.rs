//! What follows a convolution's sums while they are in the first-level cache.

use pulp::Simd;

use crate::cpu::epilogue::Epilogue;
use crate::cpu::unary;
use crate::ops::Unary;

#[derive(Clone, Copy, Default)]
pub(in crate::cpu) struct Finish<'a> {
    /// What is added, from the first of the sums on, in their layout.
    residual: Option<&'a [f32]>,
    clamp: Option<[f32; 2]>,
    /// Another function.
    function: Option<Unary>,
}

impl<'a> Finish<'a> {
    /// All of an epilogue but its bias.
    pub(super) fn new(epilogue: &Epilogue<'a>) -> Self {
        let (clamp, function) = match epilogue.activation {
            Some(Unary::Relu) => (Some([0.0, f32::INFINITY]), None),
            Some(Unary::Relu6) => (Some([0.0, 6.0]), None),
            Some(Unary::Clamp { min, max }) => (Some([min, max]), None),
            other => (None, other),
        };
        Self {
            residual: epilogue.residual,
            clamp,
            function,
        }
    }

    /// The same for sums that begin at this place of the output.
    pub(super) fn from(&self, place: usize) -> Self {
        Self {
            residual: self.residual.map(|residual| &residual[place..]),
            ..*self
        }
    }

    /// Finishes sums that were just stored, from this place on.
    #[inline(always)]
    pub(super) fn apply<S: Simd>(&self, simd: S, place: usize, sums: &mut [f32]) {
        let (vectors, _) = S::as_mut_simd_f32s(sums);
        if let Some(residual) = self.residual {
            let (residual, _) = S::as_simd_f32s(&residual[place..]);
            for (sum, &other) in vectors.iter_mut().zip(residual) {
                *sum = simd.add_f32s(*sum, other);
            }
        }
        if let Some([low, high]) = self.clamp {
            // NaN is neither less nor greater, and stays.
            let (low, high) = (simd.splat_f32s(low), simd.splat_f32s(high));
            for sum in vectors {
                let raised = simd.select_f32s(simd.less_than_f32s(*sum, low), low, *sum);
                *sum = simd.select_f32s(simd.greater_than_f32s(raised, high), high, raised);
            }
        }
        if let Some(function) = self.function {
            unary::apply(function, sums);
        }
    }
}
