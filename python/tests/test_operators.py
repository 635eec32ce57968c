"""Operators on arrays: by hand, against their bounds, and the worked example's numbers."""

from __future__ import annotations


import numpy as np
import pytest

import convoke

RANDOM = np.random.default_rng(7)


def real(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape, dtype=np.float32)


CASES = {
    "conv2d": (convoke.conv2d, (real(2, 4, 7, 6), real(6, 2, 3, 2), real(6)), {"stride": (2, 1), "padding": (1, 0), "groups": 2}),
    "conv2d same": (convoke.conv2d, (real(1, 2, 5, 6), real(3, 2, 3, 3)), {"padding": "same", "padding_mode": "reflect"}),
    "conv_transpose2d": (
        convoke.conv_transpose2d,
        (real(1, 3, 4, 5), real(3, 2, 3, 3), real(2)),
        {"stride": 2, "padding": 1, "output_padding": 1},
    ),
    "max_pool2d": (convoke.max_pool2d, (real(1, 2, 7, 6), 3), {"stride": 2, "padding": 1, "ceil_mode": True}),
    "avg_pool2d": (convoke.avg_pool2d, (real(1, 2, 7, 6), (2, 3)), {"padding": 1, "count_include_pad": False}),
    "adaptive_avg_pool2d": (convoke.adaptive_avg_pool2d, (real(1, 2, 7, 6), (3, 2)), {}),
    "adaptive_max_pool2d": (convoke.adaptive_max_pool2d, (real(1, 2, 7, 6), 2), {}),
    "pad": (convoke.pad, (real(1, 2, 4, 5), (1, 2, 0, 3)), {"mode": "replicate"}),
    "interpolate": (convoke.interpolate, (real(1, 2, 4, 5),), {"size": (7, 3), "mode": "bilinear"}),
    "linear": (convoke.linear, (real(3, 5), real(4, 5), real(4)), {}),
    "matmul": (convoke.matmul, (real(2, 3, 5), real(5, 4)), {}),
    "relu": (convoke.relu, (real(3, 5),), {}),
    "softmax": (convoke.softmax, (real(3, 5),), {"axis": 0}),
    "log_softmax": (convoke.log_softmax, (real(3, 5),), {}),
    "batch_norm": (convoke.batch_norm, (real(2, 3, 4, 5), real(3), np.abs(real(3)) + 0.5, real(3), real(3)), {}),
    "layer_norm": (convoke.layer_norm, (real(2, 3, 4), real(4), real(4)), {}),
    "instance_norm": (convoke.instance_norm, (real(2, 3, 4, 5), real(3), real(3)), {}),
    "local_response_norm": (convoke.local_response_norm, (real(1, 6, 3, 4), 3), {}),
}


@pytest.mark.parametrize("name", CASES)
def test_every_operator_is_within_its_bound(name, provider):
    function, arguments, parameters = CASES[name]
    got = function(*arguments, **parameters, provider=provider)
    want = convoke.expected(function, *arguments, **parameters)
    assert want.accepts(got)
    assert not want.accepts(got + 1.0)


def test_by_hand(provider):
    image = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
    values, places = convoke.max_pool2d(image, 2, stride=1, return_indices=True, provider=provider)
    assert values.tolist() == [[[[5, 6, 7], [9, 10, 11]]]] and places.tolist() == [[[[5, 6, 7], [9, 10, 11]]]]
    twice = convoke.interpolate(image, scale_factor=2, provider=provider)
    assert np.array_equal(twice, image.repeat(2, axis=2).repeat(2, axis=3))
    assert np.array_equal(convoke.pad(image, (0, -1, 1, 0), value=3, provider=provider)[0, 0, 0], [3, 3, 3])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: convoke.conv2d(real(1, 2, 5, 6), real(1, 2, 7, 7)), r"padded input size per channel is \(5 x 6\)"),
        (lambda: convoke.conv2d(real(2, 5, 6), real(1, 2, 3, 3)), r"expected images \[N, C, H, W\], but got shape \[2, 5, 6\]"),
        (lambda: convoke.conv2d(real(1, 2, 5, 6), real(1, 2, 3, 3), padding="full"), "full"),
        (lambda: convoke.conv2d(real(1, 2, 5, 6), real(1, 2, 3, 3), padding_mode="mirror"), "mirror"),
        (lambda: convoke.max_pool2d(real(1, 2, 5, 6), 0), "kernel"),
        (lambda: convoke.conv2d(real(1, 2, 5, 6), real(1, 2, 3, 3), stride="a"), "^conv2d: expected .* but got 'a'$"),
        (lambda: convoke.conv2d(real(1, 2, 5, 6), real(1, 2, 3, 3), padding=-1), "^conv2d: expected .* but got -1$"),
        (lambda: convoke.conv2d(real(1, 2, 5, 6), real(1, 2, 3, 3), groups=-1), "^conv2d: expected .* but got -1$"),
        (lambda: convoke.max_pool2d(real(1, 2, 5, 6), (2, 0.5)), r"^max_pool2d: expected .* but got \(2, 0.5\)$"),
        (lambda: convoke.pad(real(1, 2, 5, 6), 3), r"^pad: expected \(left, right, top, bottom\), but got 3$"),
        (lambda: convoke.interpolate(real(1, 2, 5, 6), scale_factor=1.5), "whole scale_factor"),
        (lambda: convoke.interpolate(real(1, 2, 5, 6)), "size or scale_factor"),
        (lambda: convoke.relu(real(2).astype(np.float64)), "float64"),
    ],
)
def test_refusals(call, said):
    with pytest.raises(convoke.InvalidArgument, match=said):
        call()
