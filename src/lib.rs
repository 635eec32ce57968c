//! Convolutional networks on any GPU that WebGPU reaches: WGSL kernels for convolution, all four padding modes and
//! pooling, with PyTorch's exact semantics, and a float64 reference that says what every answer should be.
//!
//! ```
//! use convoke::{Backend, PaddingMode, Session, nn, weights::Weights};
//! use ndarray::{Array4, ArrayD};
//!
//! let model = nn::Sequential::new()
//!     .add(nn::Conv2d::new(3, 8, 3).padding(1).padding_mode(PaddingMode::Circular))
//!     .add(nn::RELU)
//!     .add(nn::MaxPool2d::new(2));
//! let mut weights = Weights::new(); // or Weights::open("model.safetensors")?
//! weights.insert("0.weight", ArrayD::from_elem(vec![8, 3, 3, 3], 0.1));
//! weights.insert("0.bias", ArrayD::from_elem(vec![8], 0.5));
//! let session = Session::new(model.graph(&weights)?, &Backend::auto())?;
//! let features = session.run(&[Array4::<f32>::ones((1, 3, 32, 32)).into_dyn().view()])?;
//! assert_eq!(features[0].shape(), [1, 8, 16, 16]);
//! # Ok::<(), convoke::Error>(())
//! ```
//!
//! # Where to look
//!
//! - [`nn`]: layers and `Sequential`; [`weights`]: safetensors files; [`graph`]: any graph of operators, and [`Session`].
//! - `onnx` (feature `onnx`): models from ONNX files.
//! - [`ops`]: what each operator is: parameters, types, shapes, errors. [`Tensor`]: elements of any type.
//! - [`Precision`]: 16-bit floats for what a session stores.
//! - [`gpu`]: adapters, tensors in GPU memory, every operator as one call. [`Backend`] chooses where a model runs.
//! - `cpu` (feature `cpu`): every operator on the CPU, fast.
//! - [`mod@reference`]: the oracle, with the bound on how far a correct answer may be off; [`testing`]: comparing with it.
//!
//! # Features
//!
//! - `cpu` (default): the fast CPU backend; without it the CPU is the reference.
//! - `safetensors` (default): weights and golden files.
//! - `onnx`: models from ONNX files.
//! - `certificates`: certificates of verified runs as JSON ([`session::Certificate`]).
//! - `tuning-plans`: tuning plans from JSON files and to them: all that a program needs which ships one.
//! - `wrong-kernel`: for tests only. `CONVOKE_WRONG_KERNEL=KERNEL:FROM=>TO` replaces text in a kernel's final WGSL, with a
//!   warning, so that whatever must notice a wrong kernel can be seen to.
//!
//! # Environment
//!
//! All that the library reads (`src/environment.rs`):
//!
//! - `CONVOKE_ADAPTER`: `any`, `hardware`, `software`, `cpu` or part of an adapter's name, and `:1` after it for the second that fits.
//! - `CONVOKE_LIMITS`: `run-seconds=60,host-bytes=8G` and the like, for sessions whose builder says nothing ([`Limits`]).
//! - `CONVOKE_DEVICE_CLASS`: `software`, `integrated` or `discrete`: whose rules choose kernels, whatever the adapter is.
//! - `CONVOKE_REQUIRE_GPU`: `1` makes a missing adapter a failure of tests ([`testing`]).
//! - `CONVOKE_DUMP_WGSL`: a directory that the final WGSL of every compiled kernel is written to.
//! - `CONVOKE_DUMP_BROWSER_WGSL`: a directory that the same kernels are written to as a browser would get them.
//! - `CONVOKE_WRONG_KERNEL`, `CONVOKE_LOOPS`: for tests, with the feature `wrong-kernel` alone.
//!
//! # Beside the library
//!
//! `convoke-cli` is the command, `convoke-bench` measures models and operators, backend beside backend, and `convoke-tune` measures
//! which kernels are fastest: the plans that it makes are [`gpu::TuningPlan`].

mod buffers;
mod cancel;
mod clock;
mod compiled;
mod content;
#[cfg(feature = "cpu")]
pub mod cpu;
#[cfg(not(target_family = "wasm"))]
mod digest;
mod dtype;
#[cfg(not(target_family = "wasm"))]
mod elsewhere;
mod engine;
mod environment;
pub mod error;
pub mod gpu;
pub mod graph;
#[cfg(any(feature = "tuning-plans", feature = "certificates"))]
mod json_file;
mod limits;
mod lock;
pub mod nn;
#[cfg(feature = "onnx")]
pub mod onnx;
pub mod ops;
mod padding;
mod precision;
pub mod profiling;
pub mod reference;
mod room;
pub mod session;
mod shape;
mod tensor;
pub mod testing;
mod turn;
pub mod weights;
mod whole_file;

pub use cancel::CancelToken;
pub use dtype::{DType, TensorType};
pub use error::{Error, Result};
pub use gpu::Gpu;
pub use limits::Limits;
pub use padding::{Padding, Padding2d, PaddingMode, Sides};
pub use precision::Precision;
pub use session::{Backend, Fallback, Session};
pub use shape::PerAxis;
pub use tensor::{Element, SharedArray, Tensor, TensorView};
pub use wgpu;

/// The README's examples, run as doc tests.
#[cfg(all(doctest, feature = "safetensors", feature = "onnx"))]
#[doc = include_str!("../README.md")]
struct Readme;
