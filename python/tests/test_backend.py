"""onnx's backend interface by itself; onnx_backend.py runs its suite."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import LENET, ROOT

import convoke

onnx = pytest.importorskip("onnx")
import convoke.backend  # noqa: E402


def test_devices():
    there = len(convoke.adapters())
    supports = convoke.backend.supports_device
    assert supports("CPU") and supports("CPU:0") and supports("REFERENCE")
    assert not supports("CPU:1") and not supports("TPU")
    assert supports("CUDA") == supports("GPU:0") == (there > 0)
    assert not supports(f"GPU:{there}")


def test_a_model_is_prepared_and_run(images):
    model = onnx.load(LENET)
    assert convoke.backend.is_compatible(model) and not convoke.backend.is_compatible(model, "TPU")
    refused = onnx.load(ROOT / "tests/data/onnx_node/test_image_decoder_decode_png_rgb/model.onnx")
    assert not convoke.backend.is_compatible(refused)
    prepared = convoke.backend.prepare(model, "CPU", convoke.SessionOptions(intra_op_num_threads=1))
    assert prepared.session.backend.startswith("CPU (1 thread,")
    (want,) = prepared.session.run(None, {"input": images})
    for outputs in (prepared.run([images]), prepared.run({"input": images}), convoke.backend.run_model(model, [images])):
        assert outputs.logits.tobytes() == outputs[0].tobytes() == want.tobytes()
    with pytest.raises(convoke.InvalidArgument, match="got 2 arrays"):
        prepared.run([images, images])


def test_a_node_is_run():
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    random = np.random.default_rng(3)
    x, w = (random.standard_normal(shape, dtype=np.float32) for shape in ((1, 2, 5, 6), (3, 2, 3, 3)))
    (got,) = convoke.backend.run_node(node, [x, w])
    assert convoke.expected(convoke.conv2d, x, w, padding=1).accepts(got)
