#!/usr/bin/env python3
"""What a second actor brings: pictures a second by one and by two, of one thread each, by turns, and the same without Ray.

    python tools/make_networks.py --full networks/
    python python/tests/scaling.py networks/mobilenet_v2/model.onnx --pictures 600 --turns 3

Digits are drawn into PNGs of 320 x 320 pixels, and read as torchvision reads ImageNet's. Two processes that share nothing but the
machine say what is to be had of its two cores at all. Ray is timed from where every actor has given a batch, so that its start, which
is printed as well, does not count.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import statistics
import tempfile
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import ray
from PIL import Image, ImageDraw
from ray import data

import convoke
import convoke.ray

BATCH = 16
SIZE = 320


def draw(folder: Path, count: int) -> None:
    """Digits in colour, each turned and moved by chance, the same each time."""
    random = np.random.default_rng(5)
    for index in range(count):
        picture = Image.new("RGB", (SIZE, SIZE), (240, 240, 230))
        ImageDraw.Draw(picture).text((110, 50), str(index % 10), fill=(20, 30, 90), font_size=200)
        angle, x, y = random.uniform(-15, 15), *random.uniform(-20, 20, 2)
        picture.rotate(angle, Image.Resampling.BILINEAR, translate=(x, y)).save(folder / f"{index:05}.png")


def process(model: str, paths: list[Path], ready: Barrier, done: Barrier) -> None:
    """One process's share, as an actor does it: batches of pictures, read, decoded and run."""
    session = convoke.InferenceSession(model, convoke.SessionOptions(intra_op_num_threads=1), ["cpu"])
    pictures = convoke.ray.Pictures()
    (image,) = session.get_inputs()
    size = image.shape[0] if isinstance(image.shape[0], int) else BATCH
    session.run(None, session.random_feed({image.name: [size, 3, 224, 224]}))
    ready.wait()
    for start in range(0, len(paths), size):
        batch = np.zeros((size, 3, 224, 224), np.float32)
        for place, path in zip(batch, paths[start : start + size]):
            place[:] = pictures.decode(path.read_bytes())
        session.run(None, {image.name: batch})
    done.wait()


def plain(model: str, paths: list[Path], count: int) -> float:
    """Pictures a second by so many processes without Ray."""
    context = multiprocessing.get_context("spawn")
    ready, done = context.Barrier(count + 1), context.Barrier(count + 1)
    shares = [(model, paths[place::count], ready, done) for place in range(count)]
    processes = [context.Process(target=process, args=share) for share in shares]
    for started in processes:
        started.start()
    ready.wait()
    start = time.perf_counter()
    done.wait()
    seconds = time.perf_counter() - start
    for ended in processes:
        ended.join()
    return len(paths) / seconds


def actors(model: str, folder: Path, count: int) -> tuple[float, float]:
    """Pictures a second by so many actors, once each has given a batch, and the seconds until then."""
    blocks = len(list(folder.iterdir())) // BATCH
    dataset = data.read_binary_files(str(folder), include_paths=True, override_num_blocks=blocks)
    predicted = convoke.ray.predict(dataset, model, BATCH, count)
    asked = time.perf_counter()
    came = [(batch.num_rows, time.perf_counter()) for batch in predicted.iter_batches(batch_size=None, batch_format="pyarrow")]
    start, end = came[count - 1][1], came[-1][1]
    return sum(rows for rows, _ in came[count:]) / (end - start), start - asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="an ONNX file that takes pictures of 224 x 224")
    parser.add_argument("--pictures", type=int, default=600)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    ray.init(num_cpus=2, object_store_memory=256 << 20, logging_level=logging.ERROR, log_to_driver=False)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    data.DataContext.get_current().enable_progress_bars = False
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        draw(folder, arguments.pictures)
        paths = sorted(folder.iterdir())
        ratios: dict[str, list[float]] = {"processes": [], "actors": []}
        for turn in range(arguments.turns):
            one, two = (plain(arguments.model, paths, count) for count in (1, 2))
            ratios["processes"].append(two / one)
            print(f"turn {turn}: {one:.1f} pictures a second by one process, {two:.1f} by two: {two / one:.2f} times", flush=True)
            (one, first), (two, second) = (actors(arguments.model, folder, count) for count in (1, 2))
            ratios["actors"].append(two / one)
            print(f"turn {turn}: {one:.1f} pictures a second by one actor, {two:.1f} by two: {two / one:.2f} times", end="; ")
            print(f"started in {first:.1f} and {second:.1f} s", flush=True)
    for what, found in ratios.items():
        print(f"two {what} against one: {statistics.median(found):.2f} times, the median of {len(found)} turns")


if __name__ == "__main__":
    main()
