"""Runs a model in ONNX Runtime and writes every tensor of it, for `convoke verify MODEL --against FILE.npz`.

    python dump_onnxruntime.py MODEL.onnx OUT.npz|FOLDER|- [--input NAME=FILE.npy ...] [--seed N] [--optimised]

`-` is stdout, as a .npz file.

All tensors between operators are made outputs. Without --optimised the graph is run as it stands, so that each operator is the file's
own. Inputs that nothing is said of are random numbers, an open extent being 1. Needs numpy, onnx and onnxruntime.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime


def with_all_outputs(model):
    """The same model, of which every tensor that a node gives is an output."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    known = {output.name for output in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in known:
                known.add(name)
                model.graph.output.append(onnx.ValueInfoProto(name=name))
    return model


def random_input(session_input, random):
    shape = [extent if isinstance(extent, int) else 1 for extent in session_input.shape]
    kind = session_input.type
    if kind in ("tensor(float)", "tensor(float16)", "tensor(double)"):
        dtype = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}[kind]
        return random.standard_normal(shape).astype(dtype)
    if kind == "tensor(bool)":
        return random.integers(0, 2, shape).astype(bool)
    dtype = {"tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(uint8)": np.uint8, "tensor(int8)": np.int8}
    return random.integers(0, 8, shape).astype(dtype[kind])


def run(model, given=None, seed=0, optimised=False):
    """All tensors of a run by their names, the inputs among them."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    whole = with_all_outputs(model).SerializeToString()
    session = onnxruntime.InferenceSession(whole, options, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(seed)
    tensors = dict(given or {})
    for session_input in session.get_inputs():
        if session_input.name not in tensors:
            tensors[session_input.name] = random_input(session_input, random)
    outputs = session.run(None, {i.name: tensors[i.name] for i in session.get_inputs()})
    for output, value in zip(session.get_outputs(), outputs):
        if isinstance(value, np.ndarray):
            tensors[output.name] = value
    return tensors


def write(tensors, path):
    """A .npz file, or a folder of .npy files with a list of the names that they stand for."""
    if path == "-":
        np.savez(sys.stdout.buffer, **tensors)
        return
    path = pathlib.Path(path)
    if path.suffix == ".npz":
        np.savez(path, **tensors)
        return
    path.mkdir(parents=True, exist_ok=True)
    files = {name: f"{number}.npy" for number, name in enumerate(tensors)}
    for name, file in files.items():
        np.save(path / file, tensors[name])
    (path / "tensors.json").write_text(json.dumps(files, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--input", action="append", default=[], metavar="NAME=FILE.npy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--optimised", action="store_true")
    arguments = parser.parse_args()
    given = {name: np.load(file) for name, file in (text.split("=", 1) for text in arguments.input)}
    tensors = run(onnx.load(arguments.model), given, arguments.seed, arguments.optimised)
    write(tensors, arguments.out)
    print(f"{len(tensors)} tensors in {arguments.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
