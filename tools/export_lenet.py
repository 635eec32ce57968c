#!/usr/bin/env python3
"""Write models/lenet5.onnx: the LeNet-5 of models/lenet5.safetensors as an ONNX model, with the same bits.

    pip install onnx==1.23.2 safetensors==0.8.0 numpy==2.4.6
    python tools/export_lenet.py
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

MODELS = Path(__file__).resolve().parent.parent / "models"


def main():
    weights = load_file(MODELS / "lenet5.safetensors")
    node = helper.make_node
    nodes = [
        node("Conv", ["input", "0.weight", "0.bias"], ["conv1"], kernel_shape=[5, 5], pads=[2, 2, 2, 2]),
        node("Relu", ["conv1"], ["relu1"]),
        node("MaxPool", ["relu1"], ["pool1"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["pool1", "3.weight", "3.bias"], ["conv2"], kernel_shape=[5, 5]),
        node("Relu", ["conv2"], ["relu2"]),
        node("MaxPool", ["relu2"], ["pool2"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["pool2", "6.weight", "6.bias"], ["conv3"], kernel_shape=[5, 5]),
        node("Relu", ["conv3"], ["relu3"]),
        node("Flatten", ["relu3"], ["flat"], axis=1),
        node("Gemm", ["flat", "9.weight", "9.bias"], ["linear1"], transB=1),
        node("Relu", ["linear1"], ["relu4"]),
        node("Gemm", ["relu4", "11.weight", "11.bias"], ["logits"], transB=1),
    ]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "LeNet-5",
        [info("input", TensorProto.FLOAT, ["batch", 1, 28, 28])],
        [info("logits", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(array, name) for name, array in sorted(weights.items())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="convoke")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, MODELS / "lenet5.onnx")


if __name__ == "__main__":
    main()
