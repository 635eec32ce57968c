"""Looking into models, and measuring them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Optional

from . import _convoke
from ._progress import watching
from ._reports import Benchmark, Inspection, Tuning
from ._session import Source, open_backend, open_model
from .errors import InvalidArgument, LimitExceeded, Unsupported

Shapes = Mapping[str, Sequence[int]]


def _given(shapes: Optional[Shapes]) -> dict[str, list[int]]:
    return {name: list(extents) for name, extents in (shapes or {}).items()}


def inspect(model: Source, *, shapes: Optional[Shapes] = None) -> Inspection:
    """Says what an ONNX file holds: inputs, outputs, operators, parameters, work, and whether it runs."""
    read, given = open_model(model), _given(shapes)
    refusal, work = None, None
    try:
        work = read.work(given)
    except (InvalidArgument, LimitExceeded, Unsupported):
        # It may still run, in stages: that is asked for apart.
        try:
            read.check(given)
        except (InvalidArgument, LimitExceeded, Unsupported) as error:
            refusal = str(error)
    return Inspection(read.opset(), read.inputs(), read.outputs(), read.parameters(), read.operators(), work, refusal)


def bench(
    model: Source,
    *,
    providers: Sequence[str] = ("cpu",),
    shapes: Optional[Shapes] = None,
    batches: Sequence[int] = (),
    sizes: Sequence[int] = (),
    stored: str = "f32",
    precision: float = 0.05,
    max_time: float = 5.0,
    progress: bool = True,
) -> Benchmark:
    """Measures a model on providers side by side, by turns, every answer checked first.

    Until the median is known to ``precision``, with 95 % confidence, or a provider's runs took ``max_time`` seconds; at each of
    ``batches`` or ``sizes`` where they are given. ``stored`` is "f16" for 16-bit floats on GPUs. Ctrl-C ends it.
    """
    if batches and sizes:
        raise InvalidArgument("bench: expected batches or sizes, but got both")
    if isinstance(model, bytes):
        name, content = "model", model
    else:
        name = os.path.splitext(os.path.basename(os.fspath(model)))[0]
        with open(model, "rb") as file:
            content = file.read()
    backends = [(provider, open_backend(provider), stored) for provider in providers]
    sweep = ("batch", list(batches)) if batches else ("size", list(sizes)) if sizes else None
    with watching("bench", progress) as observer:
        measured = _convoke.bench(
            open_model(model),
            name,
            content,
            backends,
            _given(shapes),
            sweep=sweep,
            rule=(precision, max_time),
            observer=observer,
        )
    return Benchmark.of(measured)


def tune(
    model: Source,
    *,
    provider: str = "gpu",
    shapes: Optional[Shapes] = None,
    max_time: float = 2.0,
    progress: bool = True,
) -> Tuning:
    """Measures which kernels are fastest for the layers of a model on a GPU. Ctrl-C ends it."""
    with watching("tune", progress) as observer:
        plan = _convoke.tune(open_model(model), open_backend(provider), _given(shapes), max_time, observer)
    return Tuning.of(plan)
