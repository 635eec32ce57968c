#!/usr/bin/env python3
"""What a call costs in Python on top of the Rust session: LeNet-5 with one picture, by turns, the least of many.

    python python/tests/overhead.py [turns]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

import convoke

LENET = Path(__file__).resolve().parents[2] / "models" / "lenet5.onnx"


def in_python(session: convoke.InferenceSession, seconds: float) -> float:
    """The least time of a call."""
    feed = {"input": np.random.default_rng(0).standard_normal((1, 1, 28, 28), dtype=np.float32)}
    least, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, feed)
        least = min(least, time.perf_counter() - start)
    return least


def in_rust(seconds: float) -> float:
    """The same of `Session::run_tensors`, as the benchmark times it."""
    report = convoke.bench(LENET, max_time=seconds, precision=1e-9, progress=False)
    return float(report.data["cases"][0]["points"][0]["outcomes"][0]["measured"]["warm"]["least"])


def main(turns: int) -> None:
    session = convoke.InferenceSession(LENET, providers=["cpu"])
    python = rust = float("inf")
    for _ in range(turns):
        python = min(python, in_python(session, 0.5))
        rust = min(rust, in_rust(0.5))
    print(f"{session.backend}: {1e6 * python:.1f} us a call in Python, {1e6 * rust:.1f} us in Rust, {1e6 * (python - rust):.1f} us more")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
