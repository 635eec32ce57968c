#!/usr/bin/env python3
"""Save a ResNet-18's state_dict in every type of real numbers, and what PyTorch makes of an input with each.

    pip install torch==2.15.0 torchvision==0.29.2 safetensors==0.8.0
    python tools/make_state_dicts.py             # tests/data/state_dict: torchvision's blocks and names, few channels
    python tools/make_state_dicts.py --full DIR  # DIR: torchvision's ResNet-18 as it is, for `--example resnet18 -- DIR`

TYPE.safetensors is what `safetensors.torch.save_file(model.state_dict(), ...)` writes of a model in that type, with
num_batches_tracked, which is of whole numbers in each. answers.safetensors holds `input`, and under each type's name the
output: computed in float32 with the weights of that file, as convoke does.
"""

import argparse
import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet, resnet18

DATA = Path(__file__).resolve().parent.parent / "tests/data/state_dict"
TYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "f64": torch.float64}


def narrow(widths=(4, 6, 8, 10), classes=7):
    """torchvision's ResNet, whose widths are fixed at 64 to 512, with its layers made again by its own function."""
    model = ResNet(BasicBlock, [2, 2, 2, 2], num_classes=classes)
    model.conv1 = nn.Conv2d(3, widths[0], 7, stride=2, padding=3, bias=False)
    model.bn1 = nn.BatchNorm2d(widths[0])
    model.inplanes = widths[0]
    for number, width in enumerate(widths, 1):
        setattr(model, f"layer{number}", model._make_layer(BasicBlock, width, 2, stride=1 if number == 1 else 2))
    model.fc = nn.Linear(widths[-1], classes)
    return model


def randomize(model, size):
    """Batch norm's parameters at random, its statistics from three batches, which num_batches_tracked counts."""
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.3)
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(8, 3, *size))
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", metavar="DIR", type=Path, help="torchvision's ResNet-18 at its full size, 45 MB in f32")
    arguments = parser.parse_args()
    torch.manual_seed(18)
    if arguments.full:
        folder, model, fresh, size = arguments.full, resnet18(weights=None), lambda: resnet18(weights=None), (224, 224)
    else:
        folder, model, fresh, size = DATA, narrow(), narrow, (40, 33)
    folder.mkdir(parents=True, exist_ok=True)
    model = randomize(model, size)
    # Numbers of more digits than f32 has, so that f64 is more than f32 with zeros.
    model = model.double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1 + 1e-9 * torch.rand_like(parameter))
    image = torch.randn(2, 3, *size)
    answers = {"input": image}
    for name, dtype in TYPES.items():
        path = folder / f"{name}.safetensors"
        converted = {key: value.to(dtype) if value.is_floating_point() else value for key, value in model.state_dict().items()}
        save_file(converted, path)
        again = fresh().eval()
        again.load_state_dict(load_file(path))
        with torch.no_grad():
            answers[name] = again(image)
        print(f"{path.name}: {path.stat().st_size} bytes, outputs of up to {answers[name].abs().max():.3f}")
    save_file(answers, folder / "answers.safetensors")


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main()
