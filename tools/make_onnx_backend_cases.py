#!/usr/bin/env python3
"""Write tests/data/onnx_node and tests/data/onnx_sets: ONNX's own backend test cases.

    pip download onnx==1.22.0 --no-deps --dest wheel
    pip install onnx==1.23.2 numpy==2.4.6 ml_dtypes==0.6.0
    python tools/make_onnx_backend_cases.py wheel/onnx-1.22.0-*.whl

The node cases are those that the installed package computes, all of them. It does not carry the sets of whole models
(`simple`, `pytorch-converted`, `pytorch-operator`) that packages up to 1.22.0 did, so that these come from that wheel. ONNX's
layout is kept. Cases over LARGEST bytes are left out and named in the folders' READMEs.
"""

import shutil
import sys
import warnings
import zipfile
from collections import defaultdict
from pathlib import Path, PurePosixPath

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case import node

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
INSIDE = PurePosixPath("onnx/backend/test/data")
SETS = ["simple", "pytorch-converted", "pytorch-operator"]
LARGEST = 200_000

README = """# ONNX's {kind}

{what}: {count} cases.
They are © the ONNX project's contributors, under the Apache License 2.0 (`LICENSE-APACHE` at the top of this repository has
its text). `tools/make_onnx_backend_cases.py` wrote them.

`onnx_node/unsupported.txt` names those that convoke does not run, and why; `tests/onnx_node.rs` runs all and holds the list
to the letter.

Left out for their size, over {largest} bytes: {omitted}.
"""


def serialized(value, info):
    """An input or output in the message that the model's declaration asks for."""
    kind = info.type.WhichOneof("value")
    if kind in ("tensor_type", "sparse_tensor_type"):
        tensor = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value), info.name)
        return tensor.SerializeToString()
    write = {
        "map_type": numpy_helper.from_dict,
        "sequence_type": numpy_helper.from_list,
        "optional_type": numpy_helper.from_optional,
    }
    return write[kind](value, info.name).SerializeToString()


def node_cases():
    """Name and files (path in the case's folder, bytes) of every node case."""
    np.random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = node.collect_testcases(None)
    for case in sorted(cases, key=lambda case: case.name):
        files = {"model.onnx": case.model.SerializeToString()}
        for index, (inputs, outputs) in enumerate(case.data_sets):
            graph = case.model.graph
            for stem, values, infos in (("input", inputs, graph.input), ("output", outputs, graph.output)):
                for number, (value, info) in enumerate(zip(values, infos)):
                    files[f"test_data_set_{index}/{stem}_{number}.pb"] = serialized(value, info)
        yield case.name, files


def set_cases(wheel, name):
    """The same for a set in a wheel."""
    cases = defaultdict(dict)
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            path = PurePosixPath(info.filename)
            if path.is_relative_to(INSIDE / name) and not info.is_dir():
                case, *rest = path.relative_to(INSIDE / name).parts
                cases[case]["/".join(rest)] = archive.read(info)
    yield from sorted(cases.items())


def write(folder, cases):
    """Writes cases into a folder that holds no others afterwards; gives how many, and the names of those too large."""
    for old in folder.glob("test_*"):
        shutil.rmtree(old)
    count, omitted = 0, []
    for name, files in cases:
        if sum(map(len, files.values())) > LARGEST:
            omitted.append(name)
            continue
        count += 1
        for path, content in files.items():
            target = folder / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    return count, omitted


def describe(folder, kind, what, count, omitted):
    names = ", ".join(f"`{name}`" for name in omitted)
    (folder / "README.md").write_text(README.format(kind=kind, what=what, count=count, largest=LARGEST, omitted=names))
    print(f"{folder.name}: {count} cases; too large: {omitted}")


def main(wheel):
    count, omitted = write(DATA / "onnx_node", node_cases())
    what = f"The backend test cases of single operators as ONNX {onnx.__version__} makes them"
    describe(DATA / "onnx_node", "node test cases", what, count, omitted)
    count, omitted = 0, []
    for name in SETS:
        written, large = write(DATA / "onnx_sets" / name, set_cases(wheel, name))
        count, omitted = count + written, omitted + large
    what = f"The sets {', '.join(f'`{name}`' for name in SETS)} of ONNX 1.22.0's Python package, unchanged"
    describe(DATA / "onnx_sets", "test cases of whole models", what, count, omitted)


if __name__ == "__main__":
    main(sys.argv[1])
