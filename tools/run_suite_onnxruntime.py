"""Runs the cases that `convoke suite export DIR` wrote with onnxruntime on the CPU, and compares its answers with theirs.

    python tools/run_suite_onnxruntime.py DIR

Answers of cases whose model says `answers: exact`, and those of whole numbers and bools, must be the same numbers; others may be off
by RTOL of the number wanted, and by ATOL. A case that onnxruntime has no kernel for, or cannot hold, is refused, and is counted and
named with the reason. Exit status 1 if a case fails, or if there is none. Needs onnx, onnxruntime and numpy.
"""

import argparse
import collections
import pathlib
import re
import sys

import numpy as np
import onnx
import onnx.numpy_helper
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel, RuntimeException

RTOL, ATOL = 1e-4, 1e-5


def tensors(folder, kind):
    """The tensors `input_0.pb`, `input_1.pb` and so on of a data set."""
    paths = sorted(folder.glob(f"{kind}_*.pb"), key=lambda path: int(path.stem.rsplit("_", 1)[1]))
    return [onnx.numpy_helper.to_array(onnx.load_tensor(path)) for path in paths]


def difference(got, want, is_exact):
    """What is wrong with an answer, or None."""
    if got.dtype != want.dtype or got.shape != want.shape:
        return f"expected {want.dtype}{list(want.shape)}, got {got.dtype}{list(got.shape)}"
    if is_exact or want.dtype.kind != "f":
        wrong = got != want
    else:
        wrong = ~np.isclose(got.astype(np.float64), want.astype(np.float64), rtol=RTOL, atol=ATOL, equal_nan=True)
    if not wrong.any():
        return None
    place = tuple(np.argwhere(wrong)[0])
    return f"{wrong.sum()} of {wrong.size} elements differ; at {[int(index) for index in place]}: got {got[place]}, want {want[place]}"


def session(model):
    """A session of as many threads as there are processors, or the reason why there is none."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(folder):
    """How a case ends: passed, failed or refused, and why."""
    model = onnx.load(folder / "model.onnx")
    is_exact = any(property.key == "answers" and property.value == "exact" for property in model.metadata_props)
    data = folder / "test_data_set_0"
    inputs, answers = tensors(data, "input"), tensors(data, "output")
    if not answers:
        return "failed", "it has no answers"
    try:
        runner = session(model)
        outputs = runner.run(None, dict(zip((given.name for given in runner.get_inputs()), inputs, strict=True)))
    except (NoKernel, RuntimeException) as error:
        return "refused", re.sub(r"\s+", " ", str(error))
    except Exception as error:  # A model that is not well-formed, inputs that do not fit it: a fault of the suite's.
        return "failed", re.sub(r"\s+", " ", str(error))
    if len(outputs) != len(answers):
        return "failed", f"expected {len(answers)} outputs, got {len(outputs)}"
    for index, (got, want) in enumerate(zip(outputs, answers)):
        wrong = difference(got, want, is_exact)
        if wrong:
            return "failed", f"output {index}: {wrong}"
    return "passed", ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    folders = sorted(path.parent for path in parser.parse_args().folder.glob("*/model.onnx"))
    if not folders:
        sys.exit("expected folders with a model.onnx, got none")
    counts = collections.Counter()
    for folder in folders:
        outcome, reason = run(folder)
        counts[outcome] += 1
        if outcome != "passed":
            print(f"{outcome:8} {folder.name}: {reason}")
    print(f"onnxruntime {onnxruntime.__version__}: " + ", ".join(f"{counts[name]} {name}" for name in ("passed", "failed", "refused")))
    sys.exit(1 if counts["failed"] or not counts["passed"] else 0)


if __name__ == "__main__":
    main()
