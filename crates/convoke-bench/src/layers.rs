//! Layers of well-known networks, each by itself: what convolution and pooling are measured by.

use convoke::PaddingMode;
use convoke::ops::{AdaptiveAvgPool2d, AvgPool2d, Conv2d, MaxPool2d, Op};

/// One operator with the shapes that a network gives it, batch 1.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Layer {
    /// A short name: the network, and what tells the layer from others.
    pub name: &'static str,
    /// The operator.
    pub op: Op,
    /// The input's shape, `[N, C, H, W]`.
    pub input: &'static [usize],
    /// The weight's shape, `[out channels, in channels / groups, height, width]`; `None` for pooling.
    pub weight: Option<&'static [usize]>,
}

/// Convolutions of `ResNet` (`rn`), VGG (`vgg`), `MobileNetV2` (`mb`), `DeepLab` (`dl`) and `ResNeXt` (`rx`), an edge filter over
/// an image of 1080 lines in each padding mode, and four poolings.
///
/// ```
/// let layers = convoke_bench::layers();
/// let stem = layers.iter().find(|layer| layer.name == "rn_stem").unwrap();
/// assert_eq!(stem.op.output_shapes(&[stem.input, stem.weight.unwrap()])?, [[1, 64, 112, 112]]);
/// # Ok::<(), convoke::Error>(())
/// ```
pub fn layers() -> Vec<Layer> {
    let conv = Conv2d::new;
    let same = || Conv2d::new().padding(1);
    let mut layers = vec![
        layer("rn_stem", conv().stride(2).padding(3), &[1, 3, 224, 224], &[64, 3, 7, 7]),
        layer("rn_56_3x3", same(), &[1, 64, 56, 56], &[64, 64, 3, 3]),
        layer("rn_56_1x1", conv(), &[1, 64, 56, 56], &[256, 64, 1, 1]),
        layer("rn_28_3x3", same(), &[1, 128, 28, 28], &[128, 128, 3, 3]),
        layer("rn_28_1x1", conv(), &[1, 512, 28, 28], &[128, 512, 1, 1]),
        layer("rn_14_3x3", same(), &[1, 256, 14, 14], &[256, 256, 3, 3]),
        layer("rn_14_1x1", conv(), &[1, 1024, 14, 14], &[256, 1024, 1, 1]),
        layer("rn_7_3x3", same(), &[1, 512, 7, 7], &[512, 512, 3, 3]),
        layer("rn_down", conv().stride(2), &[1, 256, 56, 56], &[512, 256, 1, 1]),
        layer("vgg_224", same(), &[1, 64, 224, 224], &[64, 64, 3, 3]),
        layer("vgg_56", same(), &[1, 256, 56, 56], &[256, 256, 3, 3]),
        layer("mb_dw112", same().groups(32), &[1, 32, 112, 112], &[32, 1, 3, 3]),
        layer("mb_dw56s2", same().stride(2).groups(144), &[1, 144, 56, 56], &[144, 1, 3, 3]),
        layer("mb_dw14", same().groups(576), &[1, 576, 14, 14], &[576, 1, 3, 3]),
        layer("mb_pw", conv(), &[1, 96, 14, 14], &[576, 96, 1, 1]),
        layer("dl_dil2", conv().padding(2).dilation(2), &[1, 256, 28, 28], &[256, 256, 3, 3]),
        layer("rx_g32", same().groups(32), &[1, 128, 56, 56], &[128, 4, 3, 3]),
    ];
    layers.extend(
        [
            ("edge_1080p_zeros", PaddingMode::Zeros),
            ("edge_1080p_reflect", PaddingMode::Reflect),
            ("edge_1080p_replicate", PaddingMode::Replicate),
            ("edge_1080p_circular", PaddingMode::Circular),
        ]
        .map(|(name, mode)| layer(name, same().padding_mode(mode), &[1, 1, 1080, 1920], &[1, 1, 3, 3])),
    );
    layers.extend([
        pool("mp_3s2", MaxPool2d::new(3).stride(2).padding(1), &[1, 64, 112, 112]),
        pool("mp_2s2", MaxPool2d::new(2), &[1, 64, 224, 224]),
        pool("ap_3s1", AvgPool2d::new(3).stride(1).padding(1), &[1, 64, 56, 56]),
        pool("gap_7", AdaptiveAvgPool2d::global(), &[1, 2048, 7, 7]),
    ]);
    layers
}

fn layer(name: &'static str, op: Conv2d, input: &'static [usize], weight: &'static [usize]) -> Layer {
    Layer {
        name,
        op: op.into(),
        input,
        weight: Some(weight),
    }
}

fn pool(name: &'static str, op: impl Into<Op>, input: &'static [usize]) -> Layer {
    Layer {
        name,
        op: op.into(),
        input,
        weight: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_is_legal_and_has_a_name_of_its_own() {
        let layers = layers();
        assert_eq!(layers.iter().filter(|layer| layer.weight.is_some()).count(), 21);
        assert_eq!(layers.len(), 25);
        for (index, layer) in layers.iter().enumerate() {
            let shapes: Vec<&[usize]> = std::iter::once(layer.input).chain(layer.weight).collect();
            layer.op.output_shapes(&shapes).unwrap();
            assert!(layers[..index].iter().all(|other| other.name != layer.name));
        }
    }
}
