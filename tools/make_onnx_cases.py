#!/usr/bin/env python3
"""Write tests/data/onnx: small models, and cases.safetensors with inputs and ONNX Runtime's outputs.

    pip install onnx==1.23.2 onnxruntime==1.32.0 safetensors==0.8.0 numpy==2.4.6
    python tools/make_onnx_cases.py

Tensors are called CASE/in/NAME and CASE/out/NAME; an output called CASE/exact/NAME is to be matched bit for bit. Data are
whole numbers from -8 to 8, so that sums are exact in any order, except where a case says otherwise. Nothing is square.
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parent.parent / "tests" / "data" / "onnx"
rng = np.random.default_rng(20261122)
tensors = {}


def ints(*shape):
    return rng.integers(-8, 9, shape).astype(np.float32)


def reals(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def i64(*values):
    return np.array(values, dtype=np.int64)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(","), outputs.split(","), **attributes)


def case(name, opset, nodes, inputs, weights=None, exact=False, ir=8, dims=None, weights_are_inputs=False, more_outputs=(), expected=None):
    """The last node's output, called y, is the model's."""
    weights = weights or {}
    info = lambda n, a: helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), (dims or {}).get(n, a.shape))
    declared = [info(n, a) for n, a in inputs.items()]
    if weights_are_inputs:
        declared += [info(n, a) for n, a in weights.items()]
    names = ("y", *more_outputs)

    def build(shapes):
        outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in zip(names, shapes)]
        graph = helper.make_graph(nodes, name, declared, outputs, [numpy_helper.from_array(a, n) for n, a in weights.items()])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)

    unknown = build([None] * len(names))
    session = ort.InferenceSession(unknown.SerializeToString(), providers=["CPUExecutionProvider"])
    results = session.run(None, inputs) if expected is None else [expected]
    model = build([a.shape for a in results])
    onnx.checker.check_model(model)
    (ROOT / f"{name}.onnx").write_bytes(model.SerializeToString())
    for n, a in inputs.items():
        tensors[f"{name}/in/{n}"] = a
    for output, a in zip(names, results):
        tensors[f"{name}/{'exact' if exact else 'out'}/{output}"] = np.array(a, order="C")


def one(name, opset, op, x, weights=None, exact=False, inputs="", **attributes):
    """One node of input x and weights w, b, ..."""
    weights = weights or {}
    names = inputs or ",".join(["x", *weights])
    case(name, opset, [node(op, names, "y", **attributes)], {"x": x}, weights, exact)


def convolutions():
    x, w, b = ints(2, 4, 7, 9), ints(6, 2, 3, 2), ints(6)
    one("conv", 11, "Conv", x, dict(w=w, b=b), True, kernel_shape=[3, 2], pads=[1, 0, 2, 3], strides=[2, 1], dilations=[1, 3], group=2)
    one("conv_plain", 7, "Conv", x, dict(w=ints(3, 4, 2, 3)), True)
    one("conv_depthwise", 22, "Conv", x, dict(w=ints(8, 1, 3, 3), b=ints(8)), True, group=4, pads=[1, 1, 1, 1])
    for auto in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        one(f"conv_{auto.lower()}", 11, "Conv", x, dict(w=ints(3, 4, 2, 4)), True, auto_pad=auto, strides=[2, 3])
    one("conv_1d", 11, "Conv", ints(2, 4, 11), dict(w=ints(6, 2, 3), b=ints(6)), True, pads=[2, 1], strides=[2], dilations=[2], group=2)
    one("conv_1d_same", 11, "Conv", ints(2, 4, 11), dict(w=ints(6, 4, 4)), True, auto_pad="SAME_LOWER", strides=[3])
    x, w, b = ints(2, 4, 5, 3), ints(4, 3, 3, 2), ints(6)
    one("conv_transpose", 11, "ConvTranspose", x, dict(w=w, b=b), True, group=2, strides=[2, 3], pads=[1, 0, 0, 1], output_padding=[1, 2], dilations=[1, 2])
    one("conv_transpose_shape", 11, "ConvTranspose", x, dict(w=w), True, group=2, strides=[2, 3], output_shape=[10, 7])
    for auto in ("SAME_UPPER", "SAME_LOWER"):
        one(f"conv_transpose_{auto.lower()}", 11, "ConvTranspose", x, dict(w=ints(4, 3, 5, 4)), True, strides=[2, 1], auto_pad=auto)
    one("conv_transpose_1d", 11, "ConvTranspose", ints(2, 4, 5), dict(w=ints(4, 3, 3)), True, strides=[2], pads=[1, 0], output_padding=[1])


def pools():
    x = ints(2, 3, 8, 11)
    one("max_pool", 8, "MaxPool", x, exact=True, kernel_shape=[3, 2], strides=[2, 3], pads=[1, 0, 0, 1])
    one("max_pool_ceil", 12, "MaxPool", x, exact=True, kernel_shape=[3, 2], strides=[2, 3], pads=[1, 0, 1, 1], dilations=[1, 2], ceil_mode=1)
    one("max_pool_over_half", 12, "MaxPool", x, exact=True, kernel_shape=[3, 5], pads=[2, 4, 1, 3], strides=[1, 2])
    one("max_pool_same", 12, "MaxPool", x, exact=True, kernel_shape=[4, 3], auto_pad="SAME_UPPER", strides=[3, 2])
    one("max_pool_1d", 12, "MaxPool", ints(2, 3, 11), exact=True, kernel_shape=[3], strides=[2], pads=[1, 0])
    case("max_pool_indices_unused", 12, [node("MaxPool", "x", "y,i", kernel_shape=[2, 2])], {"x": x}, exact=True)
    for include in (0, 1):
        one(f"average_pool_{include}", 11, "AveragePool", x, kernel_shape=[3, 2], strides=[2, 3], pads=[1, 0, 0, 1], count_include_pad=include)
        one(f"average_pool_ceil_{include}", 19, "AveragePool", x, kernel_shape=[3, 4], strides=[2, 3], pads=[1, 1, 1, 0], ceil_mode=1, count_include_pad=include)
    one("average_pool", 7, "AveragePool", x, kernel_shape=[2, 4], pads=[1, 2, 0, 1])
    one("average_pool_over_half", 11, "AveragePool", x, kernel_shape=[3, 5], pads=[2, 4, 1, 3], count_include_pad=1)
    one("average_pool_same", 11, "AveragePool", x, kernel_shape=[4, 3], auto_pad="SAME_LOWER", strides=[3, 2])
    one("average_pool_1d", 11, "AveragePool", ints(2, 3, 11), kernel_shape=[3], strides=[2], pads=[0, 1])
    one("global_average_pool", 11, "GlobalAveragePool", x)
    one("global_max_pool", 11, "GlobalMaxPool", x, exact=True)
    one("global_average_pool_1d", 11, "GlobalAveragePool", ints(2, 3, 11))


def pads():
    x = ints(2, 3, 5, 4)
    one("pad_attribute", 10, "Pad", x, exact=True, pads=[0, 0, 1, 2, 0, 0, 3, 0], value=2.5)
    one("pad_crop", 13, "Pad", x, dict(p=i64(0, 0, -1, 2, 0, 0, 3, -2), v=np.float32(-3)), True)
    for mode in ("reflect", "edge"):
        one(f"pad_{mode}", 13, "Pad", x, dict(p=i64(0, 0, 4, 0, 0, 0, 1, 3)), True, mode=mode)
    one("pad_wrap", 19, "Pad", x, dict(p=i64(0, 0, 5, 0, 0, 0, 1, 4)), True, mode="wrap")
    one("pad_axes", 18, "Pad", x, dict(p=i64(1, 2, 3, 4), a=i64(-1, 2)), True, inputs="x,p,,a")
    one("pad_nothing", 13, "Pad", ints(2, 3), dict(p=i64(0, 0, 0, 0)), True)


def layers():
    x = reals(2, 3, 4, 5)
    stats = dict(s=reals(3), b=reals(3), m=reals(3), v=np.abs(reals(3)) + 0.1)
    for opset in (7, 9, 15):
        one(f"batch_norm_{opset}", opset, "BatchNormalization", x, stats, epsilon=1e-3, momentum=0.8)
    one("gemm", 13, "Gemm", ints(3, 4), dict(w=ints(4, 5), b=ints(5)), True)
    one("gemm_scaled", 11, "Gemm", ints(3, 4), dict(w=ints(5, 4), b=ints(5)), True, transB=1, alpha=0.5, beta=2.0)
    one("gemm_scalar", 13, "Gemm", ints(3, 4), dict(w=ints(4, 5), b=ints(1)), True)
    one("gemm_rows", 13, "Gemm", ints(3, 4), dict(w=ints(4, 5), b=ints(3, 1)), True)
    one("gemm_without_c", 11, "Gemm", ints(3, 4), dict(w=ints(4, 5)), True)
    case("gemm_trans_a", 13, [node("Gemm", "a,x,c", "y", transA=1, transB=1)], {"x": ints(5, 4), "c": ints(3, 5)}, {"a": ints(4, 3)}, True)
    one("mat_mul", 13, "MatMul", ints(2, 3, 4), dict(w=ints(4, 5)), True)
    x = 3 * reals(2, 3, 4, 5)
    for opset in (11, 13):
        one(f"softmax_{opset}", opset, "Softmax", x)
        one(f"softmax_axis_{opset}", opset, "Softmax", x, axis=2)
        one(f"log_softmax_{opset}", opset, "LogSoftmax", x, axis=-2)
    one("softmax_0_11", 11, "Softmax", x, axis=0)


def activations():
    x = np.concatenate([3 * reals(2, 3, 20), np.array([-1e3, -100, -1, -0.0, 0, 1, 88, 1e3] * 6, dtype=np.float32).reshape(2, 3, 8)], 2)
    x = x.reshape(2, 3, 4, 7)
    one("relu", 7, "Relu", x, exact=True)
    for op in ("Tanh", "Softplus"):
        one(op.lower(), 13, op, x)
    # ONNX Runtime's sigmoid is an approximation, 2e-8 off near 0.
    case("sigmoid", 13, [node("Sigmoid", "x", "y")], {"x": x}, expected=(1 / (1 + np.exp(-x.astype(np.float64)))).astype(np.float32))
    one("hard_swish", 14, "HardSwish", x)
    one("mish", 18, "Mish", x)
    # For negative x ONNX Runtime's 1 + erf(..) cancels, which the reference's bound does not allow for.
    one("gelu", 20, "Gelu", np.abs(x))
    one("leaky_relu", 7, "LeakyRelu", x, alpha=0.3)
    one("leaky_relu_default", 16, "LeakyRelu", x)
    one("elu", 7, "Elu", x, alpha=1.7)
    one("hard_sigmoid", 7, "HardSigmoid", x, alpha=1 / 6)
    one("prelu_channels", 9, "PRelu", x, dict(w=reals(3, 1, 1)))
    one("prelu_one", 16, "PRelu", x, dict(w=reals(1)))
    one("clip_attributes", 10, "Clip", x, exact=True, min=-1.5, max=6.0)
    one("clip_default", 6 + 1, "Clip", x, exact=True)
    one("clip", 13, "Clip", x, dict(l=np.float32(0), h=np.float32(6)), True)
    one("clip_max", 11, "Clip", x, dict(h=np.float32(2)), True, inputs="x,,h")
    one("clip_crossed", 13, "Clip", x, dict(l=np.float32(3), h=np.float32(-2)), True)


def arithmetic():
    x, z = ints(2, 3, 4, 5), ints(3, 1, 5)
    case("add", 7, [node("Add", "x,z", "y")], {"x": x, "z": z}, exact=True)
    case("mul", 14, [node("Mul", "z,x", "y")], {"x": x, "z": z}, exact=True)
    one("add_constant", 13, "Add", x, dict(w=ints(5)), True)
    case("sum", 13, [node("Sum", "x,z,w", "y")], {"x": x, "z": z}, {"w": ints(4, 1)}, True)
    case("residual", 13, [node("Relu", "x", "r"), node("Add", "x,r", "s"), node("Mul", "s,r", "y")], {"x": x}, exact=True)
    case("two_outputs", 13, [node("Relu", "x", "y"), node("Identity", "y", "again"), node("Identity", "x", "same")], {"x": x}, exact=True, more_outputs=("again", "same", "w"), weights={"w": ints(2)})
    case("dropout", 12, [node("Dropout", "x,r", "d,m"), node("Identity", "d", "y")], {"x": x}, {"r": np.float32(0.5)}, True)
    case("dropout_attribute", 7, [node("Dropout", "x", "y", ratio=0.3)], {"x": x}, exact=True)
    case("cast", 13, [node("Cast", "x", "c", to=TensorProto.FLOAT), node("Add", "c,c", "y")], {"x": x}, exact=True)
    double = numpy_helper.from_array(np.array([1.5, -2.25, 3, 4, 5]))
    case("double", 13, [node("Cast", "w,".strip(","), "f", to=TensorProto.FLOAT), node("Add", "x,f", "y")], {"x": x}, {"w": numpy_helper.to_array(double)}, True)
    constant = helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(ints(5)))
    case("constant", 13, [constant, node("Mul", "x,k", "y")], {"x": x}, exact=True)
    numbers = helper.make_node("Constant", [], ["k"], value_floats=[1.0, 2.0, 3.0, 4.0, 5.0])
    case("constant_floats", 13, [numbers, node("Mul", "x,k", "y")], {"x": x}, exact=True)
    case("ir_3", 8, [node("Conv", "x,w,b", "y")], {"x": ints(1, 2, 4, 5)}, dict(w=ints(3, 2, 2, 3), b=ints(3)), True, ir=3, weights_are_inputs=True)


def shapes():
    x = ints(2, 3, 4, 5)
    one("reshape", 13, "Reshape", x, dict(s=i64(0, -1, 2)), True)
    one("reshape_5", 7, "Reshape", x, dict(s=i64(4, 30)), True)
    for axis in (0, 1, 2, 4, -1):
        one(f"flatten_{axis}", 13, "Flatten", x, exact=True, axis=axis)
    x = ints(1, 3, 1, 5)
    one("squeeze_all", 11, "Squeeze", x, exact=True)
    one("squeeze_11", 11, "Squeeze", x, exact=True, axes=[0, -2])
    one("squeeze_13", 13, "Squeeze", x, dict(a=i64(2)), True)
    one("unsqueeze_11", 11, "Unsqueeze", ints(3, 4), exact=True, axes=[0, 3])
    one("unsqueeze_13", 13, "Unsqueeze", ints(3, 4), dict(a=i64(-1, 1)), True)
    # torch.flatten and x.view(x.size(0), -1) as exporters write them.
    x = ints(2, 3, 4, 5)
    case("view", 13, [
        node("Shape", "x", "s"), node("Gather", "s,zero", "n", axis=0), node("Unsqueeze", "n,axis", "u"),
        node("Concat", "u,rest", "t", axis=0), node("Reshape", "x,t", "y"),
    ], {"x": x}, {"zero": np.array(0, dtype=np.int64), "axis": i64(0), "rest": i64(-1)}, True, dims={"x": ["n", 3, "h", "w"]})
    case("resize_computed", 13, [
        node("Shape", "x", "s"), node("Slice", "s,two,end", "hw"), node("Slice", "s,zero,two", "nc"), node("Cast", "hw", "f", to=TensorProto.FLOAT),
        node("Mul", "f,scale", "g"), node("Floor", "g", "h"), node("Cast", "h", "i", to=TensorProto.INT64), node("Concat", "nc,i", "t", axis=0),
        helper.make_node("Resize", ["x", "", "", "t"], ["y"], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    ], {"x": x}, {"zero": i64(0), "two": i64(2), "end": i64(2**63 - 1), "scale": np.array([2, 2], dtype=np.float32)}, True)
    case("halves", 13, [
        node("Shape", "x", "s"), node("Gather", "s,last", "w"), node("Div", "w,two", "h"), node("Sub", "h,one", "k"), node("Add", "k,one", "l"),
        node("Unsqueeze", "l,zero", "u"), node("ConstantOfShape", "u", "c", value=numpy_helper.from_array(i64(7))),
        node("Cast", "c", "f", to=TensorProto.FLOAT), node("Range", "start,w,one", "r"), node("Cast", "r", "g", to=TensorProto.FLOAT),
        node("Add", "x,g", "z"), node("Unsqueeze", "f,one_", "v"), node("Reshape", "z,flat", "o"), node("Add", "o,v", "y"),
    ], {"x": x[:1, :1]}, {"last": np.array(-1, dtype=np.int64), "two": np.array(2, dtype=np.int64), "one": np.array(1, dtype=np.int64),
          "start": np.array(0, dtype=np.int64), "zero": i64(0), "one_": i64(1), "flat": i64(2, 10)}, True)
    case("steps", 13, [
        node("Shape", "x", "s"), node("Slice", "s,from,to,axis,step", "t"), node("Reshape", "x,t", "y"),
    ], {"x": x}, {"from": i64(-1), "to": i64(-100), "axis": i64(0), "step": i64(-1)}, True)
    case("transposed_weight", 13, [node("Transpose", "w", "t", perm=[1, 0]), node("MatMul", "x,t", "y")], {"x": ints(3, 4)}, {"w": ints(5, 4)}, True)


def resizes():
    x = ints(2, 3, 4, 5)
    scales = np.array([1, 1, 2, 3], dtype=np.float32)
    one("upsample_7", 7, "Upsample", x, exact=True, scales=[1.0, 1.0, 2.0, 3.0])
    one("upsample_9", 9, "Upsample", x, dict(s=scales), True)
    one("resize_10", 10, "Resize", x, dict(s=scales), True)
    resize = lambda name, opset=13, **k: one(name, opset, "Resize", x, dict(s=scales), k["mode"] == "nearest", inputs="x,,s", **k)
    resize("resize_nearest", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    resize("resize_nearest_default", mode="nearest")
    sizes = i64(2, 3, 7, 9)
    for mode in ("half_pixel", "align_corners", "pytorch_half_pixel"):
        one(f"resize_{mode}", 13, "Resize", x, dict(s=sizes), inputs="x,,,s", mode="linear", coordinate_transformation_mode=mode)
    for rounding in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil"):
        for mode in ("half_pixel", "align_corners", "asymmetric"):
            one(f"resize_{rounding}_{mode}", 13, "Resize", x, dict(s=sizes), True, inputs="x,,,s", mode="nearest", nearest_mode=rounding, coordinate_transformation_mode=mode)
    resize("resize_linear_asymmetric", mode="linear", coordinate_transformation_mode="asymmetric")
    one("resize_axes", 18, "Resize", x, dict(s=i64(8, 10)), inputs="x,,,s", mode="linear", axes=[2, 3])


def more_elementwise():
    x, z = ints(2, 3, 4, 5), ints(3, 1, 5)
    y = np.abs(reals(2, 3, 4, 5)) + np.float32(0.1)
    case("sub", 13, [node("Sub", "x,z", "y")], {"x": x, "z": z}, exact=True)
    case("div", 13, [node("Div", "x,z", "y")], {"x": x, "z": np.where(z == 0, 3, z).astype(np.float32)})
    case("pow", 13, [node("Pow", "x,z", "y")], {"x": y, "z": z / 4})
    one("pow_whole", 13, "Pow", x, dict(w=np.array(3, dtype=np.int64)))
    for op in ("Min", "Max", "Sum"):
        case(f"{op.lower()}_many", 13, [node(op, "x,z,w", "y")], {"x": x, "z": z}, {"w": ints(4, 1)}, True)
    case("mean", 13, [node("Mean", "x,z,w", "y")], {"x": x, "z": z}, {"w": ints(4, 1)})
    for op in ("Abs", "Neg"):
        one(op.lower(), 13, op, x, exact=True)
    for op in ("Exp", "Softsign", "Selu"):
        one(op.lower(), 13, op, reals(2, 3, 4, 5) * 3)
    for op in ("Sqrt", "Log"):
        one(op.lower(), 13, op, y)
    one("erf", 13, "Erf", np.abs(y))
    one("celu", 12, "Celu", np.abs(reals(2, 3, 4, 5)), alpha=1.5)
    one("hard_sigmoid_default", 6 + 1, "HardSigmoid", reals(2, 3, 4, 5) * 4)
    one("gelu_tanh", 20, "Gelu", y, approximate="tanh")


def more_layers():
    x = reals(2, 3, 4, 5)
    one("instance_norm", 6 + 1, "InstanceNormalization", x, dict(w=reals(3), b=reals(3)), epsilon=1e-3)
    one("lrn", 13, "LRN", reals(2, 7, 4, 5), size=3, alpha=0.3, beta=0.6, bias=1.5)
    one("lp_pool", 11, "LpPool", x, kernel_shape=[3, 2], strides=[1, 2], pads=[1, 0, 1, 1], p=3)
    one("lp_pool_default", 18, "LpPool", x, kernel_shape=[2, 3])
    case("mat_mul_dynamic", 13, [node("MatMul", "x,z", "y")], {"x": ints(2, 1, 4, 6), "z": ints(3, 6, 5)}, exact=True)
    case("mat_mul_vector", 13, [node("MatMul", "x,z", "y")], {"x": ints(6), "z": ints(3, 6, 5)}, exact=True)
    for a in (0, 1):
        for b in (0, 1):
            case(f"gemm_dynamic_{a}{b}", 13, [node("Gemm", "x,z", "y", transA=a, transB=b, alpha=2.0)], {"x": ints(*((4, 3) if a else (3, 4))), "z": ints(*((5, 4) if b else (4, 5)))}, exact=True)


def more_movement():
    x = ints(2, 3, 4, 6)
    for axis in (0, 1, -1):
        shape = lambda n: [n if d == axis % 4 else e for d, e in enumerate(x.shape)]
        case(f"concat_{axis}", 13, [node("Concat", "x,z,w", "y", axis=axis)], {"x": x, "z": ints(*shape(5))}, {"w": ints(*shape(2))}, True)
    one("slice_9", 9, "Slice", x, exact=True, starts=[1, -2], ends=[3, 2**31 - 1], axes=[1, 3])
    one("slice", 13, "Slice", x, dict(s=i64(-1, 5), e=i64(-(2**63), 0), a=i64(1, -1), t=i64(-1, -2)), True)
    case("split_11", 11, [node("Split", "x", "y,z", axis=3, split=[2, 4])], {"x": x}, exact=True, more_outputs=("z",))
    case("split", 13, [node("Split", "x,s", "y,z", axis=-1)], {"x": x}, {"s": i64(5, 1)}, True, more_outputs=("z",))
    case("split_sequence", 17, [node("SplitToSequence", "x,s", "q", axis=3), node("SequenceAt", "q,first", "y"),
         node("SequenceAt", "q,last", "z")], {"x": ints(2, 3, 4, 7)}, {"s": np.array(3, np.int64), "first": np.array(0, np.int64),
         "last": np.array(-1, np.int64)}, True, more_outputs=("z",))
    case("split_uneven", 18, [node("Split", "x", "y,z,u,v", axis=3, num_outputs=4)], {"x": ints(2, 3, 4, 7)}, exact=True, more_outputs=("z", "u", "v"))
    one("transpose", 13, "Transpose", x, exact=True, perm=[0, 2, 3, 1])
    one("transpose_reversed", 13, "Transpose", x, exact=True)
    one("expand", 13, "Expand", ints(3, 1), dict(s=i64(2, 1, 4)), True)
    for mode in ("DCR", "CRD"):
        one(f"depth_to_space_{mode.lower()}", 13, "DepthToSpace", ints(2, 12, 3, 5), exact=True, blocksize=2, mode=mode)
    one("space_to_depth", 13, "SpaceToDepth", x, exact=True, blocksize=2)
    for op in ("ReduceSum", "ReduceMean", "ReduceMax"):
        name = op.lower()
        one(f"{name}_axes", 11, op, x, exact=op != "ReduceMean", axes=[1, -1])
        one(f"{name}_all", 11, op, x, exact=op != "ReduceMean", keepdims=0)
        one(name, 18, op, x, dict(a=i64(2, 3)), op != "ReduceMean", keepdims=0)
        one(f"{name}_nothing", 18, op, x, exact=True, noop_with_empty_axes=1)


def more_windows():
    """Windows that PyTorch does not have: dilated averages, padding over half of the kernel."""
    x = ints(2, 3, 8, 11)
    for include in (0, 1):
        for ceil in (0, 1):
            one(f"average_pool_dilated_{include}_{ceil}", 19, "AveragePool", x, kernel_shape=[3, 2], strides=[2, 3], dilations=[2, 3], pads=[1, 0, 2, 1], ceil_mode=ceil, count_include_pad=include)
        one(f"average_pool_over_half_{include}", 19, "AveragePool", x, kernel_shape=[3, 5], strides=[2, 3], pads=[2, 4, 1, 3], ceil_mode=1, count_include_pad=include)
    one("max_pool_over_half_ceil", 12, "MaxPool", x, exact=True, kernel_shape=[3, 5], strides=[3, 4], pads=[2, 4, 1, 3], ceil_mode=1)
    one("average_pool_dilated_1d", 19, "AveragePool", ints(2, 3, 11), kernel_shape=[3], strides=[2], dilations=[2], pads=[0, 1])


def more_shapes():
    x = ints(2, 3, 4, 6)
    for mode in ("constant", "reflect", "edge", "wrap"):
        one(f"pad_channels_{mode}", 19, "Pad", x, dict(p=i64(1, 2, 0, 1), a=i64(1, -1)), True, inputs="x,p,,a", mode=mode)
    one("pad_3d", 13, "Pad", ints(2, 3, 5), dict(p=i64(0, 1, -2, 1, 0, 3), v=np.float32(7)), True)
    one("gather", 13, "Gather", x, dict(i=np.array([[1, 2], [-1, 0]], np.int64)), True, axis=1)
    one("gather_scalar", 13, "Gather", x, dict(i=np.array(-2, np.int64)), True, axis=3)
    for name, shape in dict(row=(6,), all=(2, 3, 4, 6), column=(4, 1)).items():
        one(f"p_relu_{name}", 16, "PRelu", x, dict(s=ints(*shape)), True)
    for op in ("Floor", "Ceil"):
        one(op.lower(), 13, op, reals(3, 5), exact=True)
    one("reducemin", 18, "ReduceMin", x, dict(a=i64(2, 0)), True, keepdims=0)
    for policy in ("not_larger", "not_smaller"):
        one(f"resize_{policy}", 18, "Resize", x, dict(n=i64(9, 9)), inputs="x,,,n", mode="linear", axes=[2, 3], keep_aspect_ratio_policy=policy)
    one("resize_symmetric", 19, "Resize", x, dict(s=np.array([1.25, 0.5], np.float32)), inputs="x,,s", mode="linear", axes=[2, 3], coordinate_transformation_mode="half_pixel_symmetric")
    case("clip_dynamic", 13, [node("Exp", "l", "e"), node("Clip", "x,e,h", "y")], {"x": 9 * reals(3, 5), "l": np.array(-0.5, np.float32), "h": np.array(3, np.float32)})
    one("swish", 24, "Swish", reals(3, 5), alpha=1.7)


if __name__ == "__main__":
    ROOT.mkdir(parents=True, exist_ok=True)
    for old in ROOT.glob("*.onnx"):
        old.unlink()
    for write in (convolutions, pools, pads, layers, activations, arithmetic, shapes, resizes, more_elementwise, more_layers, more_movement, more_windows, more_shapes):
        write()
    save_file(dict(sorted(tensors.items())), ROOT / "cases.safetensors")
    print(len(list(ROOT.glob("*.onnx"))), "cases")
