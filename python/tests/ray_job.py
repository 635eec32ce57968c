#!/usr/bin/env python3
"""Many pictures through Ray Data on two raylets of this machine: the same bits as one process gives, an actor killed half-way.

    python python/tests/ray_job.py 5000

Draws digits into PNGs, breaks three, reads them by `convoke.ray.predict` on two actors of one thread each, kills one of these by its
pid when half of the results are written, and compares what came with one process's. A job that is not done after LIMIT seconds is a
failure. What a second actor brings is measured by scaling.py.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import ray
from PIL import Image, ImageDraw
from ray import data
from ray.cluster_utils import Cluster

import convoke
import convoke.ray

LENET = Path(__file__).resolve().parents[2] / "models" / "lenet5.onnx"
PICTURES = convoke.ray.Pictures(resize=(28, 28), crop=None, mean=(0.0,), std=(1.0,), mode="L")
BROKEN = {"00003.png": b"", "00101.png": b"\x89PNG\r\n\x1a\n and then nothing", "00202.png": b"a text"}
BATCH = 16
#: 5,000 pictures take 10 seconds.
LIMIT = 300


def draw(folder: Path, count: int) -> None:
    """White digits on black, each turned, moved and blurred by chance, the same each time."""
    random = np.random.default_rng(5)
    for index in range(count):
        picture = Image.new("L", (96, 96))
        ImageDraw.Draw(picture).text((34, 16), str(index % 10), fill=255, font_size=56)
        angle, x, y = random.uniform(-15, 15), *random.uniform(-8, 8, 2)
        picture = picture.rotate(angle, Image.Resampling.BILINEAR, translate=(x, y))
        picture.save(folder / f"{index:05}.png")
    for name, content in BROKEN.items():
        (folder / name).write_bytes(content)


def alone(folder: Path) -> dict[str, bytes]:
    """What one process makes of the pictures that can be read, in batches of its own: the bits of each."""
    session = convoke.InferenceSession(LENET, convoke.SessionOptions(intra_op_num_threads=1), ["cpu"])
    names = sorted(path.name for path in folder.iterdir() if path.name not in BROKEN)
    found = {}
    for start in range(0, len(names), BATCH):
        some = names[start : start + BATCH]
        batch = np.zeros((BATCH, 1, 28, 28), np.float32)
        for image, name in zip(batch, some):
            image[:] = PICTURES.decode((folder / name).read_bytes())
        found |= dict(zip(some, (row.tobytes() for row in session.run(None, {"input": batch})[0])))
    return found


def actors() -> list[int]:
    """The processes of this machine that Ray calls an actor of Ray Data's with our class."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            title = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::") and b"Predictor" in title:
            found.append(int(process.name))
    return found


def written(folder: Path) -> int:
    """The rows in the files that are whole."""
    rows = 0
    for path in folder.glob("*.parquet"):
        try:
            rows += pq.read_metadata(path).num_rows
        except pa.ArrowInvalid:
            # It is being written.
            continue
    return rows


def kill_one_half_way(results: Path, count: int, killed: list[int]) -> None:
    while written(results) < count // 2:
        time.sleep(0.01)
    victims = actors()
    if victims:
        os.kill(victims[0], signal.SIGKILL)
        killed.append(victims[0])


def read(folder: Path, count: int, concurrency: int) -> data.Dataset:
    dataset = data.read_binary_files(str(folder), include_paths=True, override_num_blocks=max(8, count // 50))
    return convoke.ray.predict(dataset, LENET, BATCH, concurrency, pictures=PICTURES)


def check(folder: Path, results: Path, count: int) -> None:
    """The whole job with an actor killed, against one process."""
    want = alone(folder)
    killed: list[int] = []
    killer = threading.Thread(target=kill_one_half_way, args=(results, count, killed), daemon=True)
    killer.start()
    read(folder, count, 2).write_parquet(str(results))
    killer.join(10)
    assert killed, "no actor was killed: the job was over too soon"
    rows = pq.read_table(results).to_pylist()
    names = [os.path.basename(row["path"]) for row in rows]
    assert len(names) == count and len(set(names)) == count, f"{len(names)} rows of {len(set(names))} pictures, not {count}"
    errors = {name: row["error"] for name, row in zip(names, rows) if row["error"] is not None}
    assert errors.keys() == BROKEN.keys(), errors
    assert all(row["logits"] is None for name, row in zip(names, rows) if name in errors)
    got = {name: np.array(row["logits"], np.float32).tobytes() for name, row in zip(names, rows) if name not in errors}
    differing = [name for name in want if want[name] != got.get(name)]
    assert not differing, f"{len(differing)} of {len(want)} pictures differ from one process's, {differing[0]} among them"
    print(f"actor {killed[0]} killed half-way; {len(got)} results, all one process's to the bit; {len(errors)} errors:")
    for name, error in sorted(errors.items()):
        print(f"    {name}: {error}")


def end(cluster: Cluster) -> None:
    """Ends a job that hangs, from a thread of its own: Ray waits for what does not come, whatever signal does."""
    faulthandler.dump_traceback(all_threads=True)
    print(f"FAILED: the job is not done after {LIMIT} s; above is what each thread waits for", file=sys.stderr, flush=True)
    ray.shutdown()
    cluster.shutdown()
    os._exit(1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=int)
    arguments = parser.parse_args()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "object_store_memory": 256 << 20})
    cluster.add_node(num_cpus=2, object_store_memory=256 << 20)
    watchdog = threading.Timer(LIMIT, end, [cluster])
    watchdog.daemon = True
    watchdog.start()
    ray.init(address=cluster.address, logging_level=logging.ERROR, log_to_driver=False)
    scratch = Path(tempfile.mkdtemp())
    try:
        folder = scratch / "pictures"
        folder.mkdir()
        draw(folder, arguments.pictures)
        check(folder, scratch / "results", arguments.pictures)
    finally:
        ray.shutdown()
        cluster.shutdown()
        shutil.rmtree(scratch)
        watchdog.cancel()
    return 0


if __name__ == "__main__":
    sys.exit(main())
