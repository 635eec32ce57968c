//! Layers with weights, and PyTorch's padding layers.

use super::Layer;
use crate::ops;
use crate::padding::{Padding, PaddingMode};
use crate::shape::PerAxis;

/// `torch.nn.Conv2d`: a convolution with its weight `[out_channels, in_channels / groups, KH, KW]` and bias.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv2d {
    in_channels: usize,
    out_channels: usize,
    kernel_size: PerAxis,
    bias: bool,
    op: ops::Conv,
}

impl Conv2d {
    /// Stride 1, no padding, with a bias. A kernel of three numbers is that of `torch.nn.Conv3d`, and of one, in a list, that of
    /// `Conv1d`.
    pub fn new(in_channels: usize, out_channels: usize, kernel_size: impl Into<PerAxis>) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel_size: kernel_size.into(),
            bias: true,
            op: ops::Conv::new(),
        }
    }

    /// Sets the step between windows.
    pub fn stride(mut self, stride: impl Into<PerAxis>) -> Self {
        self.op = self.op.stride(stride);
        self
    }

    /// Sets the padding; see [`ops::Conv::padding`].
    pub fn padding(mut self, padding: impl Into<ops::ConvPadding>) -> Self {
        self.op = self.op.padding(padding);
        self
    }

    /// Sets what the padding reads.
    pub fn padding_mode(mut self, mode: PaddingMode) -> Self {
        self.op = self.op.padding_mode(mode);
        self
    }

    /// Sets the step between the taps of a window.
    pub fn dilation(mut self, dilation: impl Into<PerAxis>) -> Self {
        self.op = self.op.dilation(dilation);
        self
    }

    /// Sets the number of groups.
    pub fn groups(mut self, groups: usize) -> Self {
        self.op = self.op.groups(groups);
        self
    }

    /// Sets whether there is a bias.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }
}

/// `torch.nn.ConvTranspose2d`: a transposed convolution with its weight `[in_channels, out_channels / groups, KH, KW]` and
/// bias.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvTranspose2d {
    in_channels: usize,
    out_channels: usize,
    kernel_size: PerAxis,
    bias: bool,
    op: ops::ConvTranspose,
}

impl ConvTranspose2d {
    /// Stride 1, no padding, with a bias.
    pub fn new(in_channels: usize, out_channels: usize, kernel_size: impl Into<PerAxis>) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel_size: kernel_size.into(),
            bias: true,
            op: ops::ConvTranspose::new(),
        }
    }

    /// Sets the step between windows.
    pub fn stride(mut self, stride: impl Into<PerAxis>) -> Self {
        self.op = self.op.stride(stride);
        self
    }

    /// Sets what is taken off each side of the output.
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.op = self.op.padding(padding);
        self
    }

    /// Sets what is added to the output at the bottom and the right.
    pub fn output_padding(mut self, output_padding: impl Into<PerAxis>) -> Self {
        self.op = self.op.output_padding(output_padding);
        self
    }

    /// Sets the step between the taps of a window.
    pub fn dilation(mut self, dilation: impl Into<PerAxis>) -> Self {
        self.op = self.op.dilation(dilation);
        self
    }

    /// Sets the number of groups.
    pub fn groups(mut self, groups: usize) -> Self {
        self.op = self.op.groups(groups);
        self
    }

    /// Sets whether there is a bias.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }
}

/// `torch.nn.Linear`: the fully connected layer with its weight `[out_features, in_features]` and bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    in_features: usize,
    out_features: usize,
    bias: bool,
}

impl Linear {
    /// With a bias.
    pub fn new(in_features: usize, out_features: usize) -> Self {
        Self {
            in_features,
            out_features,
            bias: true,
        }
    }

    /// Sets whether there is a bias.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }
}

/// `torch.nn.BatchNorm2d` in evaluation mode, with its statistics, weight and bias, each `[features]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm2d {
    features: usize,
    op: ops::BatchNorm,
}

impl BatchNorm2d {
    /// With PyTorch's default `eps`.
    pub fn new(features: usize) -> Self {
        Self {
            features,
            op: ops::BatchNorm::new(),
        }
    }

    /// Sets the number added to the variance.
    pub fn eps(mut self, eps: f32) -> Self {
        self.op = self.op.eps(eps);
        self
    }
}

/// `torch.nn.LayerNorm`: normalisation along the last axes, with a weight and bias of their extents.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm {
    normalized_shape: Vec<usize>,
    bias: bool,
    op: ops::LayerNorm,
}

impl LayerNorm {
    /// Of axes with these extents, with a bias and PyTorch's default `eps`.
    pub fn new(normalized_shape: impl Into<Vec<usize>>) -> Self {
        let normalized_shape = normalized_shape.into();
        Self {
            op: ops::LayerNorm::new(-(normalized_shape.len() as isize)),
            normalized_shape,
            bias: true,
        }
    }

    /// Sets whether there is a bias.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets the number added to the variance.
    pub fn eps(mut self, eps: f32) -> Self {
        self.op = self.op.eps(eps);
        self
    }
}

/// `torch.nn.PReLU`: one slope for all channels, or one a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PReLU {
    slopes: usize,
}

impl PReLU {
    /// With so many slopes.
    pub fn new(slopes: usize) -> Self {
        Self { slopes }
    }
}

/// Declares PyTorch's padding layers, which are [`Pad`](ops::Pad) with a mode.
macro_rules! pad_layers {
    ($($(#[$doc:meta])* $layer:ident => $mode:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $layer(Padding);

        impl $layer {
            /// Pads by these amounts.
            pub fn new(padding: impl Into<Padding>) -> Self {
                Self(padding.into())
            }
        }

        impl From<$layer> for Layer {
            fn from(layer: $layer) -> Self {
                ops::Pad::new(layer.0).mode(PaddingMode::$mode).into()
            }
        }
    )+};
}
pad_layers! {
    /// `torch.nn.ZeroPad2d`.
    ZeroPad2d => Zeros;
    /// `torch.nn.ReflectionPad2d`.
    ReflectionPad2d => Reflect;
    /// `torch.nn.ReplicationPad2d`.
    ReplicationPad2d => Replicate;
    /// `torch.nn.CircularPad2d`.
    CircularPad2d => Circular;
}

/// A kernel's extents: one number is that of a square.
fn kernel(size: PerAxis) -> Vec<usize> {
    match size {
        PerAxis::All(extent) => vec![extent; 2],
        each => each.iter().collect(),
    }
}

impl From<Conv2d> for Layer {
    fn from(layer: Conv2d) -> Self {
        // Groups of 0 or that do not divide the channels are refused when shapes are inferred.
        let in_channels = layer.in_channels / layer.op.groups.max(1);
        let weight = [&[layer.out_channels, in_channels], &kernel(layer.kernel_size)[..]].concat();
        let mut parameters = vec![("weight", weight)];
        if layer.bias {
            parameters.push(("bias", vec![layer.out_channels]));
        }
        Self::with_weights(layer.op, parameters)
    }
}

impl From<ConvTranspose2d> for Layer {
    fn from(layer: ConvTranspose2d) -> Self {
        let out_channels = layer.out_channels / layer.op.groups.max(1);
        let weight = [&[layer.in_channels, out_channels], &kernel(layer.kernel_size)[..]].concat();
        let mut parameters = vec![("weight", weight)];
        if layer.bias {
            parameters.push(("bias", vec![layer.out_channels]));
        }
        Self::with_weights(layer.op, parameters)
    }
}

impl From<Linear> for Layer {
    fn from(layer: Linear) -> Self {
        let mut parameters = vec![("weight", vec![layer.out_features, layer.in_features])];
        if layer.bias {
            parameters.push(("bias", vec![layer.out_features]));
        }
        Self::with_weights(ops::Linear, parameters)
    }
}

impl From<BatchNorm2d> for Layer {
    fn from(layer: BatchNorm2d) -> Self {
        let names = ["running_mean", "running_var", "weight", "bias"];
        Self::with_weights(layer.op, names.map(|name| (name, vec![layer.features])).to_vec())
    }
}

impl From<LayerNorm> for Layer {
    fn from(layer: LayerNorm) -> Self {
        let mut parameters = vec![("weight", layer.normalized_shape.clone())];
        if layer.bias {
            parameters.push(("bias", layer.normalized_shape));
        }
        Self::with_weights(layer.op, parameters)
    }
}

impl From<PReLU> for Layer {
    fn from(layer: PReLU) -> Self {
        Self::with_weights(ops::PRelu, vec![("weight", vec![layer.slopes])])
    }
}
