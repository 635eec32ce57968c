"""Models on many pictures, on as many actors as a cluster has, by Ray Data.

    import convoke.ray

    convoke.ray.predict("pictures/", "resnet18.onnx", concurrency=8).write_parquet("results/")

Scheduling, retries, autoscaling and storage are Ray's. A picture that cannot be read is a row with an error, not the end of the job.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Optional, Union

import numpy as np
import pyarrow as pa
import ray
from numpy.typing import NDArray
from ray import data as ray_data

from . import _convoke
from ._session import InferenceSession, Provider, SessionOptions, Source, open_model
from .errors import InvalidArgument
from .pictures import Pictures

__all__ = ["Pictures", "predict"]

_logger = logging.getLogger("convoke")

#: The column of files' content, as ``ray.data.read_binary_files`` names it.
CONTENT = "bytes"


def predict(
    dataset: Any,
    model: Source,
    batch_size: int = 32,
    concurrency: Union[int, tuple[int, int]] = 1,
    num_gpus: float = 0,
    *,
    num_cpus: float = 0.5,
    pictures: Optional[Pictures] = None,
    column: str = CONTENT,
    providers: Optional[Sequence[Provider]] = None,
    sess_options: Optional[SessionOptions] = None,
) -> Any:
    """A dataset of what a model makes of pictures: a column for each of its outputs, ``error`` with what was wrong with a picture,
    and the columns that were there (``path``), without the pictures themselves.

    ``dataset`` is one of Ray's with the files' content in ``column``, or the path of a folder, local or in an object store.
    ``concurrency`` is the number of actors, or the least and the most of them. Each has a thread for each of its ``num_cpus``, and
    for what is left of one: half a core leaves the other half to Ray's tasks that read and write, which need a whole one. With
    ``num_gpus`` it takes the GPU whose number Ray gives it, among those that ``providers`` name: with a half, two actors share one,
    of which one decodes while the other's batch runs. An actor that dies is started anew,
    and what it was at is done again. ``pictures`` says what becomes of a picture before the model reads it. Nothing runs before the
    dataset is read or written.

    The model reads ``batch_size`` pictures at a time and no fewer, or as many as its file declares: what is short of that is filled
    with zeros. So there is one plan to make, and what is made of a picture does not depend on how Ray cut the dataset, to the bit.
    """
    if not 0 <= num_gpus <= 1:
        raise InvalidArgument(f"ray: expected at most one GPU for each actor, which has one session, but got {num_gpus}")
    if isinstance(dataset, str):
        dataset = ray_data.read_binary_files(dataset, include_paths=True)
    threads = max(1, math.ceil(num_cpus))
    if providers is None:
        providers = ["hardware"] if num_gpus else ["cpu"]
    if sess_options is None:
        sess_options = SessionOptions(intra_op_num_threads=threads)
    # Once here, so that what is wrong is seen before the cluster is at work.
    _only_input(open_model(model, sess_options).inputs())
    source = model if isinstance(model, bytes) else _content(model)
    least, most = concurrency if isinstance(concurrency, tuple) else (concurrency, concurrency)
    _warn_of_no_room(least * num_cpus)
    return dataset.map_batches(
        Predictor,
        batch_size=batch_size,
        batch_format="pyarrow",
        compute=ray_data.ActorPoolStrategy(min_size=least, max_size=most),
        num_cpus=num_cpus,
        num_gpus=num_gpus or None,
        fn_constructor_kwargs={
            "model": source,
            "sess_options": sess_options,
            "providers": list(providers),
            "pictures": pictures or Pictures(),
            "batch_size": batch_size,
            "threads": threads,
            "column": column,
        },
    )


def _content(path: Any) -> bytes:
    """The model's file: other nodes do not have it. Tensors in further files they must have by themselves."""
    with open(path, "rb") as file:
        return file.read()


def _warn_of_no_room(num_cpus: float) -> None:
    """Ray waits, for ever if the cluster does not grow, where its actors leave no core to the tasks that read and write."""
    there = ray.cluster_resources().get("CPU", 0.0) if ray.is_initialized() else math.inf
    if num_cpus > there - 1:
        _logger.warning(
            "ray: the actors take %g of the cluster's %g CPUs, and the tasks that read and write need one: "
            "the job waits until the cluster grows; fewer actors, or a smaller num_cpus, leave one free",
            num_cpus,
            there,
        )


def _only_input(inputs: Sequence[_convoke.Declared]) -> None:
    if len(inputs) != 1:
        names = ", ".join(value["name"] for value in inputs)
        raise InvalidArgument(f"ray: expected a model with one input, the pictures, but got {names}")


def of_this_gpu(providers: Sequence[Provider], numbers: Sequence[str]) -> list[Provider]:
    """The providers with the number of the GPU that Ray gave this actor, where it gave one and they name none themselves.

    Ray hides the other GPUs from CUDA alone: Vulkan shows every actor all of them.
    """
    if not numbers:
        return list(providers)
    found: list[Provider] = []
    for provider in providers:
        name, options = (provider, {}) if isinstance(provider, str) else provider
        has_place = name.rpartition(":")[2].isdecimal()
        found.append(provider if has_place else (name, {"device_id": numbers[0], **options}))
    return found


class Predictor:
    """One actor: a session, and what it makes of batches of pictures."""

    def __init__(
        self,
        model: Source,
        sess_options: SessionOptions,
        providers: Sequence[Provider],
        pictures: Pictures,
        batch_size: int,
        threads: int = 1,
        column: str = CONTENT,
    ) -> None:
        numbers = ray.get_runtime_context().get_accelerator_ids().get("GPU", [])
        self._session = InferenceSession(model, sess_options, of_this_gpu(providers, numbers))
        (image,) = self._session.get_inputs()
        self._input = image.name
        declared = image.shape[0] if image.shape else None
        self._outputs = [value.name for value in self._session.get_outputs()]
        self._pictures = pictures
        self._batch_size = declared if isinstance(declared, int) else batch_size
        # Pillow and numpy let other threads run meanwhile.
        self._map = map if threads == 1 else ThreadPoolExecutor(threads, thread_name_prefix="convoke-decode").map
        self._column = column

    def __call__(self, batch: pa.Table) -> pa.Table:
        decoded = list(self._map(self._decode, batch.column(self._column).to_pylist()))
        images = [image for image in decoded if not isinstance(image, str)]
        errors = [image if isinstance(image, str) else None for image in decoded]
        outputs = self._run(images) if images else {}
        is_missing = np.array([error is not None for error in errors])
        result = batch.drop_columns([self._column])
        for name in self._outputs:
            result = result.append_column(name, _lists(outputs.get(name), is_missing))
        return result.append_column("error", pa.array(errors, pa.string()))

    def _decode(self, content: bytes) -> Union[NDArray[np.float32], str]:
        """A picture, or what is wrong with it."""
        try:
            return self._pictures.decode(content)
        # Whatever a decoder makes of bytes from anywhere: Pillow's decoders raise of many kinds.
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def _run(self, images: list[NDArray[np.float32]]) -> dict[str, NDArray[Any]]:
        """What the model makes of pictures, in batches that are full."""
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in self._outputs}
        for start in range(0, len(images), self._batch_size):
            some = images[start : start + self._batch_size]
            full = np.zeros((self._batch_size, *images[0].shape), np.float32)
            np.stack(some, out=full[: len(some)])
            for name, output in zip(self._outputs, self._session.run(None, {self._input: full})):
                if output.ndim == 0 or len(output) != self._batch_size:
                    shape = list(output.shape)
                    raise InvalidArgument(f"ray: expected {name!r} to have a row for each of {self._batch_size} pictures, but got {shape}")
                parts[name].append(output[: len(some)])
        return {name: np.concatenate(outputs) for name, outputs in parts.items()}


def _lists(rows: Optional[NDArray[Any]], is_missing: NDArray[np.bool_]) -> pa.Array:
    """A row of each picture as a list, of lists where it has several axes; null where there is none."""
    if rows is None:
        return pa.nulls(len(is_missing))
    values = pa.array(np.ascontiguousarray(rows).reshape(-1))
    for extent in rows.shape[:1:-1]:
        values = pa.FixedSizeListArray.from_arrays(values, extent).cast(pa.list_(values.type))
    # A row that is missing is a list of nothing, and null.
    extent = int(np.prod(rows.shape[1:2]))
    ends = np.cumsum(np.where(is_missing, 0, extent))
    offsets = pa.array(np.concatenate([[0], ends]).astype(np.int32), mask=np.append(is_missing, False))
    return pa.ListArray.from_arrays(offsets, values) if rows.ndim > 1 else _scalars(values, is_missing)


def _scalars(values: pa.Array, is_missing: NDArray[np.bool_]) -> pa.Array:
    places = np.cumsum(~is_missing) - 1
    return values.take(pa.array(places, mask=is_missing))
