"""Operators on arrays, with PyTorch's names and parameters.

Every function takes ``provider`` last: where it runs, ``"cpu"`` if nothing is said. Images are ``[N, C, H, W]``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

from . import _convoke
from ._arrays import as_array
from ._reports import Expected
from ._session import open_backend
from .errors import InvalidArgument

if TYPE_CHECKING:
    # typing has it from Python 3.10 on.
    from typing_extensions import ParamSpec

    P = ParamSpec("P")

Array = NDArray[Any]
Extents = Union[int, Sequence[int]]

# In place of a provider: what should come, not what comes.
_ORACLE = "convoke: the answer and its bound"


def _run(operator: _convoke.Operator, inputs: Sequence[object], provider: str) -> Any:
    arrays = [as_array(array) for array in inputs if array is not None]
    if provider == _ORACLE:
        answers = _convoke.expected(operator, arrays)
        found = [Expected.of(answer, f"output {place}") for place, answer in enumerate(answers)]
        return found[0] if len(found) == 1 else tuple(found)
    outputs = open_backend(provider).run(operator, arrays)
    return outputs[0] if len(outputs) == 1 else tuple(outputs)


def _made(name: str, make: Callable[P, _convoke.Operator], *parameters: P.args, **named: P.kwargs) -> _convoke.Operator:
    """An operator with its parameters; what is no number, text or flag where one is expected is refused in the operator's name."""
    try:
        return make(*parameters, **named)
    except TypeError as error:
        raise InvalidArgument(f"{name}: {error}") from None


def _images(name: str, array: object) -> object:
    shape = np.shape(as_array(array))
    if len(shape) != 4:
        raise InvalidArgument(f"{name}: expected images [N, C, H, W], but got shape {list(shape)}")
    return array


def expected(function: Callable[..., Any], *arguments: Any, **parameters: Any) -> Any:
    """What an operator should give, computed in float64, with the bound on each element: ``expected(conv2d, x, w, padding=1)``."""
    return function(*arguments, **parameters, provider=_ORACLE)


def conv2d(
    input: object,
    weight: object,
    bias: object = None,
    stride: Extents = 1,
    padding: Union[str, Extents] = 0,
    dilation: Extents = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    provider: str = "cpu",
) -> Array:
    """Convolution. ``padding_mode`` is ``zeros``, ``reflect``, ``replicate`` or ``circular``."""
    operator = _made("conv2d", _convoke.Operator.conv, stride, padding, padding_mode, dilation, groups)
    result: Array = _run(operator, [_images("conv2d", input), weight, bias], provider)
    return result


def conv_transpose2d(
    input: object,
    weight: object,
    bias: object = None,
    stride: Extents = 1,
    padding: Extents = 0,
    output_padding: Extents = 0,
    groups: int = 1,
    dilation: Extents = 1,
    *,
    provider: str = "cpu",
) -> Array:
    """Transposed convolution."""
    operator = _made("conv_transpose2d", _convoke.Operator.conv_transpose, stride, padding, output_padding, dilation, groups)
    result: Array = _run(operator, [_images("conv_transpose2d", input), weight, bias], provider)
    return result


def max_pool2d(
    input: object,
    kernel_size: Extents,
    stride: Optional[Extents] = None,
    padding: Extents = 0,
    dilation: Extents = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    provider: str = "cpu",
) -> Any:
    """Maximum over windows; with ``return_indices`` also where in the plane each stands."""
    operator = _made("max_pool2d", _convoke.Operator.max_pool, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
    return _run(operator, [_images("max_pool2d", input)], provider)


def avg_pool2d(
    input: object,
    kernel_size: Extents,
    stride: Optional[Extents] = None,
    padding: Extents = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Optional[int] = None,
    *,
    provider: str = "cpu",
) -> Array:
    """Average over windows."""
    operator = _made("avg_pool2d", _convoke.Operator.avg_pool, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    result: Array = _run(operator, [_images("avg_pool2d", input)], provider)
    return result


def adaptive_avg_pool2d(input: object, output_size: Extents, *, provider: str = "cpu") -> Array:
    """Average pooling to a given size."""
    operator = _made("adaptive_avg_pool2d", _convoke.Operator.adaptive_avg_pool, output_size)
    result: Array = _run(operator, [_images("adaptive_avg_pool2d", input)], provider)
    return result


def adaptive_max_pool2d(
    input: object, output_size: Extents, return_indices: bool = False, *, provider: str = "cpu"
) -> Any:
    """Maximum pooling to a given size; with ``return_indices`` also where in the plane each stands."""
    operator = _made("adaptive_max_pool2d", _convoke.Operator.adaptive_max_pool, output_size, return_indices)
    return _run(operator, [_images("adaptive_max_pool2d", input)], provider)


def pad(
    input: object, pad: Sequence[int], mode: str = "constant", value: float = 0.0, *, provider: str = "cpu"
) -> Array:
    """Pads ``(left, right, top, bottom)``: ``constant``, ``reflect``, ``replicate`` or ``circular``. Negative sides crop."""
    if not np.iterable(pad):
        raise InvalidArgument(f"pad: expected (left, right, top, bottom), but got {pad!r}")
    operator = _made("pad", _convoke.Operator.pad, list(pad), mode, value)
    result: Array = _run(operator, [_images("pad", input)], provider)
    return result


def interpolate(
    input: object,
    size: Optional[Extents] = None,
    scale_factor: Optional[int] = None,
    mode: str = "nearest",
    align_corners: bool = False,
    *,
    provider: str = "cpu",
) -> Array:
    """Resizes to ``size``, or to a whole multiple: ``nearest`` or ``bilinear``."""
    array = as_array(_images("interpolate", input))
    if (size is None) == (scale_factor is None):
        raise InvalidArgument("interpolate: expected size or scale_factor, and not both")
    if scale_factor is not None:
        if int(scale_factor) != scale_factor:
            raise InvalidArgument(f"interpolate: expected a whole scale_factor, but got {scale_factor}; size takes any other")
        size = [extent * int(scale_factor) for extent in array.shape[2:]]
    assert size is not None
    result: Array = _run(_made("interpolate", _convoke.Operator.interpolate, size, mode, align_corners), [array], provider)
    return result


def linear(input: object, weight: object, bias: object = None, *, provider: str = "cpu") -> Array:
    """The fully connected layer: ``input @ weight.T + bias``."""
    result: Array = _run(_convoke.Operator.linear(), [input, weight, bias], provider)
    return result


def matmul(left: object, right: object, *, provider: str = "cpu") -> Array:
    """Batched matrix product."""
    result: Array = _run(_convoke.Operator.matmul(), [left, right], provider)
    return result


def relu(input: object, *, provider: str = "cpu") -> Array:
    """The larger of each element and 0."""
    result: Array = _run(_convoke.Operator.relu(), [input], provider)
    return result


def softmax(input: object, axis: int = -1, *, provider: str = "cpu") -> Array:
    """Exponentials that add up to 1 along an axis."""
    result: Array = _run(_made("softmax", _convoke.Operator.softmax, axis, False), [input], provider)
    return result


def log_softmax(input: object, axis: int = -1, *, provider: str = "cpu") -> Array:
    """The logarithm of ``softmax``."""
    result: Array = _run(_made("log_softmax", _convoke.Operator.softmax, axis, True), [input], provider)
    return result


def batch_norm(
    input: object,
    running_mean: object,
    running_var: object,
    weight: object,
    bias: object,
    eps: float = 1e-5,
    *,
    provider: str = "cpu",
) -> Array:
    """Batch normalisation by statistics that are given."""
    inputs = [input, running_mean, running_var, weight, bias]
    result: Array = _run(_made("batch_norm", _convoke.Operator.batch_norm, eps), inputs, provider)
    return result


def layer_norm(
    input: object, weight: object, bias: object = None, eps: float = 1e-5, axis: int = -1, *, provider: str = "cpu"
) -> Array:
    """Normalisation over the axes from ``axis`` on."""
    result: Array = _run(_made("layer_norm", _convoke.Operator.layer_norm, axis, eps), [input, weight, bias], provider)
    return result


def instance_norm(input: object, weight: object, bias: object, eps: float = 1e-5, *, provider: str = "cpu") -> Array:
    """Normalisation of each plane by its own statistics."""
    result: Array = _run(_made("instance_norm", _convoke.Operator.instance_norm, eps), [input, weight, bias], provider)
    return result


def local_response_norm(
    input: object,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
    *,
    provider: str = "cpu",
) -> Array:
    """Normalisation by neighbouring channels."""
    result: Array = _run(_made("local_response_norm", _convoke.Operator.local_response_norm, size, alpha, beta, k), [input], provider)
    return result
