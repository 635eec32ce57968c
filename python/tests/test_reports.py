"""What is known and measured of models: it prints, it plots, and Ctrl-C ends it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import textwrap

import pytest
from conftest import LENET, ROOT, has_adapter

import convoke


def test_inspection():
    found = convoke.inspect(LENET)
    assert found.refusal is None and found.opset == 17 and found.parameters == 61706
    assert found.work["operators"]["relu"] == (4, 0), "every activation is fused"
    assert "input       input [batch, 1, 28, 28] FLOAT" in str(found)
    refused = convoke.inspect(ROOT / "tests/data/onnx_node/test_image_decoder_decode_png_rgb/model.onnx")
    assert "ImageDecoder" in refused.refusal and "not: " in str(refused)


def test_verification(provider):
    if provider == "reference":
        with pytest.raises(convoke.Unsupported, match="reference"):
            convoke.InferenceSession(LENET, providers=[provider]).verify()
        return
    verified = convoke.InferenceSession(LENET, providers=[provider]).verify()
    assert verified and verified.checks[0]["operator"] == "conv2d"
    assert f"all {len(verified.checks)} operators" in str(verified)
    wrong = [dict(verified.checks[0], mismatch="got 1, want 2"), *verified.checks[1:]]
    found = convoke.Verification(verified.backend, wrong)
    assert not found and "got 1, want 2" in str(found) and str(found).endswith(f"on {verified.backend}")


@pytest.mark.parametrize("provider", ["cpu", "gpu"])
def test_profile(provider):
    if provider == "gpu" and not has_adapter():
        pytest.skip("no adapter")
    profile = convoke.InferenceSession(LENET, providers=[provider]).profile(repetitions=2)
    assert [layer["operator"] for layer in profile.layers].count("conv2d") == 3
    assert abs(sum(layer["share"] for layer in profile.layers) - 1.0) < 1e-6
    assert profile.data["run"] > 0 and "conv2d" in str(profile)
    with pytest.raises(convoke.Unsupported):
        convoke.InferenceSession(LENET, providers=["reference"]).profile()


def test_bench(tmp_path):
    report = convoke.bench(LENET, batches=[1, 2], precision=0.5, max_time=0.05)
    assert not report.failed and report.median(point=1) > 0 and "lenet5" in str(report)
    report.save(tmp_path / "report.json")
    report.save(tmp_path / "report.html")
    assert json.loads((tmp_path / "report.json").read_text()) == report.data
    assert (tmp_path / "report.html").read_text().startswith("<!")


def test_tuning(tmp_path):
    with pytest.raises(convoke.Unsupported, match="CPU"):
        convoke.tune(LENET, provider="cpu")
    if not has_adapter():
        pytest.skip("no adapter")
    tuning = convoke.tune(LENET, max_time=0.05)
    assert len(tuning.plan["layers"]) >= 3 and "conv2d" in str(tuning)
    tuning.save(tmp_path / "plan.json")
    tuned = convoke.InferenceSession(LENET, convoke.SessionOptions(tuning_plan=str(tmp_path / "plan.json")), ["gpu"])
    assert "tuning plan" in tuned.backend and tuned.verify()
    pytest.importorskip("matplotlib").use("Agg")
    assert len(tuning.plot().patches) == sum("microseconds" in candidate for layer in tuning.plan["layers"] for candidate in layer["candidates"])


def test_plots():
    pytest.importorskip("matplotlib").use("Agg")
    profile = convoke.InferenceSession(LENET, providers=["cpu"]).profile(repetitions=1)
    assert len(profile.plot().patches) == len(profile.layers)
    report = convoke.bench(LENET, batches=[1, 2], precision=0.5, max_time=0.05)
    (line,) = report.plot().lines
    assert list(line.get_xdata()) == [1, 2]


def test_bars_are_drawn_on_terminals(monkeypatch):
    pytest.importorskip("tqdm")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def drawn(stderr: io.StringIO, **parameters: object) -> str:
        monkeypatch.setattr(sys, "stderr", stderr)
        convoke.bench(LENET, precision=0.5, max_time=0.05, **parameters)
        return stderr.getvalue()

    bar = drawn(Terminal())
    assert "bench:" in bar and "%|" in bar
    assert drawn(io.StringIO()) == "" and drawn(Terminal(), progress=False) == ""


@pytest.mark.parametrize(
    "work",
    [
        "convoke.bench(LENET, batches=range(1, 1000), max_time=600, precision=1e-9)",
        "convoke.InferenceSession(NETWORK, providers=['cpu']).verify({'image': numpy.zeros((1, 1, 512, 512), numpy.float32)})",
        "convoke.tune(LENET, max_time=600)",
    ],
    ids=["bench", "verify", "tune"],
)
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_ends_long_work(work, tmp_path):
    if "tune" in work and not has_adapter():
        pytest.skip("no adapter")
    script = textwrap.dedent(f"""
        import os, signal, threading, numpy, convoke
        LENET, NETWORK = {os.fspath(LENET)!r}, {os.fspath(_slow_network(tmp_path))!r}
        # A shell that starts this in the background has it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            {work}
        except KeyboardInterrupt:
            convoke.InferenceSession(LENET, providers=["cpu"]).verify()
            print("ended, and works on")
        """)
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ran.stdout.strip() == "ended, and works on", ran.stderr


def _slow_network(folder):
    """A network that takes the reference far longer than a second, operator by operator."""
    onnx = pytest.importorskip("onnx")
    import numpy as np

    helper = onnx.helper
    weight = onnx.numpy_helper.from_array(np.ones((1, 1, 15, 15), np.float32), "weight")
    names = ["image", *(f"layer {index}" for index in range(40))]
    nodes = [
        helper.make_node("Conv", [before, "weight"], [after], auto_pad="SAME_UPPER")
        for before, after in zip(names, names[1:])
    ]
    image = helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 1, 512, 512])
    output = helper.make_tensor_value_info(names[-1], onnx.TensorProto.FLOAT, None)
    model = helper.make_model(helper.make_graph(nodes, "slow", [image], [output], [weight]))
    model.opset_import[0].version = 17
    model.ir_version = 8
    path = folder / "slow.onnx"
    onnx.save(model, path)
    return path
