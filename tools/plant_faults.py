"""Ten faults, each planted in one operator of a network that ONNX Runtime then runs, and what `convoke verify --against` says of them.

    python tools/plant_faults.py CONVOKE MODEL.onnx [...]

A fault is a change of the model that leaves the tensors' names as they are; convoke judges the run against the model without it. Counted
is a fault whose operator is the first that is named wrong, and whose cause is among those given. Needs what `dump_onnxruntime.py` does.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import helper, numpy_helper

import dump_onnxruntime


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
        return None
    own = attribute(node, "coordinate_transformation_mode")
    is_half = own is None or b"half" in own.s
    set_attribute(node, "coordinate_transformation_mode", "asymmetric" if is_half else "half_pixel")
    if attribute(node, "mode") is None or attribute(node, "mode").s == b"nearest":
        set_attribute(node, "nearest_mode", "ceil" if is_half else "round_prefer_ceil")
    return node, "pixels are placed as in", None


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
    model = onnx.load(path)
    said = verdict(convoke, model, dump_onnxruntime.run(model))
    print(f"{path}: without a fault: {said.stdout.strip() or said.stderr.strip()}")
    return said.returncode == 0 and said.stdout.startswith("verified")


def judge(convoke, path, plant):
    """Nothing where the operator and the cause are named, else what was said; None where the network has nothing to plant it in."""
    honest = onnx.load(path)
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
    return "" if any(cause in line for line in causes) else f"other causes: {causes}"


def main():
    convoke, *paths = sys.argv[1:]
    is_good = bool(paths)
    for path in paths:
        is_good &= is_clean(convoke, path)
        named, planted = 0, 0
        for plant in FAULTS:
            outcome = judge(convoke, path, plant)
            said = {None: "no such operator", "": "named"}.get(outcome, f"MISSED, {outcome}")
            print(f"  {plant.__name__}: {said}", flush=True)
            planted += outcome is not None
            named += outcome == ""
        print(f"{path}: {named} of {planted} faults are named with operator and cause")
        # Nine of ten must be.
        is_good &= 10 * named >= 9 * planted > 0
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
