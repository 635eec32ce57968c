"""Makes tests/data/free_size.onnx: two convolutions and a global pooling, whose file leaves batch, height and width open.

    python tools/make_free_size.py tests/data/free_size.onnx
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(0)
weights = [
    numpy_helper.from_array((random.standard_normal((4, channels, 3, 3)) / 5).astype(np.float32), f"weight{index}")
    for index, channels in enumerate([3, 4])
]
nodes = [
    helper.make_node("Conv", ["image", "weight0"], ["first"], name="first", pads=[1, 1, 1, 1]),
    helper.make_node("Relu", ["first"], ["active"], name="active"),
    helper.make_node("Conv", ["active", "weight1"], ["second"], name="second", pads=[1, 1, 1, 1]),
    helper.make_node("GlobalAveragePool", ["second"], ["mean"], name="mean"),
]
graph = helper.make_graph(
    nodes,
    "free_size",
    [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
    [helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["batch", 4, 1, 1])],
    weights,
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
model.ir_version = 9
onnx.checker.check_model(model)
onnx.save(model, sys.argv[1])
