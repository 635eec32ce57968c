#!/usr/bin/env python3
"""Write tests/data/onnx_dynamic: models with open batch, height and width, and cases.safetensors with ONNX Runtime's answers.

    pip install onnx==1.23.2 onnxruntime==1.32.0 safetensors==0.8.0 numpy==2.4.6
    python tools/make_dynamic_cases.py

What each model computes with is a shape that is known only when it runs; in those called staged_* it is known only once the
model has computed something. Tensors are called MODEL/ROUND/in/NAME and
MODEL/ROUND/out/NAME, with three rounds of other shapes each, to be run one after another in one session.
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parent.parent / "tests" / "data" / "onnx_dynamic"
SHAPES = [(1, 3, 6, 5), (2, 3, 4, 7), (3, 3, 7, 4)]
rng = np.random.default_rng(20261128)
tensors = {}


def reals(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def i64(*values):
    return np.array(values, dtype=np.int64)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(","), outputs.split(","), **attributes)


def case(name, nodes, weights, inputs=None):
    """`inputs` has, for each input, its dimensions and its shapes in the three rounds; the last node gives y."""
    inputs = inputs or {"x": (["n", 3, "h", "w"], SHAPES)}
    declared = [helper.make_tensor_value_info(n, TensorProto.FLOAT, dims) for n, (dims, _) in inputs.items()]

    def build(dims):
        output = helper.make_tensor_value_info("y", TensorProto.FLOAT, dims)
        graph = helper.make_graph(nodes, name, declared, [output], [numpy_helper.from_array(a, n) for n, a in weights.items()])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    session = ort.InferenceSession(build(None).SerializeToString(), providers=["CPUExecutionProvider"])
    for index in range(3):
        arrays = {n: reals(*shapes[index]) for n, (_, shapes) in inputs.items()}
        (y,) = session.run(None, arrays)
        for n, a in arrays.items():
            tensors[f"{name}/{index}/in/{n}"] = a
        tensors[f"{name}/{index}/out/y"] = np.array(y, order="C")
    model = build([f"y{axis}" for axis in range(y.ndim)])
    onnx.checker.check_model(model)
    (ROOT / f"{name}.onnx").write_bytes(model.SerializeToString())


def normalised(channels):
    """Parameters of a BatchNormalization."""
    return dict(scale=reals(channels), shift=reals(channels), mean=reals(channels), variance=np.abs(reals(channels)) + 0.5)


def value(name):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, None)


def number(name):
    return helper.make_tensor_value_info(name, TensorProto.INT64, [])


def flag(name):
    return helper.make_tensor_value_info(name, TensorProto.BOOL, [])


def staged():
    """Shapes, branches and rounds that depend on what was computed."""
    conv = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    # The pixels whose first channel is large, as rows: however many there are.
    case(
        "staged_places",
        [
            node("Conv", "x,w", "c", **conv),
            node("Slice", "c,zero,one,one", "f"),
            node("Greater", "f,limit", "g"),
            node("NonZero", "g", "p"),
            node("Transpose", "p", "q", perm=[1, 0]),
            node("GatherND", "f,q", "v"),
            node("Shape", "v", "s"),
            node("Cast", "s", "count", to=TensorProto.FLOAT),
            node("Div", "v,count", "y"),
        ],
        dict(w=reals(2, 3, 3, 3), zero=i64(0), one=i64(1), limit=np.float32(0.5)),
    )
    # As many columns as the largest number says, and then again of what is left.
    case(
        "staged_slice",
        [
            node("ReduceMax", "x", "m", keepdims=0),
            node("Ceil", "m", "r"),
            node("Cast", "r", "i", to=TensorProto.INT64),
            node("Unsqueeze", "i,zero", "end"),
            node("Slice", "x,zero,end,three", "t"),
            node("Conv", "t,w", "c", **conv),
            node("ReduceMax", "c", "n", keepdims=0),
            node("Floor", "n", "o"),
            node("Cast", "o", "j", to=TensorProto.INT64),
            node("Unsqueeze", "j,zero", "stop"),
            node("Slice", "c,zero,stop,two", "y"),
        ],
        dict(w=reals(2, 3, 3, 3), zero=i64(0), two=i64(2), three=i64(3)),
    )
    # A branch that is chosen by the shape alone, in which something waits for what is computed.
    found = [helper.make_tensor_value_info("found", TensorProto.FLOAT, None)]
    nodes = [node("Greater", "c,limit", "is_large"), node("NonZero", "is_large", "places")]
    nodes += [node("Transpose", "places", "rows", perm=[1, 0]), node("GatherND", "c,rows", "found")]
    some = helper.make_graph(nodes, "some", [], found)
    nothing = [helper.make_tensor_value_info("nothing", TensorProto.FLOAT, None)]
    none = helper.make_graph([node("Reshape", "c,all", "nothing")], "none", [], nothing)
    case(
        "staged_inner",
        [
            node("Conv", "x,w", "c", **conv),
            node("Size", "c", "size"),
            node("Greater", "size,zero", "is_there"),
            node("If", "is_there", "v", then_branch=some, else_branch=none),
            node("Exp", "v", "y"),
        ],
        dict(w=reals(2, 3, 3, 3), limit=np.float32(0.5), zero=np.int64(0), all=i64(-1)),
    )
    # One of two branches that give other shapes, and rounds of a loop.
    output = [helper.make_tensor_value_info("padded", TensorProto.FLOAT, None)]
    wide = helper.make_graph([node("Conv", "x,w", "padded", **conv)], "wide", [], output)
    output = [helper.make_tensor_value_info("valid", TensorProto.FLOAT, None)]
    narrow = helper.make_graph([node("Conv", "x,w", "valid")], "narrow", [], output)
    body = helper.make_graph(
        [node("Identity", "go", "goes_on"), node("Mul", "before,half", "d"), node("Add", "d,b", "after")],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, None),
        ],
    )
    case(
        "staged_branch",
        [
            node("ReduceSum", "x", "sum", keepdims=0),
            node("Greater", "sum,none", "is_positive"),
            node("If", "is_positive", "b", then_branch=wide, else_branch=narrow),
            node("Abs", "sum", "a"),
            node("Ceil", "a", "r"),
            node("Cast", "r", "rounds", to=TensorProto.INT64),
            node("Loop", "rounds,,b", "y", body=body),
        ],
        dict(w=reals(2, 3, 3, 3), none=np.float32(0), half=np.float32(0.5)),
    )
    # Rounds of a known number, each of which cuts where a row of what was computed says; it gives a row, and in it is a branch.
    cut = helper.make_graph([node("Slice", "c,first,last,three", "cut")], "cut", [], [value("cut")])
    whole = helper.make_graph([node("ReduceMax", "c", "whole", keepdims=1)], "whole", [], [value("whole")])
    body = helper.make_graph(
        [
            node("Identity", "true", "goes_on"),
            node("Gather", "starts,number", "start", axis=0),
            node("Reshape", "start,one", "first"),
            node("Add", "first,one", "last"),
            node("Less", "first,two", "is_small"),
            node("If", "is_small", "part", then_branch=cut, else_branch=whole),
            node("ReduceSum", "part", "row", keepdims=0),
            node("Add", "before,row", "after"),
        ],
        "body",
        [number("number"), flag("go"), value("before")],
        [flag("goes_on"), value("after"), value("row")],
        [numpy_helper.from_array(np.bool_(True), "true")],
    )
    case(
        "staged_rounds",
        [
            node("Conv", "x,w", "c", **conv),
            node("ReduceMean", "c", "m", axes=[0, 1, 2], keepdims=0),
            node("Sigmoid", "m", "p"),
            node("Mul", "p,three_reals", "s"),
            node("Cast", "s", "starts", to=TensorProto.INT64),
            node("Loop", "four,,none", "total,rows", body=body),
            node("Add", "rows,total", "y"),
        ],
        dict(w=reals(2, 3, 3, 3), none=np.float32(0), one=i64(1), two=i64(2), three=i64(3), four=np.int64(4), three_reals=np.float32(3.5)),
    )
    # Rounds until what they compute is large enough, the number of which goes into each, and which give rows.
    body = helper.make_graph(
        [
            node("Cast", "number", "n", to=TensorProto.FLOAT),
            node("Add", "before,step", "sum"),
            node("Add", "sum,n", "after"),
            node("Less", "after,most", "goes_on"),
        ],
        "body",
        [number("number"), flag("go"), value("before")],
        [flag("goes_on"), value("after"), value("sum")],
    )
    case(
        "staged_while",
        [
            node("Conv", "x,w", "c", **conv),
            node("ReduceL1", "c", "l", keepdims=0),
            node("Sqrt", "l", "step"),
            node("Loop", ",,none", "total,rows", body=body),
            node("Add", "rows,total", "y"),
        ],
        dict(w=reals(2, 3, 3, 3), none=np.float32(0), most=np.float32(30)),
    )


def main():
    ROOT.mkdir(exist_ok=True)
    conv = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    # Images as rows of positions: the extents are read from the shape.
    case(
        "reshape",
        [
            node("Conv", "x,w", "f", **conv),
            node("Shape", "f", "s"),
            node("Gather", "s,zero", "n", axis=0),
            node("Gather", "s,two", "h", axis=0),
            node("Gather", "s,three", "v", axis=0),
            node("Mul", "h,v", "hw"),
            node("Concat", "n,four,hw", "to", axis=0),
            node("Reshape", "f,to", "r"),
            node("Transpose", "r", "t", perm=[0, 2, 1]),
            node("MatMul", "t,m", "y"),
        ],
        dict(w=reals(4, 3, 3, 3), m=reals(4, 5), zero=i64(0), two=i64(2), three=i64(3), four=i64(4)),
    )
    # A classifier of any size.
    case(
        "flatten",
        [
            node("Conv", "x,w", "c", **conv),
            node("BatchNormalization", "c,scale,shift,mean,variance", "b"),
            node("Relu", "b", "r"),
            node("GlobalAveragePool", "r", "p"),
            node("Flatten", "p", "l", axis=1),
            node("Gemm", "l,m,bias", "y", transB=1),
        ],
        dict(w=reals(6, 3, 3, 3), m=reals(5, 6), bias=reals(5), **normalised(6)),
    )
    # Features of half the size, brought back to the image's and joined with it.
    case(
        "resize",
        [
            node("Conv", "x,w", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
            node("Relu", "c", "r"),
            node("Shape", "r", "own"),
            node("Slice", "own,zero,two", "first"),
            node("Shape", "x", "s"),
            node("Slice", "s,two,four", "last"),
            node("Concat", "first,last", "to", axis=0),
            node("Resize", "r,,,to", "u", mode="linear", coordinate_transformation_mode="half_pixel"),
            node("Concat", "u,x", "j", axis=1),
            node("Conv", "j,v", "y"),
        ],
        dict(w=reals(2, 3, 3, 3), v=reals(2, 5, 1, 1), zero=i64(0), two=i64(2), four=i64(4)),
    )
    # The middle of the image, as large as what a convolution without padding leaves; then its lower right quarter.
    case(
        "slice",
        [
            node("Conv", "x,w", "c"),
            node("Shape", "c", "s"),
            node("Slice", "s,two,four", "last"),
            node("Add", "last,one", "end"),
            node("Slice", "x,ones,end,axes", "m"),
            node("Add", "c,m", "a"),
            node("Div", "last,two", "half"),
            node("Slice", "a,half,last,axes", "y"),
        ],
        dict(w=reals(3, 3, 3, 3), one=i64(1), ones=i64(1, 1), two=i64(2), four=i64(4), axes=i64(2, 3)),
    )
    # A learned row for every image, and a plane of a constant as large as the image.
    case(
        "expand",
        [
            node("Shape", "x", "s"),
            node("Slice", "s,zero,one", "n"),
            node("Slice", "s,two,four", "hw"),
            node("Concat", "n,one,hw", "to", axis=0),
            node("Expand", "learned,to", "e"),
            node("ConstantOfShape", "to", "k", value=numpy_helper.from_array(np.array([0.5], np.float32))),
            node("Concat", "x,e,k", "j", axis=1),
            node("Conv", "j,w", "y", **conv),
        ],
        dict(learned=reals(1, 1, 1, 1), w=reals(2, 5, 3, 3), zero=i64(0), one=i64(1), two=i64(2), four=i64(4)),
    )
    # One input takes the size of another; what is left is one row for each image.
    case(
        "two_inputs",
        [
            node("Shape", "x", "s"),
            node("Slice", "s,two,four", "last"),
            node("Shape", "z", "zs"),
            node("Slice", "zs,zero,two", "first"),
            node("Concat", "first,last", "to", axis=0),
            node("Resize", "z,,,to", "u", mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric"),
            node("Mul", "x,u", "p"),
            node("GlobalMaxPool", "p", "g"),
            node("Squeeze", "g,axes", "y"),
        ],
        dict(zero=i64(0), two=i64(2), four=i64(4), axes=i64(2, 3)),
        dict(x=(["n", 3, "h", "w"], SHAPES), z=(["n", 3, "p", "q"], [(1, 3, 3, 2), (2, 3, 2, 3), (3, 3, 3, 4)])),
    )
    staged()
    save_file(tensors, ROOT / "cases.safetensors")


main()
