"""Sessions with onnxruntime's names."""

from __future__ import annotations

import enum
import logging
import operator
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

from . import _convoke
from ._arrays import COMPUTED, as_array, declared_dtype
from ._progress import watching
from ._reports import Expected, Profile, Verification
from .errors import InvalidArgument, NoAdapter

_logger = logging.getLogger("convoke")

Provider = Union[str, tuple[str, Mapping[str, object]]]
Source = Union[str, "os.PathLike[str]", bytes]

# onnxruntime's providers by what convoke has in their place.
_PROVIDERS = {
    "CPUExecutionProvider": "cpu",
    "CUDAExecutionProvider": "hardware",
    "CoreMLExecutionProvider": "hardware",
    "DmlExecutionProvider": "hardware",
    "MIGraphXExecutionProvider": "hardware",
    "NvTensorRTRTXExecutionProvider": "hardware",
    "ROCMExecutionProvider": "hardware",
    "TensorrtExecutionProvider": "hardware",
    "WebGpuExecutionProvider": "hardware",
}


class GraphOptimizationLevel(enum.IntEnum):
    """Whether a graph goes through convoke's passes: there is all of them or none."""

    ORT_DISABLE_ALL = 0
    ORT_ENABLE_BASIC = 1
    ORT_ENABLE_EXTENDED = 2
    ORT_ENABLE_LAYOUT = 3
    ORT_ENABLE_ALL = 99


#: The options that are numbers of something.
_COUNTS = ("intra_op_num_threads", "plans_kept", "budget")


@dataclass
class SessionOptions:
    """How a session is to be. What stands here is pickled with it."""

    #: Threads of the CPU backend; 0 is as many as there are.
    intra_op_num_threads: int = 0
    graph_optimization_level: GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL
    #: How numbers are stored on a GPU: "f32" or "f16".
    precision: str = "f32"
    #: What the CPU computes in a session on a GPU: "never" anything, tensors that are "too_large", "always" what has no kernel.
    fallback: str = "never"
    #: A file that ``tune`` wrote.
    tuning_plan: Optional[str] = None
    #: For how many sets of input shapes plans are kept.
    plans_kept: int = 8
    #: The most bytes that the model and any one tensor may have; 4 GiB where nothing is said.
    budget: Optional[int] = None
    #: The folder of tensors in other files; otherwise the model's own.
    external_data: Optional[str] = None

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self.__dataclass_fields__:
            known = ", ".join(self.__dataclass_fields__)
            raise AttributeError(f"SessionOptions has {known}, but not {name}")
        if name in _COUNTS and not (value is None and name == "budget"):
            # numpy's whole numbers are ones, too.
            if isinstance(value, bool) or not hasattr(value, "__index__") or operator.index(value) < 0:
                raise InvalidArgument(f"session: {name}: expected a whole number from 0, but got {value!r}")
        object.__setattr__(self, name, value)


@dataclass(frozen=True)
class NodeArg:
    """An input or an output, as the file declares it."""

    name: str
    #: As onnxruntime writes it: ``tensor(float)``.
    type: str
    #: Numbers, names of what the file leaves open, or None; None altogether where not even the rank is declared.
    shape: Optional[list[Union[int, str, None]]]
    element_type: str = field(repr=False, compare=False)
    #: numpy's type of what it is computed in, where there is one.
    computed: Optional[np.dtype[Any]] = field(repr=False, compare=False)


def _node_arg(declared: _convoke.Declared) -> NodeArg:
    element_type, dtype = declared["element_type"], declared["dtype"]
    return NodeArg(
        name=declared["name"],
        type=f"tensor({element_type.lower()})",
        shape=declared["shape"],
        element_type=element_type,
        computed=None if dtype is None else COMPUTED[dtype],
    )


_backends: dict[tuple[int, Optional[str], Optional[int]], _convoke.Backend] = {}
_backends_lock = threading.Lock()


def open_backend(provider: Optional[str], threads: Optional[int] = None) -> _convoke.Backend:
    """One backend for all who ask for the same: they share the device, and weights that are equal."""
    key = (os.getpid(), provider, threads)
    with _backends_lock:
        if key not in _backends:
            _backends[key] = _convoke.Backend(provider, threads)
        return _backends[key]


def _named(provider: Provider) -> tuple[str, str]:
    """A provider's name as it was asked for, and as the native code knows it: with the place of the adapter, where one is given."""
    given: Mapping[str, object] = {}
    if isinstance(provider, str):
        name = provider
    elif isinstance(provider, (tuple, list)) and len(provider) == 2 and isinstance(provider[0], str) and isinstance(provider[1], dict):
        name, given = provider
    else:
        raise InvalidArgument(f"session: expected a provider's name, or a name and a dict of options, but got {provider!r}")
    native = _PROVIDERS.get(name, name)
    options = dict(given)
    place = options.pop("device_id", None)
    if options:
        _logger.warning("%s: these options are not convoke's and have no effect: %s", name, ", ".join(options))
    # onnxruntime's scripts give the CPU a number, too.
    if place is None or native in ("cpu", "reference"):
        return name, native
    # As a text, too: that is what onnxruntime has its options in.
    if not str(place).isdecimal():
        raise InvalidArgument(f"session: provider {name!r}: expected device_id to be a number from 0, but got {place!r}")
    return name, f"{native}:{int(str(place))}"


def _choose(providers: Optional[Sequence[Provider]], threads: Optional[int]) -> tuple[str, _convoke.Backend]:
    """The first provider that is there, and its backend. What is passed over is logged."""
    if providers is None:
        backend = open_backend(None, threads)
        return backend.kind, backend
    missing: list[NoAdapter] = []
    for provider in providers:
        name, native = _named(provider)
        try:
            backend = open_backend(native, threads)
        except NoAdapter as error:
            missing.append(error)
            continue
        for absent in missing:
            _logger.warning("%s; running on %s", absent, backend)
        return name, backend
    raise missing[-1]


class InferenceSession:
    """A model made ready for one backend; onnxruntime's class of that name.

    ``providers`` are tried in their order: ``"gpu"`` (any adapter, a software one too), ``"cpu"``, ``"reference"``, ``"hardware"``
    (real GPUs only), or part of an adapter's name; onnxruntime's names are understood. Of several GPUs ``"gpu:1"``, or
    ``("gpu", {"device_id": 1})``, is the second. Without ``providers`` a real GPU is taken, else the CPU. ``backend`` says what runs.
    """

    def __init__(
        self,
        path_or_bytes: Source,
        sess_options: Optional[SessionOptions] = None,
        providers: Optional[Sequence[Provider]] = None,
    ) -> None:
        if sess_options is not None and not isinstance(sess_options, SessionOptions):
            got = f"{type(sess_options).__module__}.{type(sess_options).__qualname__}"
            raise InvalidArgument(f"session: expected convoke.SessionOptions, but got {got}")
        self._options = options = sess_options or SessionOptions()
        self._source: Union[str, bytes]
        if isinstance(path_or_bytes, (bytes, bytearray, memoryview)):
            self._source = bytes(path_or_bytes)
        else:
            self._source = os.path.abspath(path_or_bytes)
        if providers is not None and (isinstance(providers, str) or not providers):
            raise InvalidArgument(f"session: expected a list of providers, but got {providers!r}")
        self._asked = None if providers is None else list(providers)
        self._model = open_model(self._source, options)
        self._provider, self._backend = _choose(self._asked, options.intra_op_num_threads or None)
        self._session = _convoke.Session(
            self._model,
            self._backend,
            precision=options.precision,
            fallback=options.fallback,
            optimize=options.graph_optimization_level != GraphOptimizationLevel.ORT_DISABLE_ALL,
            tuning_plan=options.tuning_plan,
            plans_kept=options.plans_kept,
        )
        self._inputs = [_node_arg(declared) for declared in self._model.inputs()]
        self._outputs = [_node_arg(declared) for declared in self._model.outputs()]
        self._places = {output.name: place for place, output in enumerate(self._outputs)}
        # What a feed must be, and what it is computed in where that is another type; made when it is first needed.
        self._feeds: dict[str, tuple[np.dtype[Any], Optional[np.dtype[Any]]]] = {}
        self._executor: Optional[ThreadPoolExecutor] = None

    def __repr__(self) -> str:
        source = self._source if isinstance(self._source, str) else f"{len(self._source)} bytes"
        return f"<convoke.InferenceSession of {source} on {self.backend}>"

    def __reduce__(self) -> tuple[object, ...]:
        return (InferenceSession, (self._source, self._options, self._asked))

    @property
    def backend(self) -> str:
        """What runs the model: the adapter with its driver, or the CPU with its threads."""
        return f"{self._backend}, kernels by a tuning plan" if self._options.tuning_plan else str(self._backend)

    def get_providers(self) -> list[str]:
        """The provider that was taken, by the name that it was asked for."""
        return [self._provider]

    def get_inputs(self) -> list[NodeArg]:
        return list(self._inputs)

    def get_outputs(self) -> list[NodeArg]:
        return list(self._outputs)

    def get_session_options(self) -> SessionOptions:
        return self._options

    def run(
        self,
        output_names: Optional[Sequence[str]],
        input_feed: Mapping[str, object],
        run_options: None = None,
    ) -> list[NDArray[Any]]:
        """Runs the model. Outputs come in the order of their names, or all in the model's. Other threads of Python run meanwhile.

        Feeds are arrays of numpy of the declared types, read where they lie, or what lends memory of the CPU by DLPack.
        """
        if run_options is not None:
            raise InvalidArgument(f"session: expected no run options, since there are none, but got {run_options!r}")
        outputs = self._session.run(self._ordered(input_feed))
        if output_names is None:
            return [self._as_declared(place, array) for place, array in enumerate(outputs)]
        return [self._as_declared(place, outputs[place]) for place in map(self._place, output_names)]

    def run_async(
        self,
        output_names: Optional[Sequence[str]],
        input_feed: Mapping[str, object],
        callback: Optional[Callable[[list[NDArray[Any]], Any, str], object]] = None,
        user_data: object = None,
    ) -> Future[list[NDArray[Any]]]:
        """Runs the model on another thread. ``callback`` gets the outputs, ``user_data`` and the text of an error, empty where there
        is none, as onnxruntime has it. The future has the same outputs, or raises the error."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="convoke-run")
        future = self._executor.submit(self.run, output_names, input_feed)
        if callback is not None:
            tell = callback

            def done(future: Future[list[NDArray[Any]]]) -> None:
                error = future.exception()
                tell([] if error else future.result(), user_data, str(error or ""))

            future.add_done_callback(done)
        return future

    def prepare(self, shapes: Mapping[str, Sequence[int]]) -> None:
        """Plans and compiles for these shapes of the inputs, so that the next run with them makes nothing."""
        self._session.prepare(self._shapes(shapes))

    def on_cpu(self, shapes: Mapping[str, Sequence[int]]) -> list[_convoke.OnCpu]:
        """The operators that the CPU computes for these shapes in a session on a GPU, and why."""
        return self._session.on_cpu(self._shapes(shapes))

    def expected(self, input_feed: Optional[Mapping[str, object]] = None) -> list[Expected]:
        """What each output should be, computed in float64, and how far each element may be from it. Feeds are random where none are
        given, the same each time."""
        answers = self._session.expected(self._given_or_random(input_feed))
        return [Expected.of(answer, output.name) for answer, output in zip(answers, self._outputs)]

    def verify(self, input_feed: Optional[Mapping[str, object]] = None, *, progress: bool = True) -> Verification:
        """Runs the model and checks each operator by itself against the reference, within the derived bound."""
        with watching("verify", progress) as observer:
            checks = self._session.verify(self._given_or_random(input_feed), observer)
        return Verification(self.backend, checks)

    def profile(self, input_feed: Optional[Mapping[str, object]] = None, *, repetitions: int = 5) -> Profile:
        """Measures what a run spends its time on, operator by operator: the least of some repetitions."""
        return Profile(self.backend, self._session.profile(self._given_or_random(input_feed), repetitions))

    def random_feed(self, shapes: Optional[Mapping[str, Sequence[int]]] = None) -> dict[str, NDArray[Any]]:
        """Random inputs, the same each time. A first extent that the file leaves open is 1; others must be given."""
        random = np.random.default_rng(0)
        given = {name: list(extents) for name, extents in (shapes or {}).items()}
        feed: dict[str, NDArray[Any]] = {}
        for info, extents in zip(self._inputs, self._model.input_shapes(given)):
            dtype = declared_dtype(info.element_type)
            if info.computed is not None and info.computed.kind == "f":
                feed[info.name] = random.standard_normal(extents).astype(dtype)
            else:
                feed[info.name] = random.integers(0, 2, extents).astype(dtype)
        return feed

    def _given_or_random(self, input_feed: Optional[Mapping[str, object]]) -> list[NDArray[Any]]:
        return self._ordered(self.random_feed() if input_feed is None else input_feed)

    def _shapes(self, shapes: Mapping[str, Sequence[int]]) -> list[list[int]]:
        return self._model.input_shapes({name: list(extents) for name, extents in shapes.items()})

    def _place(self, name: str) -> int:
        try:
            return self._places[name]
        except KeyError:
            known = ", ".join(self._places)
            raise InvalidArgument(f"session: expected outputs among {known}, but got {name!r}") from None

    def _ordered(self, input_feed: Mapping[str, object]) -> list[NDArray[Any]]:
        """The feeds in the model's order, as what they are computed in."""
        arrays = []
        for info in self._inputs:
            if info.name not in input_feed:
                raise InvalidArgument(f"session: expected inputs {self._names()}, but got no {info.name!r}")
            arrays.append(self._as_computed(info, input_feed[info.name]))
        if len(input_feed) != len(arrays):
            known = {info.name for info in self._inputs}
            surplus = next(name for name in input_feed if name not in known)
            raise InvalidArgument(f"session: expected inputs {self._names()}, but got {surplus!r}")
        return arrays

    def _names(self) -> str:
        return ", ".join(info.name for info in self._inputs)

    def _as_computed(self, info: NodeArg, value: object) -> NDArray[Any]:
        array = as_array(value)
        if info.name not in self._feeds:
            declared = declared_dtype(info.element_type)
            computed = info.computed
            self._feeds[info.name] = (declared, None if computed == declared else computed)
        declared, computed = self._feeds[info.name]
        if array.dtype != declared:
            raise InvalidArgument(f"session: input {info.name!r}: expected elements of {declared}, but got {array.dtype}")
        return array if computed is None else _converted(info, array, computed)

    def _as_declared(self, place: int, array: NDArray[Any]) -> NDArray[Any]:
        output = self._outputs[place]
        if output.element_type == "FLOAT" or output.element_type == "UNDEFINED":
            return array
        declared = declared_dtype(output.element_type)
        return array if array.dtype == declared else array.astype(declared)


def _converted(info: NodeArg, array: NDArray[Any], computed: np.dtype[Any]) -> NDArray[Any]:
    """Elements as what they are computed in: of float64 the nearest float32, of uint64 what an int64 holds."""
    if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
        raise InvalidArgument(f"session: input {info.name!r}: expected numbers that int64 holds, but got {array.max()}")
    return array.astype(computed)


def open_model(source: Source, options: Optional[SessionOptions] = None) -> _convoke.Model:
    """Reads a model from a file or from bytes."""
    options = options or SessionOptions()
    limits: dict[str, Any] = {"budget": options.budget, "external_data": options.external_data}
    if isinstance(source, bytes):
        return _convoke.Model.from_bytes(source, **limits)
    return _convoke.Model.open(os.fspath(source), **limits)


def get_available_providers() -> list[str]:
    """What ``providers`` may name on this machine."""
    names = [adapter["name"] for adapter in _convoke.adapters()]
    return [*(["gpu"] if names else []), "cpu", "reference", *names]


def get_device() -> str:
    """``GPU`` where a session without providers takes one, else ``CPU``; onnxruntime's function."""
    return "GPU" if open_backend(None).kind == "gpu" else "CPU"
