"""Sessions: onnxruntime's names and habits, on every backend."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import LENET, ROOT, has_adapter

import convoke


def test_what_the_file_declares():
    session = convoke.InferenceSession(LENET, providers=["cpu"])
    (image,), (logits,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.type, image.shape) == ("input", "tensor(float)", ["batch", 1, 28, 28])
    assert (logits.name, logits.type, logits.shape) == ("logits", "tensor(float)", ["batch", 10])
    assert session.get_providers() == ["cpu"]
    assert session.backend.startswith("CPU (")


def test_every_backend_gives_what_is_expected(provider, images):
    session = convoke.InferenceSession(LENET, providers=[provider])
    (got,) = session.run(None, {"input": images})
    (want,) = session.expected({"input": images})
    assert got.shape == (3, 10) and want.accepts(got)
    assert not want.accepts(got + 10.0), "a bound that accepts everything says nothing"
    (by_name,) = session.run(["logits"], {"input": images})
    assert by_name.tobytes() == got.tobytes()


@pytest.mark.parametrize("layout", ["reversed", "strided", "broadcast", "read-only", "big-endian", "unaligned"])
def test_arrays_are_read_in_any_layout(layout, images):
    session = convoke.InferenceSession(LENET, providers=["cpu"])
    array = {
        "reversed": lambda: images[::-1, :, ::-1],
        "strided": lambda: np.repeat(images, 2, axis=3)[..., ::2],
        "broadcast": lambda: np.broadcast_to(images[:1], images.shape),
        "read-only": lambda: np.frombuffer(images.tobytes(), np.float32).reshape(images.shape),
        "big-endian": lambda: images.astype(">f4"),
        "unaligned": lambda: np.frombuffer(b"x" + images.tobytes(), np.uint8)[1:].view(np.float32).reshape(images.shape),
    }[layout]()
    (got,) = session.run(None, {"input": array})
    (want,) = session.run(None, {"input": np.array(array, dtype=np.float32, order="C")})
    assert got.tobytes() == want.tobytes()


def test_memory_is_lent_by_dlpack_both_ways(images):
    class Lender:
        """What another library's array is: nothing but the protocol."""

        def __dlpack__(self, **arguments):
            return images.__dlpack__(**arguments)

        def __dlpack_device__(self):
            return images.__dlpack_device__()

    session = convoke.InferenceSession(LENET, providers=["cpu"])
    (got,) = session.run(None, {"input": Lender()})
    assert np.array_equal(np.from_dlpack(got), session.run(None, {"input": images})[0])


def test_a_run_does_not_keep_its_inputs_or_copy_its_outputs(images):
    session = convoke.InferenceSession(LENET, providers=["cpu"])
    before = sys.getrefcount(images)
    (got,) = session.run(None, {"input": images})
    assert sys.getrefcount(images) == before
    assert not got.flags.owndata, "the array is the session's memory, handed over"
    got[:] = 0.0


@pytest.mark.parametrize(
    ("feed", "kind", "said"),
    [
        ({}, convoke.InvalidArgument, "no 'input'"),
        ({"image": np.zeros((1, 1, 28, 28), np.float32)}, convoke.InvalidArgument, "no 'input'"),
        ({"input": np.zeros((1, 1, 28, 28))}, convoke.InvalidArgument, "expected elements of float32, but got float64"),
        ({"input": np.zeros((1, 28, 28), np.float32)}, ValueError, "expected 4 axes, but got 3"),
        ({"input": np.zeros((1, 2, 28, 28), np.float32)}, convoke.Error, "2"),
        ({"input": "a digit"}, convoke.InvalidArgument, "float32"),
    ],
)
def test_bad_feeds_are_refused_with_what_was_expected(feed, kind, said):
    with pytest.raises(kind, match=said):
        convoke.InferenceSession(LENET, providers=["cpu"]).run(None, feed)


def test_surplus_names_are_refused(images):
    session = convoke.InferenceSession(LENET, providers=["cpu"])
    with pytest.raises(convoke.InvalidArgument, match="'mask'"):
        session.run(None, {"input": images, "mask": images})
    with pytest.raises(convoke.InvalidArgument, match="'scores'"):
        session.run(["scores"], {"input": images})


def test_files_that_are_no_models_are_refused(tmp_path):
    with pytest.raises(convoke.FileError, match="missing.onnx"):
        convoke.InferenceSession(tmp_path / "missing.onnx")
    with pytest.raises(convoke.ModelError):
        convoke.InferenceSession(b"no model", providers=["cpu"])
    with pytest.raises(convoke.ModelError, match="budget|bytes"):
        convoke.InferenceSession(LENET, convoke.SessionOptions(budget=1000), providers=["cpu"])


def test_providers_are_tried_in_their_order(caplog):
    with pytest.raises(convoke.NoAdapter, match="no such card"):
        convoke.InferenceSession(LENET, providers=["no such card"])
    with caplog.at_level(logging.WARNING, "convoke"):
        session = convoke.InferenceSession(LENET, providers=["no such card", "CPUExecutionProvider"])
    assert session.get_providers() == ["CPUExecutionProvider"] and session.backend.startswith("CPU (")
    assert "no such card" in caplog.text and "running on CPU" in caplog.text, "nothing is passed over in silence"
    with pytest.raises(convoke.InvalidArgument, match="list of providers"):
        convoke.InferenceSession(LENET, providers="cpu")


def test_one_of_several_adapters_is_taken_by_its_place(caplog):
    there = len(convoke.adapters())
    for provider in (f"gpu:{there}", ("gpu", {"device_id": there}), ("CUDAExecutionProvider", {"device_id": str(there)})):
        with pytest.raises(convoke.NoAdapter, match=f"at place {there} from 0"):
            convoke.InferenceSession(LENET, providers=[provider])
    with pytest.raises(convoke.InvalidArgument, match="device_id to be a number from 0, but got -1"):
        convoke.InferenceSession(LENET, providers=[("gpu", {"device_id": -1})])
    with pytest.raises(convoke.InvalidArgument, match="a provider's name, or a name and a dict of options, but got 3"):
        convoke.InferenceSession(LENET, providers=[3])
    # onnxruntime's scripts give the CPU options, too.
    with caplog.at_level(logging.WARNING, "convoke"):
        session = convoke.InferenceSession(LENET, providers=[("CPUExecutionProvider", {"device_id": 1, "arena": True})])
    assert session.backend.startswith("CPU (") and "no effect: arena" in caplog.text
    if has_adapter():
        sessions = [convoke.InferenceSession(LENET, providers=[f"gpu:{place}"]) for place in range(there)]
        assert sessions[0].backend == convoke.InferenceSession(LENET, providers=["gpu"]).backend
        names = [adapter["name"] for adapter in convoke.adapters()]
        # Each name begins with the adapter's, and each adapter is taken once.
        taken = [max((name for name in names if session.backend.startswith(name)), key=len) for session in sessions]
        assert sorted(taken) == sorted(names)


def test_threads_and_options():
    options = convoke.SessionOptions()
    options.intra_op_num_threads = 1
    assert convoke.InferenceSession(LENET, options, ["cpu"]).backend.startswith("CPU (1 thread,")
    with pytest.raises(AttributeError, match="intra_op_threads"):
        options.intra_op_threads = 1
    for name, value in (("intra_op_num_threads", -1), ("plans_kept", 1.5), ("budget", "a lot")):
        with pytest.raises(convoke.InvalidArgument, match=f"{name}: expected a whole number from 0, but got {value!r}"):
            setattr(options, name, value)
    with pytest.raises(convoke.InvalidArgument, match="expected convoke.SessionOptions, but got builtins.dict"):
        convoke.InferenceSession(LENET, {"intra_op_num_threads": 1})
    with pytest.raises(convoke.InvalidArgument, match="f8"):
        convoke.InferenceSession(LENET, convoke.SessionOptions(precision="f8"), ["cpu"])
    with pytest.raises(convoke.Unsupported, match="f16"):
        convoke.InferenceSession(LENET, convoke.SessionOptions(precision="f16"), ["cpu"])


def test_without_passes_the_answer_is_within_the_same_bound(images):
    options = convoke.SessionOptions(graph_optimization_level=convoke.GraphOptimizationLevel.ORT_DISABLE_ALL)
    session = convoke.InferenceSession(LENET, options, ["cpu"])
    assert session.expected({"input": images})[0].accepts(session.run(None, {"input": images})[0])
    assert "relu" in {check["operator"] for check in session.verify().checks}, "no activation was fused"


@pytest.mark.parametrize("source", [str(LENET), LENET.read_bytes()], ids=["path", "bytes"])
def test_sessions_are_pickled(source, images):
    session = convoke.InferenceSession(source, convoke.SessionOptions(intra_op_num_threads=1), ["cpu"])
    again = pickle.loads(pickle.dumps(session))
    assert again.backend == session.backend
    assert again.run(None, {"input": images})[0].tobytes() == session.run(None, {"input": images})[0].tobytes()


def test_async_runs_call_back(images):
    session = convoke.InferenceSession(LENET, providers=["cpu"])
    (want,) = session.run(None, {"input": images})
    told, came = threading.Event(), []

    def callback(outputs, user_data, error):
        came.append((outputs, user_data, error))
        told.set()

    session.run_async(None, {"input": images}, callback, "mine")
    assert told.wait(60)
    (((got,), user_data, error),) = came
    assert got.tobytes() == want.tobytes() and user_data == "mine" and error == ""
    future = session.run_async(None, {})
    with pytest.raises(convoke.InvalidArgument, match="no 'input'"):
        future.result(60)


def test_other_threads_run_while_the_reference_computes():
    session = convoke.InferenceSession(LENET, providers=["reference"])
    batch = np.zeros((16, 1, 28, 28), np.float32)
    running = threading.Thread(target=session.run, args=(None, {"input": batch}))
    turns = 0
    running.start()
    while running.is_alive():
        time.sleep(0.001)
        turns += 1
    assert turns >= 3, "the interpreter was held during the run"


def _run_in_child(session, connection):
    try:
        session.run(None, session.random_feed())
        connection.send("ran")
    except convoke.Error as error:
        connection.send(str(error))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_session_of_another_process_says_so_and_does_not_hang():
    session = convoke.InferenceSession(LENET, providers=["cpu"])
    session.run(None, session.random_feed())
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_run_in_child, args=(session, there))
    child.start()
    assert here.poll(60) and "another process" in here.recv()
    child.join(60)
    assert child.exitcode == 0


def test_what_the_library_logs_goes_to_logging(caplog, images):
    for level, count in ((logging.INFO, 0), (logging.DEBUG, 1)):
        with caplog.at_level(level, "convoke"):
            convoke.InferenceSession(LENET, providers=["cpu"]).run(None, {"input": images})
        fused = [record for record in caplog.records if record.getMessage().startswith("fuse epilogues")]
        assert [(record.name, record.levelno) for record in fused] == count * [("convoke.graph.passes", logging.DEBUG)]


@pytest.mark.parametrize(
    ("name", "declared"),
    [("test_cast_FLOAT_to_DOUBLE", np.float64), ("test_cast_FLOAT_to_FLOAT16", np.float16), ("test_max_int16", np.int16)],
)
def test_outputs_have_the_declared_type(name, declared):
    session = convoke.InferenceSession(ROOT / "tests/data/onnx_node" / name / "model.onnx", providers=["cpu"])
    (got,) = session.run(None, session.random_feed())
    assert got.dtype == declared


def test_the_readme_reads_a_digit():
    """The lines under "From Python" in the README, as they stand there."""
    text = (ROOT / "README.md").read_text()
    lines = text.split("```python\n", 1)[1].split("```", 1)[0]
    ran = subprocess.run([sys.executable, "-c", lines], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout.strip() == "6", ran.stderr
