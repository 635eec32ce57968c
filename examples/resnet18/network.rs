//! torchvision's ResNet-18 in convoke's layers.

use convoke::nn::{self, BatchNorm2d, Conv2d, Linear, Residual, Sequential};

/// torchvision's `ResNet` of two basic blocks a layer, under torchvision's names: `[N, 3, H, W]` to `[N, classes]`. ResNet-18 has
/// the widths 64, 128, 256 and 512, and 1000 classes.
pub(crate) fn resnet18(widths: [usize; 4], classes: usize) -> Sequential {
    let mut model = Sequential::new()
        .add_named("conv1", Conv2d::new(3, widths[0], 7).stride(2).padding(3).bias(false))
        .add_named("bn1", BatchNorm2d::new(widths[0]))
        .add_named("relu", nn::RELU)
        .add_named("maxpool", nn::MaxPool2d::new(3).stride(2).padding(1));
    let mut channels = widths[0];
    for (index, width) in widths.into_iter().enumerate() {
        let stride = if index == 0 { 1 } else { 2 };
        let layer = Sequential::new()
            .add(basic_block(channels, width, stride))
            .add(basic_block(width, width, 1));
        model = model.add_named(format!("layer{}", index + 1), layer);
        channels = width;
    }
    model
        .add_named("avgpool", nn::AdaptiveAvgPool2d::new(1))
        .add_named("flatten", nn::Flatten::default())
        .add_named("fc", Linear::new(channels, classes))
}

/// Two convolutions beside a shortcut, which is a convolution where the shape changes.
fn basic_block(channels: usize, width: usize, stride: usize) -> Residual {
    let body = Sequential::new()
        .add_named("conv1", Conv2d::new(channels, width, 3).stride(stride).padding(1).bias(false))
        .add_named("bn1", BatchNorm2d::new(width))
        .add_named("relu", nn::RELU)
        .add_named("conv2", Conv2d::new(width, width, 3).padding(1).bias(false))
        .add_named("bn2", BatchNorm2d::new(width));
    let block = Residual::new(body).activation(nn::RELU);
    if (channels, stride) == (width, 1) {
        return block;
    }
    let downsample = Sequential::new()
        .add(Conv2d::new(channels, width, 1).stride(stride).bias(false))
        .add(BatchNorm2d::new(width));
    block.shortcut("downsample", downsample)
}
