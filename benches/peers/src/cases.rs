//! What is measured: layers of well-known networks, batch 1, and whole networks from ONNX files.

use std::path::{Path, PathBuf};

use convoke::PaddingMode;
use convoke::graph::Graph;
use convoke::onnx::{Model, Shapes};
use convoke::ops::{AdaptiveAvgPool2d, AvgPool2d, Conv2d, MaxPool2d, Op};
use convoke::testing::Random;
use ndarray::ArrayD;

use crate::{Result, onnx};

/// One operator with its shapes.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    pub name: &'static str,
    pub kind: Kind,
    /// `[1, C, H, W]`.
    pub input: [usize; 4],
}

/// An operator. Extents are the same in both directions, padding the same on all four sides.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Conv(Conv),
    MaxPool(Window),
    /// Padding counts.
    AvgPool(Window),
    GlobalAvgPool,
}

#[derive(Clone, Copy, Debug)]
pub struct Conv {
    /// `[C_out, C_in / groups, KH, KW]`.
    pub weight: [usize; 4],
    pub stride: usize,
    pub padding: usize,
    pub dilation: usize,
    pub groups: usize,
    pub mode: PaddingMode,
}

#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

impl Conv {
    const fn new(weight: [usize; 4]) -> Self {
        Self {
            weight,
            stride: 1,
            padding: 0,
            dilation: 1,
            groups: 1,
            mode: PaddingMode::Zeros,
        }
    }
}

impl Layer {
    /// Whether it belongs to those that the geometric mean is taken over.
    pub fn is_multi_channel_convolution(&self) -> bool {
        matches!(self.kind, Kind::Conv(_)) && self.input[1] > 1
    }

    fn op(&self) -> Op {
        match self.kind {
            Kind::Conv(conv) => Conv2d::new()
                .stride(conv.stride)
                .padding(conv.padding as isize)
                .padding_mode(conv.mode)
                .dilation(conv.dilation)
                .groups(conv.groups)
                .into(),
            Kind::MaxPool(window) => MaxPool2d::new(window.kernel)
                .stride(window.stride)
                .padding(window.padding as isize)
                .into(),
            Kind::AvgPool(window) => AvgPool2d::new(window.kernel)
                .stride(window.stride)
                .padding(window.padding as isize)
                .into(),
            Kind::GlobalAvgPool => AdaptiveAvgPool2d::new(1).into(),
        }
    }
}

/// What a convolution holds.
pub struct Parameters {
    pub weight: ArrayD<f32>,
    /// `[C_out]`. Networks have one once their batch norms are folded.
    pub bias: ArrayD<f32>,
}

/// A layer or a network with its data, in the forms that engines read.
pub struct Case {
    pub name: String,
    /// The layer with its parameters, for engines that are called by operator; `None` for a network.
    pub layer: Option<(Layer, Option<Parameters>)>,
    /// The same as an ONNX model, with one input and at least one output, of which the first counts.
    pub model: Vec<u8>,
    pub input_name: String,
    pub output_name: String,
    pub input: ArrayD<f32>,
}

impl Case {
    /// A layer with fixed random reals.
    pub fn layer(layer: &Layer) -> Result<Self> {
        let mut random = Random::new(1);
        let parameters = match layer.kind {
            Kind::Conv(conv) => Some(Parameters {
                weight: random.reals(&conv.weight),
                bias: random.reals(&conv.weight[..1]),
            }),
            _ => None,
        };
        let input = random.reals(&layer.input);
        let output = layer.op().output_shapes(&match layer.kind {
            Kind::Conv(ref conv) => vec![&layer.input[..], &conv.weight[..], &conv.weight[..1]],
            _ => vec![&layer.input[..]],
        })?;
        Ok(Self {
            name: layer.name.to_owned(),
            model: onnx::model(layer, parameters.as_ref(), &output[0]),
            input_name: onnx::INPUT.to_owned(),
            output_name: onnx::OUTPUT.to_owned(),
            layer: Some((*layer, parameters)),
            input,
        })
    }

    /// A network with a fixed random input. A batch that the file leaves open is 1.
    pub fn network(name: String, path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let model = Model::from_bytes(&bytes)?;
        let shapes = model.input_shapes(&Shapes::new())?;
        let ([shape], [input], [output, ..]) = (&shapes[..], model.inputs(), model.outputs()) else {
            return Err(format!("{}: one input is supported, and there are {}", path.display(), shapes.len()).into());
        };
        Ok(Self {
            name,
            layer: None,
            input: Random::new(1).reals(shape),
            input_name: input.name.clone(),
            output_name: output.name.clone(),
            model: bytes,
        })
    }

    /// As convoke runs it: a layer by its own operator, padding modes in it; a network from the file.
    pub fn graph(&self) -> Result<Graph> {
        let Some((layer, parameters)) = &self.layer else {
            return Ok(Model::from_bytes(&self.model)?.graph(&Shapes::new())?);
        };
        let mut graph = Graph::new();
        let mut operands = vec![graph.input("input")];
        if let Some(Parameters { weight, bias }) = parameters {
            operands.push(graph.constant("weight", weight.clone()));
            operands.push(graph.constant("bias", bias.clone()));
        }
        let output = graph.node(layer.name, layer.op(), &operands)?;
        graph.output(output)?;
        Ok(graph)
    }
}

/// LeNet-5, which comes with convoke.
pub fn lenet() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/lenet5.onnx")
}

/// The name of the file without its ending.
pub fn network_name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Layers of `ResNet` (rn), VGG, `MobileNetV2` (mb), `DeepLab` (dl) and `ResNeXt` (rx), an edge filter on a picture, and pools.
pub fn layers() -> Vec<Layer> {
    let conv = |name, input: [usize; 3], conv| Layer {
        name,
        kind: Kind::Conv(conv),
        input: [1, input[0], input[1], input[2]],
    };
    // A square kernel with as much padding as keeps the extent at stride 1.
    let square = |to, from, kernel| Conv {
        padding: kernel / 2,
        ..Conv::new([to, from, kernel, kernel])
    };
    let depthwise = |channels, stride| Conv {
        stride,
        groups: channels,
        ..square(channels, 1, 3)
    };
    let edge = |name, mode| conv(name, [1, 1080, 1920], Conv { mode, ..square(1, 1, 3) });
    let pool = |name, kind, channels, extent| Layer {
        name,
        kind,
        input: [1, channels, extent, extent],
    };
    let window = |kernel, stride, padding| Window { kernel, stride, padding };
    let strided = |conv: Conv| Conv { stride: 2, ..conv };
    let dilated = Conv {
        dilation: 2,
        padding: 2,
        ..square(256, 256, 3)
    };
    let grouped = Conv {
        groups: 32,
        ..square(128, 4, 3)
    };
    vec![
        conv("rn_stem", [3, 224, 224], strided(square(64, 3, 7))),
        conv("rn_56_3x3", [64, 56, 56], square(64, 64, 3)),
        conv("rn_56_1x1", [64, 56, 56], square(256, 64, 1)),
        conv("rn_28_3x3", [128, 28, 28], square(128, 128, 3)),
        conv("rn_28_1x1", [512, 28, 28], square(128, 512, 1)),
        conv("rn_14_3x3", [256, 14, 14], square(256, 256, 3)),
        conv("rn_14_1x1", [1024, 14, 14], square(256, 1024, 1)),
        conv("rn_7_3x3", [512, 7, 7], square(512, 512, 3)),
        conv("rn_down", [256, 56, 56], strided(square(512, 256, 1))),
        conv("vgg_224", [64, 224, 224], square(64, 64, 3)),
        conv("vgg_56", [256, 56, 56], square(256, 256, 3)),
        conv("mb_dw112", [32, 112, 112], depthwise(32, 1)),
        conv("mb_dw56s2", [144, 56, 56], depthwise(144, 2)),
        conv("mb_dw14", [576, 14, 14], depthwise(576, 1)),
        conv("mb_pw", [96, 14, 14], square(576, 96, 1)),
        conv("dl_dil2", [256, 28, 28], dilated),
        conv("rx_g32", [128, 56, 56], grouped),
        edge("edge_1080p_zeros", PaddingMode::Zeros),
        edge("edge_1080p_replicate", PaddingMode::Replicate),
        edge("edge_1080p_reflect", PaddingMode::Reflect),
        edge("edge_1080p_circular", PaddingMode::Circular),
        pool("mp_3s2", Kind::MaxPool(window(3, 2, 1)), 64, 112),
        pool("mp_2s2", Kind::MaxPool(window(2, 2, 0)), 64, 224),
        pool("ap_3s1", Kind::AvgPool(window(3, 1, 1)), 64, 56),
        pool("gap_7", Kind::GlobalAvgPool, 2048, 7),
    ]
}
