"""Ray Data on a small cluster: pictures from a folder, what is wrong with them, and which GPU an actor takes. The whole job is ray_job.py."""

from __future__ import annotations

import importlib.util
import logging
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from conftest import LENET, ROOT, has_adapter

import convoke

onnx = pytest.importorskip("onnx")
ray = pytest.importorskip("ray")
pytest.importorskip("ray.data")
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

import convoke.ray  # noqa: E402

DIGITS = ROOT / "examples" / "digits"
INK = convoke.ray.Pictures(resize=(28, 28), crop=None, mean=(1.0,), std=(-1.0,), mode="L")


def gpus() -> int:
    """One more than there are: what Ray is told of."""
    return len(convoke.adapters()) + 1


@pytest.fixture(scope="module", autouse=True)
def cluster():
    ray.init(num_cpus=4, num_gpus=gpus(), object_store_memory=128 << 20, logging_level=logging.ERROR, log_to_driver=False)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in DIGITS.glob("*.png"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "broken.png").write_bytes(b"no picture")
    return tmp_path


def one_at_a_time(source: Path) -> bytes:
    """A model whose file says that it takes one picture."""
    model = onnx.load(source)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    return model.SerializeToString()


@pytest.mark.parametrize("model", [LENET, one_at_a_time(LENET)], ids=["batches", "one at a time"])
@pytest.mark.parametrize("num_cpus", [0.5, 2])
def test_a_folder_of_pictures(model, num_cpus, folder):
    predicted = convoke.ray.predict(str(folder), model, 4, num_cpus=num_cpus, pictures=INK)
    rows = {Path(row["path"]).name: row for row in predicted.take_all()}
    broken = rows.pop("broken.png")
    assert broken["logits"] is None and "10 other bytes" in broken["error"] and "bytes" not in broken
    assert rows.keys() == {path.name for path in DIGITS.glob("*.png")}
    for digit in (0, 3, 6):
        assert np.argmax(rows[f"{digit}.png"]["logits"]) == digit
    session = convoke.InferenceSession(LENET, providers=["cpu"])
    for name, row in rows.items():
        batch = np.zeros((1 if model != LENET else 4, 1, 28, 28), np.float32)
        batch[0] = INK.decode((folder / name).read_bytes())
        want = session.run(None, {"input": batch})[0][0]
        assert row["error"] is None and np.array(row["logits"], np.float32).tobytes() == want.tobytes()


def test_pictures_in_parquet(folder):
    names = [path.name for path in sorted(folder.iterdir())]
    table = pa.table({"name": names, "png": [(folder / name).read_bytes() for name in names]})
    (folder / "packed").mkdir()
    pq.write_table(table, folder / "packed" / "pictures.parquet")
    packed = ray.data.read_parquet(str(folder / "packed"))
    convoke.ray.predict(packed, LENET, 4, pictures=INK, column="png").write_parquet(str(folder / "results"))
    rows = {row["name"]: row for row in pq.read_table(folder / "results").to_pylist()}
    assert rows.keys() == set(names) and rows["broken.png"]["logits"] is None
    assert [int(np.argmax(rows[f"{digit}.png"]["logits"])) for digit in (0, 3, 6)] == [0, 3, 6]


def test_what_is_wrong_is_seen_before_the_cluster_is_at_work(folder, caplog):
    two_inputs = ROOT / "tests/data/onnx_node/test_add/model.onnx"
    with pytest.raises(convoke.InvalidArgument, match="one input.*got x, y"):
        convoke.ray.predict(str(folder), two_inputs)
    with pytest.raises(convoke.FileError, match="missing.onnx"):
        convoke.ray.predict(str(folder), folder / "missing.onnx")
    with pytest.raises(convoke.InvalidArgument, match="at most one GPU"):
        convoke.ray.predict(str(folder), LENET, num_gpus=2)
    with caplog.at_level(logging.WARNING, "convoke"):
        convoke.ray.predict(str(folder), LENET, concurrency=3, num_cpus=1)
        assert not caplog.text
        convoke.ray.predict(str(folder), LENET, concurrency=4, num_cpus=1)
    assert "take 4 of the cluster's 4 CPUs" in caplog.text


def test_the_number_of_a_gpu_is_rays_where_none_is_asked_for():
    numbered = convoke.ray.of_this_gpu
    assert numbered(["hardware"], []) == ["hardware"]
    assert numbered(["hardware", "cpu"], ["3"]) == [("hardware", {"device_id": "3"}), ("cpu", {"device_id": "3"})]
    assert numbered(["gpu:1", ("gpu", {"device_id": 2})], ["3"]) == ["gpu:1", ("gpu", {"device_id": 2})]


@ray.remote(num_cpus=0)
class Holder:
    """Has the first GPUs, so that others get the next."""

    def numbers(self) -> list[str]:
        return ray.get_runtime_context().get_accelerator_ids()["GPU"]


def test_an_actor_takes_the_adapter_of_its_number(folder):
    """The last of the GPUs that Ray is told of is not there: only who is given that one fails."""
    if not has_adapter():
        pytest.skip("no adapter")
    predicted = convoke.ray.predict(str(folder), LENET, 4, num_gpus=1, pictures=INK, providers=["gpu"])
    assert predicted.count() == 5
    holder = Holder.options(num_gpus=gpus() - 1).remote()
    assert ray.get(holder.numbers.remote()) == [str(number) for number in range(gpus() - 1)]
    with pytest.raises(ray.exceptions.RayError, match=f"at place {gpus() - 1} from 0"):
        predicted.take_all()
    ray.kill(holder)


def test_digits_are_served():
    pytest.importorskip("ray.serve")
    from ray import serve

    example = importlib.util.spec_from_file_location("serve_digits", ROOT / "examples/python/serve_digits.py")
    module = importlib.util.module_from_spec(example)
    example.loader.exec_module(module)
    try:
        serve.run(module.app)
        for digit in (6, 3):
            request = urllib.request.Request("http://localhost:8000/", (DIGITS / f"{digit}.png").read_bytes())
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert answer.read() == str(digit).encode()
    finally:
        serve.shutdown()
