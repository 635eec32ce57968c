//! The fast CPU backend: every operator in `f32` on all cores, vectors found at run time, `unsafe` in three calls.
//!
//! Convolution works on blocks of 16 channels that lie together: vectors of packed weights meet the elements of the input where
//! they lie, and bias, residual sum and activation follow while the tile is in cache. Where a group has few channels the
//! definition itself is computed, on rows that were copied with their padding. Answers are within the bounds of
//! [`mod@crate::reference`], NaN and infinities included, and have the same bits with AVX-512, AVX2 or NEON and any number of
//! threads. In WebAssembly there is one thread, and vectors round a product before it is added. The environment's
//! `CONVOKE_CPU_VECTORS=avx2` or `baseline` holds a process to narrower vectors than the machine has, [`CpuBuilder::vectors`] a device;
//! `CONVOKE_CPU_WINOGRAD` and [`CpuBuilder::winograd`] say whether 3x3 convolutions are computed by Winograd's algorithm.
//!
//! ```
//! use convoke::{cpu, ops::MaxPool2d};
//! use ndarray::Array4;
//! let image = Array4::from_shape_fn((1, 1, 2, 4), |(_, _, y, x)| (4 * y + x) as f32).into_dyn();
//! let outputs = cpu::run(&MaxPool2d::new(2).into(), &[image.view()])?;
//! assert_eq!(outputs[0].array::<f32>()?, ndarray::array![[[[5.0, 7.0]]]].into_dyn());
//! # Ok::<(), convoke::Error>(())
//! ```

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a dispatch is compiled for the baseline's vectors"
)]

mod ahead;
mod arg_reduce;
mod attention;
#[cfg(not(target_family = "wasm"))]
mod awake;
mod base;
mod batch_norm;
mod binary;
mod blocked;
mod broadcast;
mod bytes;
mod cast;
mod ceilings;
mod chain;
mod chains;
mod columns;
mod concat;
mod constants;
mod conv;
mod conv_integer;
mod conv_transpose;
mod cumulative;
mod custom;
mod device;
mod direct;
mod elementwise;
mod engine;
mod epilogue;
mod execute;
mod expand;
mod fused;
mod gather;
mod gather_elements;
mod gemm;
mod grid_sample;
mod instance_norm;
mod interpolate;
mod layer_norm;
mod layouts;
mod linear;
mod lines;
mod local_response_norm;
mod lp_pool;
mod math;
mod matmul;
mod matmul_integer;
mod memory;
mod operand;
mod pad;
mod parallel;
mod plane;
mod pool;
mod pool_window;
mod prelu;
mod product;
mod recurrent;
mod reduce;
mod resample;
mod roi_align;
mod run;
mod scatter_elements;
mod slice;
mod softmax;
mod strided;
mod sums;
mod ternary;
mod top_k;
mod transpose;
mod unary;
mod vectors;
mod view;
mod whole;
mod whole_sums;

pub use device::{Cpu, CpuBuilder};
pub(crate) use engine::CpuEngine;
pub use run::run;
pub use vectors::Vectors;
