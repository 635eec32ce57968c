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

mod answer;
mod arg_reduce;
mod attention;
mod batch_norm;
mod binary;
mod cast;
mod chance;
mod compare;
mod concat;
mod conv;
mod conv_integer;
mod conv_transpose;
mod cumulative;
mod custom;
mod elementwise;
mod engine;
mod erf;
mod expand;
mod fused;
mod gather;
mod gather_elements;
mod grid_sample;
mod half;
mod instance_norm;
mod interpolate;
mod layer_norm;
mod linear;
mod local_response_norm;
mod lp_pool;
mod matmul;
mod matmul_integer;
mod number;
mod pad;
mod pool;
mod prelu;
mod recurrent;
mod reduce;
mod resample;
mod reshape;
mod roi_align;
mod run;
mod scatter_elements;
mod scores;
mod slice;
mod softmax;
mod ternary;
#[cfg(test)]
mod tests;
mod top_k;
mod transpose;
mod unary;
mod volume;
mod winograd;
mod winograd_large;

pub use answer::Answer;
pub use chance::Chance;
pub use compare::{Mismatch, compare, compare_close, compare_exact};
pub(crate) use engine::{ReferenceEngine, answers, constants, node_answers};
pub use run::{run, run_allowing};
pub use scores::Scores;
pub(crate) use scores::part_of_bound;
