#!/usr/bin/env python3
"""Train the LeNet-5 that convoke's example and tests run, on the CPU.

    pip install torch==2.15.0 scikit-learn==1.9.1 safetensors==0.8.0 numpy==2.4.6 pillow==13.0.0
    python tools/train_lenet.py             # writes models/*.safetensors, under a minute on one core
    python tools/train_lenet.py --samples   # writes examples/digits/*.png from the files above

Nothing is downloaded: the data are scikit-learn's bundled digits, 1,797 scanned handwritten digits of 8x8
pixels with values 0..16 (the test part of UCI's "Optical Recognition of Handwritten Digits", CC BY 4.0).

Data. Each digit is scaled to 0..255 and bilinearly (half-pixel centres) to 28x28, white ink on black, and
rounded to u8. The network's input is that value / 255 as f32, shape [N, 1, 28, 28]. A fixed stratified split
keeps 360 digits for testing and, of the rest, 216 for validation; 1,221 are trained on. The split is by
digit, not by writer (scikit-learn does not say who wrote which), so the accuracy is that for known hands.

Network. LeNet-5 with ReLU and max pooling in place of its squashing functions and trained subsampling; see
`lenet5`. Only the training part is augmented: small rotations, scalings, shears and shifts, thicker and
thinner strokes, blur, contrast and noise, so that scanned images of other sizes work too.

Choice of the model. After every epoch the weights' running average is scored on the validation part, and the
one with the lowest loss is kept. The test part is evaluated once, after that choice.

Seeds. SEED_SPLIT and SEED_TRAIN below fix everything; with one thread and these versions, two runs on one
machine write identical bytes. Another kind of CPU may round differently and end at slightly other weights.

Files.
    models/lenet5.safetensors   f32 tensors under the `state_dict` names of the Sequential (0.weight, 0.bias,
                                3.weight, ...), metadata on how they came about
    models/digits.safetensors   the test part: images u8 [360, 28, 28], labels u8 [360], and PyTorch's own
                                logits f32 [360, 10] for them, to compare another implementation with
    examples/digits/*.png       samples, grey: the first test digit of each class in SAMPLES (classes whose
                                first digit is easy to read for a person too)

Reading a sample, or any other scan of one digit (`read_scan` does it):
    1. convert to 8-bit grey;
    2. if the mean of the outermost ring of pixels is above 127.5, it is dark ink on a light ground: replace
       every value v by 255 - v;
    3. if it is not 28x28, resize to 28x28 with a bilinear (triangle) filter, widened when shrinking;
    4. divide by 255.
The digit should fill most of the image: nothing is cropped or centred.
"""

import argparse
import copy
import json
from pathlib import Path

import numpy as np
import sklearn
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "models" / "lenet5.safetensors"
TEST_SET = ROOT / "models" / "digits.safetensors"
SAMPLE_DIR = ROOT / "examples" / "digits"

SEED_SPLIT = 28
SEED_TRAIN = 5
TEST_SIZE = 360
VALIDATION_SIZE = 216
EPOCHS = 100
BATCH = 32
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2
AVERAGE_DECAY = 0.995

# digit: (side of the image, margin around the digit, value of the ground, value of full ink)
SAMPLES = {
    0: (56, 0, 255, 0),
    3: (100, 8, 244, 32),
    5: (28, 0, 0, 255),
    6: (56, 4, 255, 0),
}


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),  # 28x28
        nn.ReLU(),
        nn.MaxPool2d(2),  # 14x14
        nn.Conv2d(6, 16, 5),  # 10x10
        nn.ReLU(),
        nn.MaxPool2d(2),  # 5x5
        nn.Conv2d(16, 120, 5),  # 1x1
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def to_input(images):
    """u8 [N, 28, 28] to the network's f32 [N, 1, 28, 28]."""
    return images.unsqueeze(1).to(torch.float32) / 255


def load_data():
    """The three parts of the digits, each as (u8 [N, 28, 28], i64 [N])."""
    digits = load_digits()
    images = torch.from_numpy(digits.images * (255 / 16)).unsqueeze(1)
    images = F.interpolate(images, size=(28, 28), mode="bilinear", align_corners=False)
    images = images.squeeze(1).round().clamp(0, 255).to(torch.uint8)
    labels = torch.from_numpy(digits.target.astype(np.int64))

    def split(indices, size):
        return train_test_split(
            indices, test_size=size, stratify=digits.target[indices], random_state=SEED_SPLIT
        )

    rest, test = split(np.arange(len(labels)), TEST_SIZE)
    train, validation = split(rest, VALIDATION_SIZE)
    return [(images[i], labels[i]) for i in (train, validation, test)]


def augment(x, rng):
    """A randomly changed copy of a batch of network inputs."""
    n = len(x)

    def uniform(low, high, *shape):
        return low + (high - low) * torch.rand(n, *shape, generator=rng)

    def half_of_them():
        return torch.rand(n, 1, 1, 1, generator=rng) < 0.5

    # Rotation, scale (per axis), shear and shift in one resampling.
    angle = torch.deg2rad(uniform(-12, 12))
    scale = uniform(0.75, 1.1)
    scale_x, scale_y = scale * uniform(0.92, 1.08), scale * uniform(0.92, 1.08)
    shear = uniform(-0.15, 0.15)
    cos, sin = torch.cos(angle), torch.sin(angle)
    shift = uniform(-2.5, 2.5, 2) * (2 / 28)
    theta = torch.stack(
        [
            torch.stack([cos / scale_x, (shear * cos - sin) / scale_x, shift[:, 0]], dim=1),
            torch.stack([sin / scale_y, (shear * sin + cos) / scale_y, shift[:, 1]], dim=1),
        ],
        dim=1,
    )
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)

    # Stroke: mix with a dilated or an eroded copy, then blur or not.
    thick = F.max_pool2d(x, 3, stride=1, padding=1)
    thin = -F.max_pool2d(-x, 3, stride=1, padding=1)
    amount = uniform(-0.5, 0.5, 1, 1, 1)
    x = torch.where(amount > 0, x.lerp(thick, amount), x.lerp(thin, -amount))
    blurred = F.avg_pool2d(x, 3, stride=1, padding=1)
    x = torch.where(half_of_them(), x, x.lerp(blurred, uniform(0, 1, 1, 1, 1)))

    # Tone: a steeper edge, paler ink, a ground that is not quite even, noise.
    steep = ((x - 0.5) * uniform(1, 4, 1, 1, 1) + 0.5).clamp(0, 1)
    x = torch.where(half_of_them(), x, steep)
    ground, ink = uniform(0, 0.12, 1, 1, 1), uniform(0.7, 1, 1, 1, 1)
    x = torch.where(half_of_them(), x, ground + (ink - ground) * x)
    noise = torch.randn(x.shape, generator=rng) * uniform(0, 0.08, 1, 1, 1)
    return (x + noise).clamp(0, 1)


@torch.no_grad()
def score(model, images, labels):
    """Mean loss, and the number of digits it gets right."""
    logits = model(to_input(images))
    return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).sum().item()


def train(train_part, validation_part):
    """The chosen model, its epoch, and its number of right answers on the validation part."""
    torch.manual_seed(SEED_TRAIN)  # the initial weights
    rng = torch.Generator().manual_seed(SEED_TRAIN)  # the order and the augmentation
    model = lenet5()
    average = copy.deepcopy(model)
    inputs, labels = to_input(train_part[0]), train_part[1]
    steps = EPOCHS * -(-len(labels) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=LEARNING_RATE, total_steps=steps, pct_start=0.1
    )

    best = None
    for epoch in range(1, EPOCHS + 1):
        total = 0.0
        for batch in torch.randperm(len(labels), generator=rng).split(BATCH):
            loss = F.cross_entropy(model(augment(inputs[batch], rng)), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
            with torch.no_grad():
                for mean, now in zip(average.parameters(), model.parameters()):
                    mean.lerp_(now, 1 - AVERAGE_DECAY)
        loss, right = score(average, *validation_part)
        if best is None or loss < best[0]:
            best = (loss, epoch, right, copy.deepcopy(average))
        if epoch % 10 == 0:
            print(
                f"epoch {epoch:3}: training loss {total / len(labels):.4f},"
                f" validation loss {loss:.4f}, {right}/{VALIDATION_SIZE} right",
                flush=True,
            )
    _, epoch, right, model = best
    return model, epoch, right


def save(path, tensors, metadata):
    """Write a safetensors file whose header has its keys in a fixed order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in tensors.items()}, path, metadata)
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the data stay aligned
    path.write_bytes(len(text).to_bytes(8, "little") + text + raw[8 + length :])


def make_model():
    train_part, validation_part, test_part = load_data()
    model, epoch, right = train(train_part, validation_part)
    print(f"chosen: epoch {epoch}, {right}/{VALIDATION_SIZE} right on the validation part")

    images, labels = test_part
    with torch.no_grad():
        logits = model(to_input(images))
    test_right = (logits.argmax(1) == labels).sum().item()
    accuracy = f"{test_right}/{TEST_SIZE} ({100 * test_right / TEST_SIZE:.2f} %)"
    print(f"test accuracy {accuracy}")

    made_by = {
        "made_by": "tools/train_lenet.py",
        "torch": torch.__version__.split("+")[0],
        "scikit-learn": sklearn.__version__,
    }
    save(
        MODEL,
        model.state_dict(),
        {
            "what": "LeNet-5 with ReLU and max pooling, trained on scikit-learn's digits scaled to 28x28",
            "input": "f32 [N, 1, 28, 28], white ink on black, 0..1",
            "output": "f32 [N, 10], logits of the digits 0 to 9",
            "training": f"AdamW, {EPOCHS} epochs, batches of {BATCH}, seeds {SEED_SPLIT} and {SEED_TRAIN},"
            f" {len(train_part[1])} augmented digits;"
            f" running average of the weights after epoch {epoch}, chosen by validation loss",
            "validation_accuracy": f"{right}/{VALIDATION_SIZE}",
            "test_accuracy": accuracy,
            **made_by,
        },
    )
    save(
        TEST_SET,
        {"images": images, "labels": labels.to(torch.uint8), "logits": logits},
        {
            "what": "the digits held out from the training of lenet5.safetensors, and PyTorch's logits for them",
            "images": "u8 [N, 28, 28], white ink on black; the network's input is the value / 255",
            "source": "scikit-learn's digits: UCI Optical Recognition of Handwritten Digits, test part, CC BY 4.0",
            "split": f"stratified, seed {SEED_SPLIT}, {TEST_SIZE} of 1797",
            "test_accuracy": accuracy,
            **made_by,
        },
    )


def draw(image, side, margin, ground, ink):
    """A u8 [28, 28] digit as a grey picture of the given size and tones."""
    inner = side - 2 * margin
    digit = Image.fromarray(image).resize((inner, inner), Image.Resampling.BILINEAR)
    cover = np.pad(np.asarray(digit, np.float64) / 255, margin)
    return Image.fromarray(np.rint(ground + (ink - ground) * cover).astype(np.uint8))


def read_scan(picture, resampling=Image.Resampling.BILINEAR):
    """A picture of one digit as the network's f32 [1, 1, 28, 28], as the docstring above describes."""
    grey = np.asarray(picture.convert("L"))
    ring = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    if ring.mean() > 127.5:
        grey = 255 - grey
    if grey.shape != (28, 28):
        grey = np.asarray(Image.fromarray(grey).resize((28, 28), resampling))
    return to_input(torch.from_numpy(grey.copy()).unsqueeze(0))


@torch.no_grad()
def make_samples():
    model = lenet5()
    model.load_state_dict(load_file(MODEL))
    test = load_file(TEST_SET)
    images, labels = test["images"], test["labels"]
    filters = [Image.Resampling.BILINEAR, Image.Resampling.BOX]

    SAMPLE_DIR.mkdir(parents=True, exist_ok=True)
    for digit, style in SAMPLES.items():
        path = SAMPLE_DIR / f"{digit}.png"
        first = (labels == digit).nonzero()[0].item()
        draw(images[first].numpy(), *style).save(path, optimize=True)
        for resampling in filters:
            chances = model(read_scan(Image.open(path), resampling)).softmax(1)[0]
            answer = chances.argmax().item()
            print(
                f"{path.name}: test digit {first}, {style[0]}x{style[0]}, {path.stat().st_size} bytes,"
                f" {resampling.name.lower()}: {answer} ({chances[answer]:.3f})"
            )
            if answer != digit:
                raise SystemExit(f"{path.name} is read as {answer}")

    # The whole test part drawn and read in the same ways.
    for style in SAMPLES.values():
        for resampling in filters:
            scans = torch.cat([read_scan(draw(i.numpy(), *style), resampling) for i in images])
            right = (model(scans).argmax(1) == labels).sum().item()
            print(f"all drawn as {style}, {resampling.name.lower()}: {right}/{len(labels)} right")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--samples", action="store_true", help="write the sample PNGs from the trained files, and check them"
    )
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if parser.parse_args().samples:
        make_samples()
    else:
        make_model()


if __name__ == "__main__":
    main()
