"""Faults, each planted in one operator of a network that ONNX Runtime then runs, and what `convoke verify --against` says of them.

    python tools/plant_faults.py CONVOKE MODEL.onnx [...]

A fault is a change of the model that leaves the tensors' names as they are; convoke judges the run against the model without it. Counted
is a fault whose operator is the first that is named wrong, and whose cause is among those given. Of six more, which no cause was written
for, the operator is to be named with the worst element. Needs what `crates/convoke-cli/src/dump_onnxruntime.py` does.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "crates/convoke-cli/src"))
import dump_onnxruntime  # noqa: E402


def weights(model):
    return {tensor.name: tensor for tensor in model.graph.initializer}


def attribute(node, name):
    return next((a for a in node.attribute if a.name == name), None)


def set_attribute(node, name, value):
    known = attribute(node, name)
    if known is not None:
        node.attribute.remove(known)
    node.attribute.append(helper.make_attribute(name, value))


def replace_weight(model, node, place, array):
    """Another tensor for one node, under another name."""
    name = f"{node.input[place]}.fault"
    model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
    node.input[place] = name


def after(model, node, make):
    """Nodes behind one, the last of which gives what it gave."""
    index = list(model.graph.node).index(node)
    name = node.output[0]
    node.output[0] = f"{name}.before"
    for offset, added in enumerate(make(f"{name}.before", name)):
        model.graph.node.insert(index + 1 + offset, added)


def constant(model, name, array):
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(array, np.float32), name))
    return name


def convolutions(model):
    known = weights(model)
    found = [node for node in model.graph.node if node.op_type == "Conv" and node.input[1] in known]
    return [(node, numpy_helper.to_array(known[node.input[1]])) for node in found]


def first(candidates, is_so):
    return next((candidate for candidate in candidates if is_so(candidate)), (None, None))


def padding_side(model):
    node, _ = first(convolutions(model), lambda c: attribute(c[0], "pads") and any(attribute(c[0], "pads").ints))
    if node is None:
        return None
    top, left, bottom, right = attribute(node, "pads").ints
    # One more before than after in the file, and the other way round in the run.
    set_attribute(node, "pads", [top + 1, left + 1, bottom - 1, right - 1])
    honest = onnx.ModelProto.FromString(model.SerializeToString())
    set_attribute(node, "pads", [top - 1, left - 1, bottom + 1, right + 1])
    return node, "padding on the other side", honest


def half_pixel(model):
    node = next((node for node in model.graph.node if node.op_type == "Resize"), None)
    if node is None:
        return half_pixel_put_in(model)
    own = attribute(node, "coordinate_transformation_mode")
    is_half = own is None or b"half" in own.s
    set_attribute(node, "coordinate_transformation_mode", "asymmetric" if is_half else "half_pixel")
    if attribute(node, "mode") is None or attribute(node, "mode").s == b"nearest":
        set_attribute(node, "nearest_mode", "ceil" if is_half else "round_prefer_ceil")
    return node, "pixels are placed as in", None


def half_pixel_put_in(model):
    """In a network that resizes nothing: what the first convolution gives is made larger, in the file and in the run."""
    node, _ = convolutions(model)[0]
    scales = constant(model, "fault.scales", [1, 1, 1.5, 2])
    after(model, node, lambda before, name: [helper.make_node("Resize", [before, "", scales], [name], name="resize", mode="linear")])
    resize = next(node for node in model.graph.node if node.name == "resize")
    cut_after(model, resize)
    honest = onnx.ModelProto.FromString(model.SerializeToString())
    set_attribute(resize, "coordinate_transformation_mode", "asymmetric")
    return resize, "pixels are placed as in", honest


def f16_overflow(model):
    node, array = convolutions(model)[1]
    replace_weight(model, node, 1, array * np.float32(1e6))
    honest = onnx.ModelProto.FromString(model.SerializeToString())
    after(
        model,
        node,
        lambda before, name: [
            helper.make_node("Cast", [before], [f"{name}.half"], to=onnx.TensorProto.FLOAT16),
            helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT),
        ],
    )
    return node, "an overflow of 16-bit floats", honest


def cut_loop(model):
    node, array = first(convolutions(model), lambda c: c[1].shape[1] >= 16)
    array = array.copy()
    array[:, 3 * array.shape[1] // 4 :] = 0
    replace_weight(model, node, 1, array)
    return node, "a cut loop", None


def wrong_group(model):
    node, array = first(convolutions(model), lambda c: c[1].shape[1] >= 16)
    groups, channels = 4, array.shape[1]
    set_attribute(node, "group", groups)
    replace_weight(model, node, 1, array[:, : channels // groups])
    honest = onnx.ModelProto.FromString(model.SerializeToString())
    index = list(model.graph.node).index(node)
    own = channels // groups
    order = np.array([channel % own for channel in range(channels)], np.int64)
    model.graph.initializer.append(numpy_helper.from_array(order, "fault.order"))
    model.graph.node.insert(index, helper.make_node("Gather", [node.input[0], "fault.order"], ["fault.input"], axis=1))
    node.input[0] = "fault.input"
    return node, "wrong group", honest


def swapped_strides(model):
    node, _ = first(convolutions(model), lambda c: attribute(c[0], "strides") and list(attribute(c[0], "strides").ints) == [2, 2])
    if node is None:
        node = next((node for node in model.graph.node if node.op_type in ("MaxPool", "AveragePool")), None)
    if node is None:
        return None
    # What follows would not fit: the file and the run end here.
    set_attribute(node, "strides", [1, 2])
    cut_after(model, node)
    honest = onnx.ModelProto.FromString(model.SerializeToString())
    set_attribute(node, "strides", [2, 1])
    return node, "strides of the axes swapped", honest


def cut_after(model, node):
    """Ends the graph with what a node gives."""
    index = list(model.graph.node).index(node)
    del model.graph.node[index + 1 :]
    del model.graph.output[:]
    model.graph.output.append(onnx.ValueInfoProto(name=node.output[0]))
    model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT


def missing_bias(model):
    node, array = convolutions(model)[0]
    # An untrained network's may be all zeros, and then nothing is missing without it.
    del node.input[2:]
    random = np.random.default_rng(1)
    node.input.append(constant(model, "fault.bias", random.standard_normal(array.shape[0]) / 4))
    honest = onnx.ModelProto.FromString(model.SerializeToString())
    del node.input[2:]
    return node, "the bias is missing", honest


def masked(model):
    """Puts an operator in the file that makes every element above 0.5 minus infinity, as a mask does."""
    node = convolutions(model)[0][0]
    half, low = constant(model, "fault.half", 0.5), constant(model, "fault.low", -np.inf)
    after(
        model,
        node,
        lambda before, name: [
            helper.make_node("Greater", [before, half], [f"{name}.mask"]),
            helper.make_node("Where", [f"{name}.mask", low, before], [name], name="mask"),
        ],
    )
    mask = next(node for node in model.graph.node if node.name == "mask")
    return mask


def finite_infinity(model):
    mask = masked(model)
    cut_after(model, mask)
    honest = onnx.ModelProto.FromString(model.SerializeToString())
    mask.input[1] = constant(model, "fault.finite", np.finfo(np.float32).min)
    return mask, "an infinity became a finite number", honest


def dropped_nan(model):
    node = next((node for node in model.graph.node if node.op_type == "Relu"), None)
    if node is None:
        return None
    index = list(model.graph.node).index(node)
    nan = constant(model, "fault.nan", np.nan)
    half = constant(model, "fault.half", 0.5)
    model.graph.node.insert(index, helper.make_node("Greater", [node.input[0], half], ["fault.mask"]))
    model.graph.node.insert(index + 1, helper.make_node("Where", ["fault.mask", nan, node.input[0]], ["fault.nans"]))
    node.input[0] = "fault.nans"
    cut_after(model, node)
    honest = onnx.ModelProto.FromString(model.SerializeToString())
    after(
        model,
        node,
        lambda before, name: [
            helper.make_node("IsNaN", [before], [f"{name}.is"]),
            helper.make_node("Where", [f"{name}.is", constant(model, "fault.zero", 0.0), before], [name]),
        ],
    )
    return node, "NaN was dropped", honest


def transposed_weights(model):
    node, array = first(convolutions(model), lambda c: c[1].shape[2] == c[1].shape[3] and c[1].shape[2] > 1)
    replace_weight(model, node, 1, array.swapaxes(2, 3))
    return node, "transposed", None


FAULTS = [
    padding_side,
    half_pixel,
    f16_overflow,
    cut_loop,
    wrong_group,
    swapped_strides,
    missing_bias,
    finite_infinity,
    dropped_nan,
    transposed_weights,
]


def put_in(model, operator, attributes, wrong, extra=()):
    """Another operator behind the first convolution, where file and run end; the run's has other attributes."""
    node, _ = convolutions(model)[0]
    after(model, node, lambda before, name: [helper.make_node(operator, [before, *extra], [name], name="planted", **attributes)])
    planted = next(node for node in model.graph.node if node.name == "planted")
    cut_after(model, planted)
    honest = onnx.ModelProto.FromString(model.SerializeToString())
    for name, value in wrong.items():
        set_attribute(planted, name, value)
    return planted, "", honest


def dilation_ignored(model):
    node, _ = first(convolutions(model), lambda c: c[1].shape[2] > 1)
    own = list(attribute(node, "pads").ints) if attribute(node, "pads") else [0] * 4
    # As large as without: padding makes up for it.
    set_attribute(node, "dilations", [2, 2])
    set_attribute(node, "pads", [2 * pad for pad in own])
    cut_after(model, node)
    honest = onnx.ModelProto.FromString(model.SerializeToString())
    set_attribute(node, "dilations", [1, 1])
    set_attribute(node, "pads", own)
    return node, "", honest


def padding_not_counted(model):
    pads = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 1]}
    return put_in(model, "AveragePool", {**pads, "count_include_pad": 1}, {"count_include_pad": 0})


def other_epsilon(model):
    channels = convolutions(model)[0][1].shape[0]
    ones, zeros = constant(model, "fault.ones", np.ones(channels)), constant(model, "fault.zeros", np.zeros(channels))
    return put_in(model, "InstanceNormalization", {"epsilon": 1e-3}, {"epsilon": 1e-5}, (ones, zeros))


def other_axis(model):
    return put_in(model, "Softmax", {"axis": 1}, {"axis": 3})


def floor_for_ceil(model):
    """A pool whose last windows hang over the edge: in the run they are left out, and its output is smaller."""
    return put_in(model, "MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, {"ceil_mode": 0})


def slope_of_leaky(model):
    return put_in(model, "LeakyRelu", {"alpha": 0.2}, {"alpha": 0.01})


# Kinds that no cause was written for: counted is that the operator is named, with an element of it.
OTHERS = [dilation_ignored, padding_not_counted, other_epsilon, other_axis, floor_for_ceil, slope_of_leaky]


def load(path):
    """A model; its weights from the recipe beside it (`NAME.weights`, see make_networks.py), where there is one."""
    path = pathlib.Path(path)
    recipe = path.with_suffix(".weights")
    if not recipe.exists():
        return onnx.load(path)
    rows = [line.split() for line in recipe.read_text().splitlines()]
    drawn = {int(row[0]): uniform(int(row[1]), int(row[2]), float(row[3]), float(row[4])) for row in rows}
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        where = {entry.key: entry.value for entry in tensor.external_data}
        if where:
            array = drawn[int(where["offset"])].reshape(list(tensor.dims))
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    return model


def uniform(first, count, low, high):
    """As in make_networks.py, which needs PyTorch."""
    z = np.arange(first + 1, first + 1 + count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    unit = (z >> np.uint64(40)).astype(np.float64) / 2.0**24
    return (low + (high - low) * unit).astype(np.float32)


def verdict(convoke, model, run):
    """What convoke says of a run, against a model."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        onnx.save(model, folder / "model.onnx")
        dump_onnxruntime.write(run, folder / "run.npz")
        command = [convoke, "verify", str(folder / "model.onnx"), "--against", str(folder / "run.npz")]
        return subprocess.run(command, capture_output=True, text=True)


def is_clean(convoke, path):
    """Whether a run without a fault is called right, every operator of it."""
    model = load(path)
    said = verdict(convoke, model, dump_onnxruntime.run(model))
    print(f"{path}: without a fault: {said.stdout.strip() or said.stderr.strip()}")
    return said.returncode == 0 and said.stdout.startswith("verified")


def judge(convoke, path, plant):
    """Nothing where the operator and the cause are named, else what was said; None where the network has nothing to plant it in."""
    honest = load(path)
    faulty = onnx.ModelProto.FromString(honest.SerializeToString())
    planted = plant(faulty)
    if planted is None:
        return None
    node, cause, changed = planted
    output = node.output[0].removesuffix(".before")
    said = verdict(convoke, changed or honest, dump_onnxruntime.run(faulty))
    lines = said.stdout.splitlines()
    wrong = [place for place, line in enumerate(lines) if line.startswith("WRONG")]
    if not wrong:
        return f"nothing wrong: {said.stdout[-200:]}{said.stderr[-300:]}"
    causes = []
    for line in lines[wrong[0] + 1 :]:
        if not line.startswith("            likely: "):
            break
        causes.append(line)
    if f'output "{output}"' not in lines[wrong[0]]:
        return f"another operator: {lines[wrong[0]][:200]}"
    if not cause:
        is_placed = any(place in lines[wrong[0]] for place in ("worst at [", "got shape ["))
        return "" if is_placed else f"no element: {lines[wrong[0]][:200]}"
    return "" if any(cause in line for line in causes) else f"other causes: {causes}"


def count(convoke, path, faults):
    """How many of these are named, and how many the network has a place for."""
    outcomes = []
    for plant in faults:
        outcome = judge(convoke, path, plant)
        said = {None: "no such operator", "": "named"}.get(outcome, f"MISSED, {outcome}")
        print(f"  {plant.__name__}: {said}", flush=True)
        outcomes.append(outcome)
    return outcomes.count(""), len(outcomes) - outcomes.count(None)


def main():
    convoke, *paths = sys.argv[1:]
    is_good = bool(paths)
    for path in paths:
        is_good &= is_clean(convoke, path)
        named, planted = count(convoke, path, FAULTS)
        print(f"{path}: {named} of {planted} faults are named with operator and cause")
        others, all_others = count(convoke, path, OTHERS)
        print(f"{path}: {others} of {all_others} others are named with operator and element", flush=True)
        # Nine of ten must be.
        is_good &= 10 * named >= 9 * planted > 0 and others == all_others
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
