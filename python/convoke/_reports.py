"""What is known and measured of models, as objects that print and plot."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

from . import _convoke
from ._arrays import COMPUTED
from .errors import Unsupported

Path = Union[str, "os.PathLike[str]"]


def _axes(axes: Any, width: float = 8.0, height: float = 4.0) -> Any:
    """The axes to draw on: those given, or new ones."""
    if axes is not None:
        return axes
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise Unsupported("plot: unsupported: plots without the package matplotlib") from error
    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def aligned(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """A table in columns, the first row its head; the columns in ``left`` begin at the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def cell(column: int, text: str) -> str:
        return text.ljust(widths[column]) if column in left else text.rjust(widths[column])

    return "\n".join("  ".join(cell(column, text) for column, text in enumerate(row)).rstrip() for row in rows)


@dataclass(frozen=True)
class Expected:
    """What an output should be, and how far a right answer may be from it. A bound of 0 means the same bits."""

    name: str
    dtype: np.dtype[Any]
    values: NDArray[np.float64]
    bound: NDArray[np.float64]

    @classmethod
    def of(cls, answer: _convoke.Answer, name: str) -> Expected:
        return cls(name, COMPUTED[answer["dtype"]], answer["values"], answer["bound"])

    def accepts(self, got: NDArray[Any]) -> bool:
        """Whether every element is within its bound. NaN matches NaN alone, an infinity itself."""
        if got.shape != self.values.shape:
            return False
        with np.errstate(invalid="ignore"):
            near = np.abs(got.astype(np.float64) - self.values) <= self.bound
        same = (got.astype(np.float64) == self.values) | (np.isnan(got.astype(np.float64)) & np.isnan(self.values))
        return bool(np.all(near | same))

    def __str__(self) -> str:
        largest = float(self.bound.max()) if self.bound.size else 0.0
        return f"{self.name} {self.dtype}{list(self.values.shape)}, at most {largest:.2e} off:\n{self.values}"


@dataclass(frozen=True)
class Verification:
    """What came of checking a model operator by operator. True where every one is right."""

    backend: str
    checks: list[_convoke.Checked]

    @property
    def mismatches(self) -> list[_convoke.Checked]:
        """The operators that are not within their bounds."""
        return [check for check in self.checks if check["mismatch"] is not None]

    def __bool__(self) -> bool:
        return not self.mismatches

    def __str__(self) -> str:
        if self:
            return f"all {len(self.checks)} operators are within the bounds of the reference, on {self.backend}"
        lines = [f"WRONG  {check['operator']} {check['node']!r} {check['shape']}: {check['mismatch']}" for check in self.mismatches]
        lines.append(f"{len(lines)} of {len(self.checks)} operators differ from the reference, on {self.backend}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Profile:
    """What a run spends its time on. Times are seconds."""

    backend: str
    data: _convoke.Profiled

    @property
    def layers(self) -> list[_convoke.Layer]:
        return self.data["layers"]

    def __str__(self) -> str:
        rows = [["layer", "operator", "output", "ms", "share", "GFLOP/s", "GB/s", "of ceiling"]]
        for layer in self.layers:
            shape = "x".join(map(str, layer["outputs"][0])) if layer["outputs"] else ""
            rows.append([
                layer["node"][-40:],
                layer["operator"],
                shape,
                f"{1e3 * layer['seconds']:.3f}",
                f"{100 * layer['share']:.1f}%",
                f"{layer['gflops']:.1f}" if layer["gflops"] else "",
                f"{layer['gbs']:.1f}" if layer["gbs"] else "",
                f"{100 * layer['of_ceiling']:.0f}%" if layer["of_ceiling"] else "",
            ])
        data = self.data
        head = (
            f"{self.backend}, measured by {data['timing']}, the least of {data['repetitions']}\n"
            f"ceilings: {data['ceiling_gflops']:.1f} GFLOP/s, {data['ceiling_gbs']:.1f} GB/s"
        )
        foot = f"kernels {1e3 * data['kernels']:.3f} ms, the whole run {1e3 * data['run']:.3f} ms"
        return "\n".join([head, aligned(rows, (0, 1, 2)), foot])

    def plot(self, axes: Any = None) -> Any:
        """A bar for each layer, as long as it takes."""
        axes = _axes(axes, height=1.0 + 0.25 * len(self.layers))
        names = [layer["node"] for layer in self.layers]
        axes.barh(range(len(names)), [1e3 * layer["seconds"] for layer in self.layers], tick_label=names)
        axes.invert_yaxis()
        axes.set(xlabel="ms", title=self.backend)
        return axes


@dataclass(frozen=True)
class Inspection:
    """What an ONNX file holds."""

    opset: int
    inputs: list[_convoke.Declared]
    outputs: list[_convoke.Declared]
    parameters: int
    #: How often each of ONNX's operators occurs.
    operators: dict[str, int]
    #: Of convoke's operators how many there are before the passes and after, and their arithmetic; None where that needs shapes
    #: that are not given, or is not known before the model runs.
    work: Optional[_convoke.Work]
    #: Why the model does not run; None where it does.
    refusal: Optional[str]

    def __str__(self) -> str:
        lines = [f"runs        {'yes' if self.refusal is None else f'not: {self.refusal}'}", f"opset       {self.opset}"]
        for kind, values in (("input", self.inputs), ("output", self.outputs)):
            for value in values:
                dims = value["shape"]
                shape = ".." if dims is None else ", ".join("?" if extent is None else str(extent) for extent in dims)
                lines.append(f"{kind:<11} {value['name']} [{shape}] {value['element_type']}")
        lines.append(f"parameters  {self.parameters}")
        if self.work is not None:
            lines.append(f"FLOPs       {self.work['flops']} (convolutions and matrix products)")
        lines.append("operators")
        lines += [f"    {count:>6}  {name}" for name, count in self.operators.items()]
        if self.work is not None:
            lines.append("passes      before    after")
            lines += [f"            {before:>6} {after:>8}  {name}" for name, (before, after) in self.work["operators"].items()]
        return "\n".join(lines)


@dataclass(frozen=True)
class Benchmark:
    """Backends measured side by side, every answer checked first. Times are seconds."""

    #: All that was measured: what ``convoke bench --json`` writes.
    data: dict[str, Any]
    #: A report with plots, for a browser.
    html: str
    #: Whether an answer was wrong or a run failed.
    failed: bool
    _table: str

    @classmethod
    def of(cls, measured: _convoke.Measured) -> Benchmark:
        return cls(json.loads(measured["json"]), measured["html"], measured["failed"], measured["table"])

    def __str__(self) -> str:
        return self._table

    def median(self, backend: int = 0, point: int = 0) -> float:
        """The median time of a run: of a backend, by its place, at a point of the sweep."""
        outcome = self.data["cases"][0]["points"][point]["outcomes"][backend]
        if "measured" not in outcome:
            raise Unsupported(f"bench: unsupported: a median of what was not measured: {outcome}")
        return float(outcome["measured"]["warm"]["median"])

    def save(self, path: Path) -> None:
        """Writes it: as a report for a browser where the name ends in ``.html``, otherwise as JSON."""
        text = self.html if os.fspath(path).endswith(".html") else json.dumps(self.data, indent=2)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def plot(self, axes: Any = None) -> Any:
        """The median of each backend at each point."""
        axes = _axes(axes)
        points = self.data["cases"][0]["points"]
        for place, backend in enumerate(self.data["backends"]):
            measured = [(point["size"], point["outcomes"][place].get("measured")) for point in points]
            known = [(size, 1e3 * outcome["warm"]["median"]) for size, outcome in measured if outcome is not None]
            axes.plot([size for size, _ in known], [time for _, time in known], marker="o", label=backend["label"])
        axes.set(xlabel=self.data["cases"][0]["sweep"] or "", ylabel="ms", title=self.data["cases"][0]["name"], ylim=(0, None))
        axes.legend()
        return axes


@dataclass(frozen=True)
class Tuning:
    """Which kernels are fastest for a model's layers on an adapter."""

    #: The plan, as ``SessionOptions.tuning_plan`` reads it from a file.
    plan: dict[str, Any]
    _text: str

    @classmethod
    def of(cls, text: str) -> Tuning:
        return cls(json.loads(text), text)

    def save(self, path: Path) -> None:
        """Writes the plan."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self._text)

    def __str__(self) -> str:
        rows = [["layer", "by rule", "us", "chosen", "us"]]
        for layer in self.plan["layers"]:
            rule, choice = layer.get("by_rule"), layer["choice"]
            what = " ".join(f"{key}={value}" for key, value in layer["layer"].items() if key != "operator")
            times = [f"{time:.1f}" if time else "-" for time in (_microseconds(layer, rule), _microseconds(layer, choice))]
            rows.append([f"{layer['layer']['operator']} {what}", rule or "", times[0], choice, times[1]])
        return f"{self.plan['adapter']['name']}\n{aligned(rows, (0, 1, 3))}"

    def plot(self, axes: Any = None) -> Any:
        """A bar for each candidate of each layer, as long as it takes; those that are chosen in colour."""
        bars = [
            (f"{layer['layer']['operator']} {place}: {candidate['choice']}", time, candidate["choice"] == layer["choice"])
            for place, layer in enumerate(self.plan["layers"])
            for candidate in layer["candidates"]
            if (time := _microseconds(layer, candidate["choice"])) is not None
        ]
        axes = _axes(axes, height=1.0 + 0.25 * len(bars))
        colors = ["tab:blue" if is_chosen else "lightgrey" for _, _, is_chosen in bars]
        axes.barh(range(len(bars)), [time for _, time, _ in bars], tick_label=[name for name, _, _ in bars], color=colors)
        axes.invert_yaxis()
        axes.set(xlabel="us", title=self.plan["adapter"]["name"])
        return axes


def _microseconds(layer: dict[str, Any], choice: Optional[str]) -> Optional[float]:
    """The median time of a layer's candidate, if it was measured."""
    for candidate in layer["candidates"]:
        if candidate["choice"] == choice and "microseconds" in candidate:
            return float(candidate["microseconds"]["median"])
    return None
