"""Makes tests/data/channels_last.onnx: the mean and the largest level of each channel of one picture, whose channels stand last.

    python tools/make_channels_last.py tests/data/channels_last.onnx

As TensorFlow's models are exported: a Transpose stands first, and constants are nodes.
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

scale = numpy_helper.from_array(np.array([1, 2, 4], np.float32).reshape(1, 3, 1, 1), "scale")
nodes = [
    helper.make_node("Transpose", ["picture"], ["first"], name="first", perm=[0, 3, 1, 2]),
    helper.make_node("Constant", [], ["scale"], name="scale", value=scale),
    helper.make_node("Mul", ["first", "scale"], ["scaled"], name="scaled"),
    helper.make_node("GlobalAveragePool", ["scaled"], ["averaged"], name="averaged"),
    helper.make_node("Flatten", ["averaged"], ["mean"], name="mean"),
    helper.make_node("GlobalMaxPool", ["scaled"], ["pooled"], name="pooled"),
    helper.make_node("Flatten", ["pooled"], ["largest"], name="largest"),
]
graph = helper.make_graph(
    nodes,
    "channels_last",
    [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 4, 6, 3])],
    [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3]) for name in ["mean", "largest"]],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
model.ir_version = 9
onnx.checker.check_model(model)
onnx.save(model, sys.argv[1])
