#!/usr/bin/env python3
"""onnx's own backend suite (`onnx.backend.test.BackendTest`) on convoke.backend, held against the list of what is not supported.

    python python/tests/onnx_backend.py [cpu] [gpu]

Every case must pass, or be in tests/data/onnx_node/unsupported.txt and be refused for the reason that stands there. The versions in
that list's cases are onnx 1.23.2, numpy 2.4.6 and ml_dtypes 0.6.0: others have other cases. Ends with the counts, and with 1 where one
is not as it must be.
"""

from __future__ import annotations

import logging
import sys
import unittest
import warnings
from pathlib import Path

import onnx
from onnx.backend.test import BackendTest
from onnx.backend.test.loader import load_model_tests

import convoke
from convoke.backend import ConvokeBackend

LIST = Path(__file__).resolve().parents[2] / "tests/data/onnx_node/unsupported.txt"
# As `convoke conformance` has it; onnx's own is 1e-7, which its expected values, rounded to 32 bits, do not keep.
ATOL = 1e-5
# Values of 16 bits are rounded at each of several steps where they are computed in them: two units in the last place.
RTOL = {onnx.TensorProto.FLOAT16: 2.0**-9, onnx.TensorProto.BFLOAT16: 2.0**-6}
# onnx's names of the devices.
DEVICES = {"cpu": "cpu", "gpu": "cuda"}


def reasons(device: str) -> dict[str, str]:
    """What a device does not run, and why."""
    lines = [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    listed = dict(line.split(": ", 1) for line in lines)
    known = {name: reason for name, reason in listed.items() if "/" not in name}
    own = {name.partition("/")[2]: reason for name, reason in listed.items() if name.startswith(f"{device}/")}
    return known | own


def tolerances() -> dict[str, dict[str, float]]:
    """What the outputs of each case may be off."""
    found = {}
    for case in load_model_tests(kind="node"):
        types = {output.type.tensor_type.elem_type for output in case.model.graph.output}
        found[case.name] = {"rtol": max([case.rtol, *(RTOL[kind] for kind in types if kind in RTOL)]), "atol": ATOL}
    return found


class Conformance(unittest.TestResult):
    """Counts, and compares what is refused with the list."""

    def __init__(self, listed: dict[str, str], suffix: str) -> None:
        super().__init__()
        self.listed, self.suffix = listed, suffix
        self.passed: list[str] = []
        self.refused: list[str] = []
        self.wrong: list[str] = []

    def _name(self, test: unittest.TestCase) -> str:
        return test.id().rpartition(".")[2].removesuffix(self.suffix)

    def addSuccess(self, test: unittest.TestCase) -> None:
        name = self._name(test)
        if name in self.listed:
            self.wrong.append(f"{name}: passes, but the list says {self.listed[name]!r}")
        self.passed.append(name)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self.wrong.append(f"{self._name(test)}: skipped: {reason}")

    def addFailure(self, test: unittest.TestCase, err: tuple) -> None:
        self.wrong.append(f"{self._name(test)}: {err[1]}")

    def addError(self, test: unittest.TestCase, err: tuple) -> None:
        name, message = self._name(test), " ".join(str(err[1]).split())
        is_refusal = isinstance(err[1], (convoke.Unsupported, convoke.LimitExceeded))
        reason = self.listed.get(name)
        if not is_refusal or reason is None or not (reason in message or "unsupported: elements of ONNX's type" in message):
            self.wrong.append(f"{name}: {message}")
        self.refused.append(name)


def run(device: str, kwargs: dict[str, dict[str, float]]) -> bool:
    """Runs all cases on a device and says how many passed."""
    suffix = f"_{DEVICES[device]}"
    cases = BackendTest(ConvokeBackend, __name__, test_kwargs=kwargs).test_cases["OnnxBackendNodeModelTest"]
    names = [name for name in unittest.defaultTestLoader.getTestCaseNames(cases) if name.endswith(suffix)]
    listed = reasons(device)
    result = Conformance(listed, suffix)
    unittest.TestSuite(map(cases, names)).run(result)
    for line in result.wrong:
        print(f"WRONG  {device}/{line}")
    failed = len(names) - len(result.passed) - len(result.refused)
    print(f"{device}: {len(result.passed)} passed, {failed} failed, {len(result.refused)} excluded, of {len(names)} node cases")
    return not result.wrong


def main(devices: list[str]) -> int:
    warnings.simplefilter("ignore")
    # That numbers of 64 bits are rounded is known.
    logging.getLogger("convoke").setLevel(logging.ERROR)
    kwargs = tolerances()
    # Every device is run, whatever came of the first.
    outcomes = [run(device, kwargs) for device in devices or DEVICES]
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
