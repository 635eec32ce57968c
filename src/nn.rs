//! Layers and `Sequential`, with PyTorch's names, parameters and `state_dict` keys.
//!
//! Layers without weights are the operators of [`ops`] themselves; those with weights carry their shapes.
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

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::ops::{self, Op};
use crate::padding::{Padding2d, PaddingMode};
use crate::shape::Size2d;
use crate::weights::Weights;

pub use crate::ops::{Activation, AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, Flatten, MaxPool2d, Pad2d, Softmax};

/// `torch.nn.ReLU`.
pub const RELU: Activation = Activation::Relu;

/// `torch.nn.Conv2d`: a convolution with its weight `[out_channels, in_channels / groups, KH, KW]` and bias.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv2d {
    in_channels: usize,
    out_channels: usize,
    kernel_size: Size2d,
    bias: bool,
    op: ops::Conv2d,
}

impl Conv2d {
    /// Stride 1, no padding, with a bias.
    pub fn new(in_channels: usize, out_channels: usize, kernel_size: impl Into<Size2d>) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel_size: kernel_size.into(),
            bias: true,
            op: ops::Conv2d::new(),
        }
    }

    /// Sets the step between windows.
    pub fn stride(mut self, stride: impl Into<Size2d>) -> Self {
        self.op = self.op.stride(stride);
        self
    }

    /// Sets the padding; see [`ops::Conv2d::padding`].
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
    pub fn dilation(mut self, dilation: impl Into<Size2d>) -> Self {
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

/// Declares PyTorch's padding layers, which are [`Pad2d`] with a mode.
macro_rules! pad_layers {
    ($($(#[$doc:meta])* $layer:ident => $mode:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $layer(Padding2d);

        impl $layer {
            /// Pads by these amounts.
            pub fn new(padding: impl Into<Padding2d>) -> Self {
                Self(padding.into())
            }
        }

        impl From<$layer> for Layer {
            fn from(layer: $layer) -> Self {
                Pad2d::new(layer.0).mode(PaddingMode::$mode).into()
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

/// One layer: an operator with the names and shapes of its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    op: Op,
    parameters: Vec<(&'static str, Vec<usize>)>,
}

impl<O: Into<Op>> From<O> for Layer {
    fn from(op: O) -> Self {
        Self {
            op: op.into(),
            parameters: Vec::new(),
        }
    }
}

impl From<Conv2d> for Layer {
    fn from(layer: Conv2d) -> Self {
        // Groups of 0 or that do not divide the channels are refused when shapes are inferred.
        let in_channels = layer.in_channels / layer.op.groups.max(1);
        let weight = vec![
            layer.out_channels,
            in_channels,
            layer.kernel_size.height,
            layer.kernel_size.width,
        ];
        let mut parameters = vec![("weight", weight)];
        if layer.bias {
            parameters.push(("bias", vec![layer.out_channels]));
        }
        Self {
            op: layer.op.into(),
            parameters,
        }
    }
}

impl From<Linear> for Layer {
    fn from(layer: Linear) -> Self {
        let mut parameters = vec![("weight", vec![layer.out_features, layer.in_features])];
        if layer.bias {
            parameters.push(("bias", vec![layer.out_features]));
        }
        Self {
            op: ops::Linear.into(),
            parameters,
        }
    }
}

impl From<BatchNorm2d> for Layer {
    fn from(layer: BatchNorm2d) -> Self {
        let names = ["running_mean", "running_var", "weight", "bias"];
        Self {
            op: layer.op.into(),
            parameters: names.map(|name| (name, vec![layer.features])).to_vec(),
        }
    }
}

impl From<PReLU> for Layer {
    fn from(layer: PReLU) -> Self {
        Self {
            op: ops::PRelu.into(),
            parameters: vec![("weight", vec![layer.slopes])],
        }
    }
}

/// Layers one after another. Equals `torch.nn.Sequential`, its `state_dict` keys included: `0.weight`, `0.bias`, ...
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequential {
    layers: Vec<(String, Layer)>,
}

impl Sequential {
    /// No layers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a layer under its number.
    #[expect(clippy::should_implement_trait, reason = "a layer is appended, nothing is summed")]
    pub fn add(self, layer: impl Into<Layer>) -> Self {
        let name = self.layers.len().to_string();
        self.add_named(name, layer)
    }

    /// Appends a layer under a name: its weights are `name.weight` and so on.
    pub fn add_named(mut self, name: impl Into<String>, layer: impl Into<Layer>) -> Self {
        self.layers.push((name.into(), layer.into()));
        self
    }

    /// The names and shapes of all weights.
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let of_layer = |(name, layer): &(String, Layer)| {
            let named = layer
                .parameters
                .iter()
                .map(|(parameter, shape)| (format!("{name}.{parameter}"), shape.clone()));
            named.collect::<Vec<_>>()
        };
        self.layers.iter().flat_map(of_layer).collect()
    }

    /// The model as a graph with these weights; one input `input`, one output.
    ///
    /// Errors: one that lists every missing, surplus and mis-shaped tensor. `BatchNorm2d`'s `num_batches_tracked` is no
    /// weight and may be there.
    pub fn graph(&self, weights: &Weights) -> Result<Graph> {
        self.check(weights)?;
        let mut graph = Graph::new();
        let mut value = graph.input("input");
        for (name, layer) in &self.layers {
            let mut inputs = vec![value];
            for (parameter, _) in &layer.parameters {
                let key = format!("{name}.{parameter}");
                let array = weights.get(&key).ok_or_else(|| Error::Weights(format!("{key} is missing")))?;
                inputs.push(graph.constant(key, array.clone()));
            }
            value = graph.node(name.clone(), layer.op.clone(), &inputs)?;
        }
        graph.output(value)?;
        Ok(graph)
    }

    fn check(&self, weights: &Weights) -> Result<()> {
        let expected = self.parameters();
        let mut problems = Vec::new();
        for (name, shape) in &expected {
            match weights.get(name) {
                None => problems.push(format!("{name} {shape:?} is missing")),
                Some(array) if array.shape() != shape => {
                    problems.push(format!("{name} should have shape {shape:?}, but has {:?}", array.shape()));
                }
                Some(_) => {}
            }
        }
        for name in weights.names() {
            if !name.ends_with(".num_batches_tracked") && !expected.iter().any(|(expected, _)| expected == name) {
                problems.push(format!("{name} belongs to no layer"));
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Weights(problems.join("; ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ArrayD, IxDyn};

    fn model() -> Sequential {
        Sequential::new()
            .add(Conv2d::new(4, 6, [3, 5]).groups(2))
            .add(RELU)
            .add_named("head", Linear::new(8, 2).bias(false))
    }

    #[test]
    fn parameters_have_pytorchs_names_and_shapes() {
        let expected = [
            ("0.weight", vec![6, 2, 3, 5]),
            ("0.bias", vec![6]),
            ("head.weight", vec![2, 8]),
        ];
        assert_eq!(model().parameters(), expected.map(|(name, shape)| (name.to_owned(), shape)));
    }

    #[test]
    fn every_problem_of_the_weights_is_listed_at_once() {
        let mut weights = Weights::new();
        weights.insert("0.weight", ArrayD::zeros(IxDyn(&[6, 4, 3, 5])));
        weights.insert("0.bias", ArrayD::zeros(IxDyn(&[6])));
        weights.insert("tail.weight", ArrayD::zeros(IxDyn(&[1])));
        let message = model().graph(&weights).unwrap_err().to_string();
        for part in [
            "0.weight should have shape [6, 2, 3, 5], but has [6, 4, 3, 5]",
            "head.weight [2, 8] is missing",
            "tail.weight belongs",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
}
