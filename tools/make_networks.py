#!/usr/bin/env python3
"""Export whole networks with random weights from torchvision, and what ONNX Runtime's CPU makes of them.

    pip install torch==2.15.0 torchvision==0.29.2 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0
    python tools/make_networks.py             # tests/data/networks: small inputs, no weights, for CI
    python tools/make_networks.py --full DIR  # DIR/NAME: usual inputs, weights inside, for `convoke conformance DIR`

The files in tests/data/networks hold no weights but a recipe for them, NAME.weights: one line for each tensor with its
first byte in the file NAME.bin, the number of its elements, and the range that they are drawn from. tests/networks.rs
writes NAME.bin from the recipe with the same generator as `uniform` below, bit for bit. The small networks are exported as
traced, batch norm and all; the full ones as the exporter simplifies them.
"""

import argparse
import math
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torchvision.models as zoo
from onnx import numpy_helper
from torch import nn

DATA = Path(__file__).resolve().parent.parent / "tests/data/networks"


class DoubleConv(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )


class UNet(nn.Module):
    """Ronneberger et al., 2015, with padded convolutions: four levels, transposed convolutions, skips by concatenation."""

    def __init__(self, classes=2, width=32):
        super().__init__()
        widths = [width << level for level in range(5)]
        self.down = nn.ModuleList(DoubleConv(a, b) for a, b in zip([3, *widths], widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in widths[-2::-1])
        self.join = nn.ModuleList(DoubleConv(2 * w, w) for w in widths[-2::-1])
        self.pool = nn.MaxPool2d(2)
        self.last = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        skips = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else self.pool(x))
            skips.append(x)
        skips.pop()
        for up, join in zip(self.up, self.join):
            x = join(torch.cat([skips.pop(), up(x)], dim=1))
        return self.last(x)


class Segmentation(nn.Module):
    """DeepLabV3: a ResNet-50 with dilation, pooling at four rates; its dictionary of outputs made a tensor."""

    def __init__(self):
        super().__init__()
        self.model = zoo.segmentation.deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=21)

    def forward(self, x):
        return self.model(x)["out"]


def small_vgg11():
    """VGG-11 for an input of 32 x 32, as it is used on CIFAR: its 7 x 7 grid would need 224 x 224."""
    model = zoo.vgg11(weights=None)
    model.avgpool = nn.AdaptiveAvgPool2d(1)
    model.classifier[0] = nn.Linear(512, 4096)
    return model


# name: (constructor, full-size input, constructor for CI, CI's input)
NETWORKS = {
    "resnet18": (zoo.resnet18, 224, None, 64),
    "resnet50": (zoo.resnet50, 224, None, 48),
    "mobilenet_v2": (zoo.mobilenet_v2, 224, None, 64),
    "mobilenet_v3_large": (zoo.mobilenet_v3_large, 224, None, 64),
    "squeezenet1_1": (zoo.squeezenet1_1, 224, None, 64),
    "vgg11": (zoo.vgg11, 224, small_vgg11, 32),
    "densenet121": (zoo.densenet121, 224, None, 48),
    "googlenet": (lambda weights: zoo.googlenet(weights=weights, aux_logits=False, init_weights=False), 224, None, 64),
    "shufflenet_v2_x1_0": (zoo.shufflenet_v2_x1_0, 224, None, 64),
    "efficientnet_b0": (zoo.efficientnet_b0, 224, None, 64),
    "unet": (lambda weights: UNet(), 256, None, 32),
    "deeplabv3_resnet50": (lambda weights: Segmentation(), 256, None, 32),
}
# Only where they are named, and only at full size: half a gigabyte of weights.
LARGE = {"vgg16": (zoo.vgg16, 224, None, None)}


def uniform(first, count, low, high):
    """The values number `first` and on of the one stream: SplitMix64 of the number, its top 24 bits, scaled."""
    z = np.arange(first + 1, first + 1 + count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    unit = (z >> np.uint64(40)).astype(np.float64) / 2.0**24
    return (low + (high - low) * unit).astype(np.float32)


def ranges(module):
    """The range of each parameter and buffer: variances stay about what they were, layer by layer."""
    last = [name for name, layer in module.named_modules() if isinstance(layer, (nn.Linear, nn.Conv2d))][-1]
    found = {}
    for name, layer in module.named_modules():
        key = lambda leaf: f"{name}.{leaf}" if name else leaf
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            fan_in = layer.weight[0].numel()
            if isinstance(layer, nn.ConvTranspose2d):
                fan_in = layer.in_channels
            # Small outputs: conformance compares them within absolute 1e-5, too.
            bound = math.sqrt((0.02 if name == last else 6) / fan_in)
            found[key("weight")] = (-bound, bound)
            found[key("bias")] = (-0.01, 0.01) if name == last else (-0.1, 0.1)
        elif isinstance(layer, nn.BatchNorm2d):
            found[key("weight")] = (0.5, 1.0)
            found[key("bias")] = (-0.2, 0.2)
            found[key("running_mean")] = (-0.2, 0.2)
            found[key("running_var")] = (0.75, 1.5)
    return found


def fill(module):
    """Gives every parameter its part of the stream, in the order of the state dictionary; returns the recipe by value."""
    found, recipe, first = ranges(module), {}, 0
    state = module.state_dict()
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            continue
        low, high = (float(np.float32(edge)) for edge in found[name])
        values = uniform(first, tensor.numel(), low, high)
        state[name] = torch.from_numpy(values.reshape(tuple(tensor.shape)))
        recipe[name] = (first, tensor.numel(), low, high)
        first += tensor.numel()
    module.load_state_dict(state)
    return recipe


def export(module, size, path, optimize):
    warnings.filterwarnings("ignore")
    image = torch.from_numpy(uniform(0, 3 * size * size, -2.0, 2.0).reshape(1, 3, size, size))
    torch.onnx.export(
        module,
        (image,),
        path,
        input_names=["image"],
        output_names=["output"],
        opset_version=18,
        dynamo=True,
        optimize=optimize,
        external_data=False,
        verbose=False,
    )
    model = onnx.load(path)
    for part in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer):
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
        part.doc_string = ""
    del model.graph.value_info[:]
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return model, image.numpy(), session.run(None, {"image": image.numpy()})[0]


def strip(model, recipe, name):
    """Moves the weights that the recipe makes to NAME.bin, which is not written."""
    lines, missing, offset = [], [], 0
    for tensor in model.graph.initializer:
        made = recipe.get(tensor.name)
        if made is None:
            missing.append(tensor.name)
            continue
        first, count, low, high = made
        want = uniform(first, count, low, high)
        if numpy_helper.to_array(tensor).ravel().tobytes() != want.tobytes():
            raise SystemExit(f"{name}: {tensor.name} was changed by the exporter")
        lines.append(f"{offset} {first} {count} {low!r} {high!r}\n")
        tensor.ClearField("raw_data")
        tensor.ClearField("float_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", f"{name}.bin"), ("offset", offset), ("length", 4 * count)):
            tensor.external_data.add(key=key, value=str(value))
        offset += 4 * count
    inline = sum(numpy_helper.to_array(t).nbytes for t in model.graph.initializer if t.name in missing)
    print(f"  {len(lines)} tensors by recipe, {len(missing)} inline ({inline} bytes)")
    return "".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", type=Path, metavar="DIR", help="write the networks at their usual size, weights inside")
    parser.add_argument("names", nargs="*", help="some networks only")
    arguments = parser.parse_args()
    for name in arguments.names or NETWORKS:
        if name in LARGE and not arguments.full:
            parser.error(f"{name} is written with --full only")
        full, full_size, small, small_size = (NETWORKS | LARGE)[name]
        constructor, size = (full, full_size) if arguments.full or small is None else (lambda weights: small(), small_size)
        if not arguments.full:
            size = small_size
        module = constructor(weights=None).eval()
        recipe = fill(module)
        if arguments.full:
            folder = arguments.full / name
            (folder / "test_data_set_0").mkdir(parents=True, exist_ok=True)
            _, image, output = export(module, size, folder / "model.onnx", optimize=True)
            for kind, value_name, array in (("input", "image", image), ("output", "output", output)):
                tensor = numpy_helper.from_array(array, value_name)
                (folder / f"test_data_set_0/{kind}_0.pb").write_bytes(tensor.SerializeToString())
        else:
            DATA.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory() as scratch:
                model, image, output = export(module, size, Path(scratch) / "model.onnx", optimize=False)
            (DATA / f"{name}.weights").write_text(strip(model, recipe, name))
            onnx.save(model, DATA / f"{name}.onnx")
            np.save(DATA / f"{name}.npy", output)
        print(f"{name}: {list(image.shape)} -> {list(output.shape)}, {output.min():.3g} to {output.max():.3g}, "
              f"deviation {output.std():.3g}")


if __name__ == "__main__":
    main()
