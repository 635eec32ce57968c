"""Models for the examples, made of LeNet-5's weights (`models/lenet5.onnx`), and a page of digits for them to read.

    python tools/make_example_models.py

LeNet-5 reads one digit in the middle of 28x28 pixels. Over a whole page its linear layers are convolutions; the others are dilated
instead of having strides, so that it gives an answer at every other pixel. Beside it stand fixed filters that tell where its window has a digit in its middle and paper around it:

- `models/digit_finder.onnx`: `page` [1, 1, 224, 224], grey from 0 (ink) to 1, to `detections` [1, 14, 9801] as YOLO's newer heads give
  them (centre, size, a score for each digit), and `mask` [1, 11, 224, 224], scores for paper and each digit.
- `models/digit_reader.onnx`: `line` [1, 1, 36, width] to `scores` [1, steps, 11], logarithms of scores for blank and each digit.

Needs numpy, onnx, Pillow and safetensors.
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from safetensors.numpy import load_file

ROOT = pathlib.Path(__file__).resolve().parents[1]
WINDOW, STRIDE, SIDE, LINE = 28, 2, 224, 36
LINES = [[4, 0, 7, 1, 8], [2, 2, 5, 9], [6, 3]]


class Builder:
    """Nodes one after another, whose constants are named."""

    def __init__(self):
        self.nodes, self.initializers = [], []

    def constant(self, name, array):
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def floats(self, name, values):
        return self.constant(name, np.asarray(values, np.float32))

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def conv(self, value, output, weight, bias=None, **attributes):
        inputs = [value, self.floats(f"{output}.weight", weight)]
        if bias is not None:
            inputs.append(self.floats(f"{output}.bias", bias))
        return self.node("Conv", inputs, output, **attributes)


def lenet():
    model = onnx.load(ROOT / "models/lenet5.onnx")
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def digits(build, ink):
    """For each window how sure it is that a digit is in its middle, and which: [1, 10, h, w]."""
    weights = lenet()
    value = build.conv(ink, "conv1", weights["0.weight"], weights["0.bias"], pads=[2, 2, 2, 2])
    value = build.node("MaxPool", [build.node("Relu", [value], "relu1")], "pool1", kernel_shape=[2, 2])
    value = build.node("Relu", [build.conv(value, "conv2", weights["3.weight"], weights["3.bias"], dilations=[2, 2])], "relu2")
    value = build.node("MaxPool", [value], "pool2", kernel_shape=[2, 2], dilations=[2, 2])
    value = build.conv(value, "conv3", weights["6.weight"], weights["6.bias"], dilations=[4, 4], strides=[STRIDE, STRIDE])
    value = build.node("Relu", [value], "relu3")
    value = build.node("Relu", [build.conv(value, "linear1", weights["9.weight"][:, :, None, None], weights["9.bias"])], "relu4")
    value = build.conv(value, "linear2", weights["11.weight"][:, :, None, None], weights["11.bias"])
    classes = build.node("Softmax", [value], "classes.softmax", axis=1)

    offsets = np.arange(WINDOW) - (WINDOW - 1) / 2
    down, across = np.meshgrid(offsets, offsets, indexing="ij")
    is_middle = (np.abs(down) < 11) & (np.abs(across) < 11)
    filters = [is_middle / is_middle.sum(), ~is_middle / (~is_middle).sum(), np.full_like(down, WINDOW**-2), down / 100, across / 100]
    measures = build.conv(ink, "measures", np.stack(filters)[:, None], strides=[STRIDE, STRIDE])
    names = ["inner", "outer", "mean", "down", "across"]
    build.nodes.append(helper.make_node("Split", [measures], names, axis=1, num_outputs=5))

    def sure(name, value, factor, threshold):
        """Near 1 where `value` is over the threshold, or under it for a factor below 0."""
        scaled = build.node("Mul", [build.node("Sub", [value, build.floats(f"{name}.from", threshold)], f"{name}.over"),
                                    build.floats(f"{name}.by", factor)], f"{name}.scaled")
        return build.node("Sigmoid", [scaled], name)

    has_ink, has_paper = sure("has_ink", "inner", 100, 0.08), sure("has_paper", "outer", -100, 0.2)
    # How far the ink's centre is from the window's, in pixels.
    mean = build.node("Max", ["mean", build.floats("least", 0.02)], "mean.least")
    squares = []
    for name in ("down", "across"):
        centre = build.node("Div", [name, mean], f"{name}.centre")
        squares.append(build.node("Mul", [centre, centre], f"{name}.square"))
    apart = build.node("Add", squares, "apart")
    # The filters of moments are a hundredth of the sum over the window, of which `mean` is the mean.
    near = build.node("Exp", [build.node("Mul", [apart, build.floats("narrow", -((100 / WINDOW**2) ** 2) / 20)], "apart.scaled")], "near")
    place = build.node("Mul", [build.node("Mul", [has_ink, has_paper], "digit"), near], "place")
    return build.node("Mul", [classes, place], "sure")


def finder():
    build = Builder()
    ink = build.node("Sub", [build.floats("white", 1), "page"], "ink")
    # One window may be mistaken where those around it are not.
    scores = build.node("AveragePool", [digits(build, ink)], "scores", kernel_shape=[5, 5], pads=[2, 2, 2, 2], count_include_pad=1)
    count = (SIDE - WINDOW) // STRIDE + 1
    centres = STRIDE * np.arange(count) + WINDOW / 2
    y, x = np.meshgrid(centres, centres, indexing="ij")
    sizes = np.full_like(x, WINDOW)
    boxes = build.floats("boxes", np.stack([x, y, sizes, sizes]).reshape(1, 4, -1))
    flat = build.node("Reshape", [scores, build.constant("flat", np.array([1, 10, -1]))], "scores.flat")
    build.node("Concat", [boxes, flat], "detections", axis=1)

    # A pixel of ink belongs to the surest digit of those whose middle it is in.
    spread = build.node("MaxPool", [scores], "spread", kernel_shape=[9, 9], pads=[4, 4, 4, 4])
    size = build.constant("scale", np.array([1, 1, STRIDE, STRIDE], np.float32))
    large = build.node("Resize", [spread, "", size], "spread.large", mode="nearest", nearest_mode="floor",
                       coordinate_transformation_mode="asymmetric")
    margin = (SIDE - count * STRIDE) // 2
    # The last window's answer stands for the pixels around its middle.
    rest = SIDE - count * STRIDE - margin
    pads = build.constant("margin", np.array([0, 0, margin, margin, 0, 0, rest, rest]))
    whole = build.node("Pad", [large, pads], "spread.whole")
    found = build.node("Mul", [whole, ink], "found")
    paper = build.node("Add", [build.node("Mul", [ink, build.floats("zero", 0)], "ink.nothing"), build.floats("paper.score", 0.15)], "paper")
    build.node("Concat", [paper, found], "mask", axis=1)
    page = helper.make_tensor_value_info("page", TensorProto.FLOAT, [1, 1, SIDE, SIDE])
    outputs = [helper.make_tensor_value_info("detections", TensorProto.FLOAT, [1, 14, count * count]),
               helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 11, SIDE, SIDE])]
    return build, "digit_finder", page, outputs


def reader():
    build = Builder()
    ink = build.node("Sub", [build.floats("white", 1), "line"], "ink")
    # Windows begin before the line does, so that its first digit may be in the middle of one.
    padded = build.node("Pad", [ink, build.constant("pads", np.array([0, 0, 0, 12, 0, 0, 0, 12]))], "ink.padded")
    # The line may lie a little higher or lower.
    best = build.node("ReduceMax", [digits(build, padded), build.constant("rows", np.array([2]))], "best")
    scores = build.node("AveragePool", [best], "scores.digits", kernel_shape=[1, 5], pads=[0, 2, 0, 2], count_include_pad=1)
    any_digit = build.node("ReduceSum", [scores, build.constant("classes", np.array([1]))], "any")
    blank = build.node("Sub", [build.floats("half", 0.65), any_digit], "blank")
    both = build.node("Concat", [blank, scores], "both", axis=1)
    steps = build.node("Squeeze", [both, build.constant("height", np.array([2]))], "both.steps")
    steps = build.node("Transpose", [steps], "steps", perm=[0, 2, 1])
    build.node("Log", [build.node("Max", [steps, build.floats("smallest", 1e-6)], "positive")], "scores")
    line = helper.make_tensor_value_info("line", TensorProto.FLOAT, [1, 1, LINE, "width"])
    return build, "digit_reader", line, [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, "steps", 11])]


def save(build, name, given, outputs):
    graph = helper.make_graph(build.nodes, name, [given], outputs, build.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], producer_name="convoke")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, ROOT / f"models/{name}.onnx")


def page():
    """Lines of handwritten digits, dark on paper, each a little higher or lower than the one before."""
    held = load_file(ROOT / "models/digits.safetensors")
    random = np.random.default_rng(38)
    ink = np.zeros((SIDE, SIDE), np.uint8)
    for row, line in enumerate(LINES):
        for place, digit in enumerate(line):
            which = random.choice(np.flatnonzero(held["labels"] == digit))
            top, left = 14 + 68 * row + random.integers(0, 5), 12 + 14 * row + 38 * place + random.integers(0, 5)
            ink[top : top + WINDOW, left : left + WINDOW] |= held["images"][which]
    return Image.fromarray(255 - (ink * 0.85).astype(np.uint8))


def main():
    for model in (finder(), reader()):
        save(*model)
    page().save(ROOT / "examples/page.png", optimize=True)


if __name__ == "__main__":
    main()
