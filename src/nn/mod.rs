//! Layers and `Sequential`, with PyTorch's names, parameters and `state_dict` keys.
//!
//! Layers without weights are the operators of [`ops`](crate::ops) themselves; those with weights carry their shapes. A [`Sequential`] is a
//! layer, too, and so are [`Residual`] and [`Concat`], which go two ways and more from one input: what stands in a layer has
//! the layer's name before its own, as in PyTorch.
//!
//! ```
//! use convoke::{Backend, Session, nn, weights::Weights};
//! use ndarray::{ArrayD, IxDyn};
//!
//! let model = nn::Sequential::new()
//!     .add(nn::Conv2d::new(1, 4, 3).padding(1))
//!     .add(nn::RELU)
//!     .add(nn::MaxPool2d::new(2))
//!     .add(nn::Flatten::default())
//!     .add(nn::Linear::new(4 * 4 * 4, 10));
//! let mut weights = Weights::new();
//! for (name, shape) in model.parameters() {
//!     weights.insert(name, ArrayD::from_elem(IxDyn(&shape), 0.1));
//! }
//! let session = Session::new(model.graph(&weights)?, &Backend::auto())?;
//! let logits = session.run(&[ArrayD::from_elem(IxDyn(&[1, 1, 8, 8]), 1.0).view()])?;
//! assert_eq!(logits[0].shape(), [1, 10]);
//! # Ok::<(), convoke::Error>(())
//! ```
//!
//! A block of torchvision's ResNet-18, `BasicBlock`, with its names:
//!
//! ```
//! use convoke::nn;
//!
//! let body = nn::Sequential::new()
//!     .add_named("conv1", nn::Conv2d::new(64, 128, 3).stride(2).padding(1).bias(false))
//!     .add_named("bn1", nn::BatchNorm2d::new(128))
//!     .add_named("relu", nn::RELU)
//!     .add_named("conv2", nn::Conv2d::new(128, 128, 3).padding(1).bias(false))
//!     .add_named("bn2", nn::BatchNorm2d::new(128));
//! let downsample = nn::Sequential::new()
//!     .add(nn::Conv2d::new(64, 128, 1).stride(2).bias(false))
//!     .add(nn::BatchNorm2d::new(128));
//! let block = nn::Residual::new(body).shortcut("downsample", downsample).activation(nn::RELU);
//! let layer2 = nn::Sequential::new().add_named("layer2", nn::Sequential::new().add(block));
//! let (name, shape) = &layer2.parameters()[10];
//! assert_eq!((name.as_str(), shape.as_slice()), ("layer2.0.downsample.0.weight", &[128, 64, 1, 1][..]));
//! ```

mod blocks;
mod layer;
mod layers;
mod sequential;

pub use blocks::{Concat, Residual};
pub use layer::{Identity, Layer};
pub use layers::{
    BatchNorm2d, CircularPad2d, Conv2d, ConvTranspose2d, LayerNorm, Linear, PReLU, ReflectionPad2d, ReplicationPad2d, ZeroPad2d,
};
pub use sequential::Sequential;

pub use crate::ops::{AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, Flatten, MaxPool2d, Pad2d, Softmax, Unary};

/// `torch.nn.ReLU`.
pub const RELU: Unary = Unary::Relu;
