"""Neural networks on any GPU that WebGPU reaches, and on the CPU, with onnxruntime's names; every answer checkable.

    import convoke

    session = convoke.InferenceSession("model.onnx")
    outputs = session.run(None, {"input": array})
    print(session.backend)

``convoke.conv2d`` and its kind are single operators on numpy's arrays; ``convoke.backend`` is onnx's backend interface;
``convoke.ray`` runs models on a cluster.
"""

from importlib.metadata import version as _version

from ._convoke import adapters
from ._measure import bench, inspect, tune
from ._operators import (
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    avg_pool2d,
    batch_norm,
    conv2d,
    conv_transpose2d,
    expected,
    instance_norm,
    interpolate,
    layer_norm,
    linear,
    local_response_norm,
    log_softmax,
    matmul,
    max_pool2d,
    pad,
    relu,
    softmax,
)
from ._reports import Benchmark, Expected, Inspection, Profile, Tuning, Verification
from ._session import (
    GraphOptimizationLevel,
    InferenceSession,
    NodeArg,
    SessionOptions,
    get_available_providers,
    get_device,
)
from .errors import (
    DeviceLost,
    Error,
    FileError,
    InvalidArgument,
    LimitExceeded,
    ModelError,
    NoAdapter,
    OutOfMemory,
    Unsupported,
)

__version__ = _version("convoke")

__all__ = [
    "Benchmark",
    "DeviceLost",
    "Error",
    "Expected",
    "FileError",
    "GraphOptimizationLevel",
    "InferenceSession",
    "Inspection",
    "InvalidArgument",
    "LimitExceeded",
    "ModelError",
    "NoAdapter",
    "NodeArg",
    "OutOfMemory",
    "Profile",
    "SessionOptions",
    "Tuning",
    "Unsupported",
    "Verification",
    "adapters",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "avg_pool2d",
    "batch_norm",
    "bench",
    "conv2d",
    "conv_transpose2d",
    "expected",
    "get_available_providers",
    "get_device",
    "inspect",
    "instance_norm",
    "interpolate",
    "layer_norm",
    "linear",
    "local_response_norm",
    "log_softmax",
    "matmul",
    "max_pool2d",
    "pad",
    "relu",
    "softmax",
    "tune",
]
