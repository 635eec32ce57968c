#!/usr/bin/env python3
"""Write tests/data/quantised: a small network in the forms that ONNX Runtime's quantiser writes, with what ONNX Runtime computes.

The network has the layers of the usual ones: a convolution with a stride, a depthwise and a pointwise one, a residual sum, groups, a
pooled plane and a linear layer. All quantised results are outputs, so that each is compared bit for bit. Where activations have no
sign ONNX Runtime's answers are taken without its optimizations: those make other operators of the network.

    pip install torch onnx onnxruntime
    python tools/make_quantised.py
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

DATA = Path(__file__).parent.parent / "tests" / "data" / "quantised"
SHAPE = (2, 3, 21, 18)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 10, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(10, 10, 3, padding=1, groups=10)
        self.pointwise = nn.Conv2d(10, 10, 1)
        self.grouped = nn.Conv2d(10, 14, (3, 2), stride=(1, 2), padding=1, groups=2)
        self.linear = nn.Linear(14, 9)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        x = torch.relu(x + self.pointwise(torch.relu(self.depthwise(x))))
        x = torch.relu(self.grouped(x))
        return self.linear(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


def image(seed):
    return np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32)


class Images(CalibrationDataReader):
    def __init__(self):
        self.left = [image(seed) for seed in range(1, 6)]

    def get_next(self):
        return {"x": self.left.pop()} if self.left else None


def with_results(model):
    """The model with every quantised result as an output."""
    known = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    for node in model.graph.node:
        zero_point = {"QuantizeLinear": 2, "QLinearConv": 7, "QLinearAdd": 7}.get(node.op_type)
        if zero_point is not None and node.input[zero_point] in known:
            output = helper.make_tensor_value_info(node.output[0], known[node.input[zero_point]], None)
            model.graph.output.append(output)
    return model


def write(name, model):
    """A case as ONNX's own are laid out."""
    folder = DATA / name
    shutil.rmtree(folder, ignore_errors=True)
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    onnx.save(model, folder / "model.onnx")
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = image(99)
    (data / "input_0.pb").write_bytes(numpy_helper.from_array(x, "x").SerializeToString())
    names = [output.name for output in model.graph.output]
    for index, (name, output) in enumerate(zip(names, session.run(None, {"x": x}))):
        (data / f"output_{index}.pb").write_bytes(numpy_helper.from_array(output, name).SerializeToString())


def main():
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        floats, prepared, quantised = (Path(folder) / name for name in ("f.onnx", "p.onnx", "q.onnx"))
        network = Network().eval()
        torch.onnx.export(network, torch.zeros(SHAPE), floats, opset_version=17, dynamo=False, input_names=["x"])
        quant_pre_process(floats, prepared)
        unsigned, signed = QuantType.QUInt8, QuantType.QInt8
        for name, options in {
            "qdq": dict(activation_type=unsigned, weight_type=signed, per_channel=True),
            "qdq_signed": dict(activation_type=signed, weight_type=signed),
            "qdq_unsigned": dict(activation_type=unsigned, weight_type=unsigned),
            "q_operator": dict(quant_format=QuantFormat.QOperator, activation_type=unsigned, weight_type=signed),
            "q_operator_unsigned": dict(quant_format=QuantFormat.QOperator, activation_type=unsigned, weight_type=unsigned),
        }.items():
            quantize_static(prepared, quantised, Images(), **{"quant_format": QuantFormat.QDQ} | options)
            write(name, with_results(onnx.load(quantised)))
        quantize_dynamic(prepared, quantised, weight_type=unsigned)
        write("dynamic", onnx.load(quantised))


if __name__ == "__main__":
    main()
