"""What the tests share: the repository's models and data, and the digits."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import convoke

ROOT = Path(__file__).resolve().parents[2]
LENET = ROOT / "models" / "lenet5.onnx"


def has_adapter() -> bool:
    """Whether there is an adapter. Where one is required, a missing one is a failure and no skip."""
    found = bool(convoke.adapters())
    assert found or os.environ.get("CONVOKE_REQUIRE_GPU") != "1", "CONVOKE_REQUIRE_GPU=1, but there is no adapter"
    return found


@pytest.fixture(params=["cpu", "reference", "gpu"])
def provider(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "gpu" and not has_adapter():
        pytest.skip("no adapter")
    return name


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((3, 1, 28, 28), dtype=np.float32)
