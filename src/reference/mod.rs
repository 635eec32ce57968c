//! The oracle: naive loops with `f64` sums that read like each operator's definition and share no arithmetic with the
//! code they check (shapes included). Slow on purpose.

use ndarray::ArrayD;

/// What an operator's output should be, and how far a correct `f32` implementation may be from it.
///
/// The bound is derived, never tuned: for a sum of `K` products it is `c * (K + 2) * eps * sum|x * w|`, which covers any
/// order of summation, with and without fused multiply-add. It also carries the bounds of the inputs forward, so that
/// chained calls bound a whole network.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The values, computed in `f64`. Indices are whole numbers.
    pub values: ArrayD<f64>,
    /// The largest `|got - want|` a correct implementation may show, element by element; 0 means the same bits.
    pub bound: ArrayD<f64>,
}
