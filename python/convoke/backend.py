"""onnx's backend interface: ``onnx.backend.base`` for convoke.

    import convoke.backend

    prepared = convoke.backend.prepare(onnx.load("model.onnx"), "CPU")
    outputs = prepared.run([array])

Devices are ``"CPU"``, ``"GPU"`` (any adapter; onnx's ``"CUDA"`` is understood as one) and ``"REFERENCE"``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto
from onnx.backend.base import Backend, BackendRep, namedtupledict

from . import _convoke
from ._session import InferenceSession, SessionOptions
from .errors import InvalidArgument, LimitExceeded, Unsupported

__all__ = ["ConvokeBackend", "ConvokeBackendRep", "is_compatible", "prepare", "run_model", "run_node", "supports_device"]

_PROVIDERS = {"CPU": "cpu", "GPU": "gpu", "CUDA": "gpu", "REFERENCE": "reference"}


def _provider(device: str) -> str:
    """The provider for one of onnx's devices; what follows a colon is the number of one, and there is one but of GPUs."""
    kind, _, number = device.partition(":")
    provider = _PROVIDERS.get(kind)
    if provider == "gpu" and number.isdecimal():
        return f"gpu:{int(number)}"
    if provider is None or number not in ("", "0"):
        raise InvalidArgument(f"backend: expected a device among {', '.join(_PROVIDERS)}, but got {device!r}")
    return provider


class ConvokeBackendRep(BackendRep):  # type: ignore[misc]
    """A model made ready for a device."""

    def __init__(self, session: InferenceSession) -> None:
        self._session = session

    @property
    def session(self) -> InferenceSession:
        """What runs it."""
        return self._session

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Runs on arrays in the order of the model's inputs, or by their names."""
        names = [value.name for value in self._session.get_inputs()]
        if not isinstance(inputs, dict):
            if len(inputs) != len(names):
                raise InvalidArgument(f"backend: expected inputs {', '.join(names)}, but got {len(inputs)} arrays")
            inputs = dict(zip(names, inputs))
        outputs = self._session.run(None, inputs)
        result: tuple[Any, ...] = namedtupledict("Outputs", [value.name for value in self._session.get_outputs()])(*outputs)
        return result


class ConvokeBackend(Backend):  # type: ignore[misc]
    """What onnx asks of a backend, on convoke."""

    @classmethod
    def is_compatible(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether the model runs, as far as its file tells."""
        if not cls.supports_device(device):
            return False
        try:
            _convoke.Model.from_bytes(model.SerializeToString()).check({})
        except InvalidArgument:
            # Shapes that the file leaves open; they come with the inputs.
            return True
        except (LimitExceeded, Unsupported):
            return False
        return True

    @classmethod
    def prepare(
        cls, model: ModelProto, device: str = "CPU", sess_options: Optional[SessionOptions] = None, **kwargs: Any
    ) -> ConvokeBackendRep:
        """Makes a model ready for a device."""
        return ConvokeBackendRep(InferenceSession(model.SerializeToString(), sess_options, [_provider(device)]))

    @classmethod
    def run_model(cls, model: ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any) -> tuple[Any, ...]:
        """Runs a model once."""
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(
        cls,
        node: NodeProto,
        inputs: Sequence[NDArray[Any]],
        device: str = "CPU",
        outputs_info: Any = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Runs one node. ``opset_version`` is that of its operator; onnx's newest if it is not given."""
        opset = kwargs.pop("opset_version", min(onnx.defs.onnx_opset_version(), _NEWEST_OPSET))
        present = [name for name in node.input if name]
        values = [
            onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in zip(present, inputs)
        ]
        bare = [onnx.helper.make_empty_tensor_value_info(name) for name in node.output if name]
        graph = onnx.helper.make_graph([node], "node", values, bare)
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid(node.domain, opset)])
        return cls.run_model(onnx.shape_inference.infer_shapes(model), list(inputs), device, **kwargs)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether the device is there."""
        try:
            provider = _provider(device)
        except InvalidArgument:
            return False
        kind, _, place = provider.partition(":")
        return kind != "gpu" or int(place or 0) < len(_convoke.adapters())


# The newest of ONNX's opsets that convoke reads.
_NEWEST_OPSET = 28

is_compatible = ConvokeBackend.is_compatible
prepare = ConvokeBackend.prepare
run_model = ConvokeBackend.run_model
run_node = ConvokeBackend.run_node
supports_device = ConvokeBackend.supports_device
