"""What is native of the package. Private: ``convoke`` has what people call."""

import os
from collections.abc import Callable, Sequence
from typing import Any, Literal, Optional, TypedDict, Union, final, type_check_only

import numpy as np
from numpy.typing import NDArray

__all__ = ["Backend", "Model", "Operator", "Session", "adapters", "bench", "expected", "tune"]

_Array = NDArray[Any]
_Extents = Union[int, Sequence[int]]
_Shapes = dict[str, list[int]]
_Observer = Optional[Callable[[str, float], object]]

@type_check_only
class Declared(TypedDict):
    name: str
    element_type: str
    dtype: str | None
    shape: list[int | str | None] | None

@type_check_only
class Work(TypedDict):
    flops: int
    operators: dict[str, tuple[int, int]]

@type_check_only
class Adapter(TypedDict):
    name: str
    kind: str
    api: str
    driver: str
    pci_bus_id: str
    shader_f16: bool

@type_check_only
class Answer(TypedDict):
    dtype: str
    values: NDArray[np.float64]
    bound: NDArray[np.float64]

@type_check_only
class Checked(TypedDict):
    node: str
    operator: str
    shape: list[int]
    mismatch: str | None

@type_check_only
class OnCpu(TypedDict):
    node: str
    operator: str
    reason: str

@type_check_only
class Layer(TypedDict):
    node: str
    operator: str
    inputs: list[list[int]]
    outputs: list[list[int]]
    kernels: list[tuple[str, float]]
    seconds: float
    flops: int
    bytes: int
    gflops: float
    gbs: float
    share: float
    of_ceiling: float
    above_ceiling: str | None

@type_check_only
class Profiled(TypedDict):
    timing: str
    repetitions: int
    ceiling_gflops: float
    ceiling_gbs: float
    kernels: float
    dispatches: float
    run: float
    layers: list[Layer]

@type_check_only
class Measured(TypedDict):
    json: str
    table: str
    html: str
    failed: bool

@final
class Model:
    @staticmethod
    def open(
        path: str | os.PathLike[str], *, budget: int | None = None, external_data: str | os.PathLike[str] | None = None
    ) -> Model: ...
    @staticmethod
    def from_bytes(
        content: bytes, *, budget: int | None = None, external_data: str | os.PathLike[str] | None = None
    ) -> Model: ...
    def inputs(self) -> list[Declared]: ...
    def outputs(self) -> list[Declared]: ...
    def opset(self) -> int: ...
    def parameters(self) -> int: ...
    def operators(self) -> dict[str, int]: ...
    def input_shapes(self, given: _Shapes) -> list[list[int]]: ...
    def check(self, given: _Shapes) -> None: ...
    def work(self, given: _Shapes) -> Work: ...

@final
class Backend:
    def __new__(cls, provider: str | None, threads: int | None) -> Backend: ...
    @property
    def kind(self) -> Literal["gpu", "cpu", "reference"]: ...
    def run(self, operator: Operator, inputs: Sequence[_Array]) -> list[_Array]: ...

@final
class Session:
    def __new__(
        cls,
        model: Model,
        backend: Backend,
        *,
        precision: str,
        fallback: str,
        optimize: bool,
        tuning_plan: str | os.PathLike[str] | None,
        plans_kept: int,
    ) -> Session: ...
    def run(self, inputs: Sequence[_Array]) -> list[_Array]: ...
    def prepare(self, shapes: Sequence[Sequence[int]]) -> None: ...
    def on_cpu(self, shapes: Sequence[Sequence[int]]) -> list[OnCpu]: ...
    def expected(self, inputs: Sequence[_Array]) -> list[Answer]: ...
    def verify(self, inputs: Sequence[_Array], observer: _Observer) -> list[Checked]: ...
    def profile(self, inputs: Sequence[_Array], repetitions: int) -> Profiled: ...

@final
class Operator:
    @staticmethod
    def conv(
        stride: _Extents, padding: str | _Extents, padding_mode: str, dilation: _Extents, groups: int
    ) -> Operator: ...
    @staticmethod
    def conv_transpose(
        stride: _Extents, padding: _Extents, output_padding: _Extents, dilation: _Extents, groups: int
    ) -> Operator: ...
    @staticmethod
    def max_pool(
        kernel_size: _Extents,
        stride: _Extents | None,
        padding: _Extents,
        dilation: _Extents,
        ceil_mode: bool,
        return_indices: bool,
    ) -> Operator: ...
    @staticmethod
    def avg_pool(
        kernel_size: _Extents,
        stride: _Extents | None,
        padding: _Extents,
        ceil_mode: bool,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Operator: ...
    @staticmethod
    def adaptive_avg_pool(output_size: _Extents) -> Operator: ...
    @staticmethod
    def adaptive_max_pool(output_size: _Extents, return_indices: bool) -> Operator: ...
    @staticmethod
    def pad(sides: Sequence[int], mode: str, value: float) -> Operator: ...
    @staticmethod
    def interpolate(size: _Extents, mode: str, align_corners: bool) -> Operator: ...
    @staticmethod
    def linear() -> Operator: ...
    @staticmethod
    def matmul() -> Operator: ...
    @staticmethod
    def relu() -> Operator: ...
    @staticmethod
    def softmax(axis: int, logarithm: bool) -> Operator: ...
    @staticmethod
    def batch_norm(eps: float) -> Operator: ...
    @staticmethod
    def layer_norm(axis: int, eps: float) -> Operator: ...
    @staticmethod
    def instance_norm(eps: float) -> Operator: ...
    @staticmethod
    def local_response_norm(size: int, alpha: float, beta: float, k: float) -> Operator: ...

def adapters() -> list[Adapter]: ...
def expected(operator: Operator, inputs: Sequence[_Array]) -> list[Answer]: ...
def bench(
    model: Model,
    name: str,
    content: bytes,
    backends: Sequence[tuple[str, Backend, str]],
    given: _Shapes,
    *,
    sweep: tuple[str, Sequence[int]] | None,
    rule: tuple[float, float],
    observer: _Observer,
) -> Measured: ...
def tune(model: Model, backend: Backend, given: _Shapes, max_time: float, observer: _Observer) -> str: ...
