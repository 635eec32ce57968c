#!/usr/bin/env python3
"""Write tests/data/onnx_node: ONNX's own backend test cases of the operators that convoke knows.

    pip download onnx==1.22.0 --no-deps --dest wheel
    pip install onnx==1.23.2
    python tools/fetch_onnx_node_cases.py wheel/onnx-1.22.0-*.whl

Later packages than 1.22.0 do not carry the cases. A case is taken where every node of its model is in OPERATORS and some
output is of 32-bit floats; ONNX's layout is kept. Cases over LARGEST bytes are left out and named in the folder's README.
"""

import shutil
import sys
import zipfile
from collections import defaultdict
from pathlib import Path, PurePosixPath

import onnx

ROOT = Path(__file__).resolve().parent.parent / "tests" / "data" / "onnx_node"
INSIDE = PurePosixPath("onnx/backend/test/data/node")
LARGEST = 200_000
OPERATORS = set(
    """
    Conv ConvTranspose MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool GlobalLpPool Pad
    BatchNormalization InstanceNormalization LRN Gemm MatMul
    Relu LeakyRelu PRelu Elu Selu Celu Sigmoid HardSigmoid HardSwish Swish Tanh Softplus Softsign Gelu Mish Erf Clip
    Softmax LogSoftmax
    Add Sub Mul Div Pow Sqrt Exp Log Neg Abs Floor Ceil Min Max Sum Mean Where
    ReduceMean ReduceSum ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp
    Concat Split Slice Transpose Reshape Flatten Squeeze Unsqueeze Expand Gather
    Resize Upsample DepthToSpace SpaceToDepth
    Identity Dropout Cast Constant ConstantOfShape Shape
    """.split()
)

README = """# ONNX's node test cases

The backend test cases of ONNX 1.22.0 (`onnx/backend/test/data/node` of its Python package) for the operators that convoke
knows: {count} cases, every one whose model has only such operators and some output of 32-bit floats. They are
© the ONNX project's contributors, under the Apache License 2.0 (`LICENSE-APACHE` at the top of this repository has its
text), and unchanged. `tools/fetch_onnx_node_cases.py` wrote them.

`unsupported.txt` names those that convoke does not run, and why; `tests/onnx_node.rs` runs all and holds the list to the
letter.

Left out for their size, over {largest} bytes: {omitted}.
"""


def wanted(model):
    if not {node.op_type for node in model.graph.node} <= OPERATORS:
        return False
    types = [output.type.tensor_type.elem_type for output in model.graph.output]
    return onnx.TensorProto.FLOAT in types


def main(wheel):
    for folder in ROOT.glob("test_*"):
        shutil.rmtree(folder)
    cases = defaultdict(list)
    taken, omitted = [], []
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            path = PurePosixPath(info.filename)
            if path.is_relative_to(INSIDE) and not info.is_dir():
                cases[path.relative_to(INSIDE).parts[0]].append(info)
        for name, files in sorted(cases.items()):
            model = archive.read(str(INSIDE / name / "model.onnx"))
            if not wanted(onnx.load_from_string(model)):
                continue
            if sum(info.file_size for info in files) > LARGEST:
                omitted.append(name)
                continue
            taken.append(name)
            for info in files:
                target = ROOT / PurePosixPath(info.filename).relative_to(INSIDE)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(info))
    readme = README.format(count=len(taken), largest=LARGEST, omitted=", ".join(f"`{name}`" for name in omitted))
    (ROOT / "README.md").write_text(readme)
    print(f"{len(taken)} cases; too large: {omitted}")


if __name__ == "__main__":
    main(sys.argv[1])
