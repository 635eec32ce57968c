#!/usr/bin/env python3
"""Write an ONNX model as wonnx can read it: a fixed batch, shapes inferred, no Identity, Gemm with its weight as it stands.

    pip install onnx==1.23.2 numpy==2.4.6
    python prepare_for_wonnx.py MODEL.onnx PREPARED.onnx

Exported models need all four, and compute the same afterwards; every engine reads the result.
"""

import sys

import onnx
from onnx import numpy_helper, shape_inference


def fix_batch(graph):
    for value in [*graph.input, *graph.output]:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_value = 1


def remove_identities(graph):
    sources = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}

    def source(name):
        while name in sources:
            name = sources[name]
        return name

    kept = [node for node in graph.node if node.op_type != "Identity"]
    for node in kept:
        node.input[:] = [source(name) for name in node.input]
    for value in graph.output:
        if value.name in sources:
            sys.exit(f"the output {value.name} is an Identity's")
    del graph.node[:]
    graph.node.extend(kept)


def transpose_gemms(graph):
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        transposed = [attribute for attribute in node.attribute if attribute.name == "transB" and attribute.i]
        if node.op_type != "Gemm" or not transposed:
            continue
        weight = numpy_helper.to_array(initializers[node.input[1]]).T.copy()
        name = node.input[1] + ".transposed"
        graph.initializer.append(numpy_helper.from_array(weight, name))
        node.input[1] = name
        node.attribute.remove(transposed[0])
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    model = onnx.load(sys.argv[1])
    fix_batch(model.graph)
    remove_identities(model.graph)
    transpose_gemms(model.graph)
    del model.graph.value_info[:]
    model = shape_inference.infer_shapes(model)
    onnx.checker.check_model(model)
    onnx.save(model, sys.argv[2])


if __name__ == "__main__":
    main()
