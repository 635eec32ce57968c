"""Exports architectures with random weights to ONNX, runs them, and compares with onnxruntime: what convoke makes of the files that
people have.

    pip install torch torchvision timm segmentation-models-pytorch ultralytics onnx onnxscript onnxruntime
    python tools/architectures.py --convoke target/release/convoke --table results.tsv

`architectures.tsv` beside this file, or another that is given, has a line for each export: the architecture, the exporter and the inputs,
separated by tabs. Architectures are named after where they come from:

    tv_NAME, tvseg_NAME, tvdet_NAME     torchvision: classification, segmentation, detection
    tvvid_NAME, tvflow_NAME             torchvision: video, optical flow
    timm_NAME                           timm.create_model(NAME)
    smp_ARCHITECTURE_ENCODER            segmentation-models-pytorch
    yolo_NAME                           ultralytics, with what is asked for after the name: cls, seg, pose, obb, nms, half, opset12
    own_NAME                            written out in `handwritten.py`
    qdq_NAME                            any of those above, quantised by onnxruntime with QuantizeLinear and DequantizeLinear

Exporters are `legacy` (torch.onnx.export of opset 17), `dynamo` (of opset 18) and `ultralytics`; inputs are `x:1x3x224x224`, or
`ids:1x16:100` for whole numbers below 100. Nothing is downloaded: weights are random, of a fixed seed.

The table has a line for each export, on each backend `ok`, `refused`, `differs` or `failed`, and what blocks it. Exports that are ok
are left out when the tool runs again, and their models deleted; the others' models are used again.
"""

import argparse
import csv
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

COLUMNS = ["architecture", "exporter", "inputs", "cpu", "gpu", "blocker"]
BACKENDS = {"cpu": ["--backend", "cpu"], "gpu": ["--backend", "gpu", "--adapter", "any"]}
# How far an output may be off, relative to the largest number that onnxruntime has in it.
MOST_DIFFERENCE = 1e-3
# The same for quantised models, of which onnxruntime's own answers, optimized and not, are as far from one another: two steps of the
# last layer's scale.
MOST_QUANTISED_DIFFERENCE = 2e-2
YOLO_TASKS = {"cls", "seg", "pose", "obb"}


def parse_inputs(text):
    """`x:1x3x8x8,ids:1x16:100` as {"x": ([1, 3, 8, 8], None), "ids": ([1, 16], 100)}: shapes, and what whole numbers are below."""
    inputs = {}
    for part in text.split(","):
        name, shape, *limit = part.split(":")
        inputs[name] = [int(extent) for extent in shape.split("x")], int(limit[0]) if limit else None
    return inputs


def torchvision_model(kind, name):
    import torch
    import torchvision

    class Segmentation(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, images):
            return self.model(images)["out"]

    class Detection(Segmentation):
        def forward(self, images):
            return tuple(self.model([images[0]])[0].values())

    class Flow(Segmentation):
        def forward(self, *images):
            return self.model(*images)[-1]

    options = {"weights": None}
    if kind in ("tvseg", "tvdet"):
        options["weights_backbone"] = None
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    model = torchvision.models.get_model(name, **options)
    return {"tvseg": Segmentation, "tvdet": Detection, "tvflow": Flow}.get(kind, lambda model: model)(model)


def torch_model(architecture):
    kind, name = architecture.split("_", 1)
    if kind == "timm":
        import timm

        return timm.create_model(name, pretrained=False, exportable=True)
    if kind == "smp":
        import segmentation_models_pytorch as smp

        decoder, encoder = name.split("_", 1)
        return smp.create_model(decoder, encoder_name=encoder, encoder_weights=None)
    if kind == "own":
        import handwritten

        return handwritten.MODELS[name]()
    return torchvision_model(kind, name)


def fill_zeros(model):
    """Weights that start as zeros would hide whole branches."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.05)


def settle_norms(model):
    """With the statistics that random weights start with, features are nearly the same at all places of an image, so are the scores of
    boxes, and rounding alone decides which are kept."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
            module.reset_running_stats()
    model.train()
    with torch.no_grad():
        for head in (model.head.classification_head, model.head.regression_head):
            head(list(model.backbone(torch.rand(2, 3, 320, 320)).values()))


def export_torch(architecture, exporter, inputs, path):
    import torch

    model = torch_model(architecture)
    fill_zeros(model)
    if "ssdlite" in architecture:
        settle_norms(model.model)
    model.eval()
    arguments = tuple(torch.rand(shape) if limit is None else torch.randint(limit, shape) for shape, limit in inputs.values())
    is_dynamo = exporter == "dynamo"
    torch.onnx.export(
        model, arguments, path, input_names=list(inputs), dynamo=is_dynamo, opset_version=18 if is_dynamo else 17, verbose=False
    )


def export_yolo(architecture, inputs, path):
    from ultralytics import RTDETR, YOLO

    name, *asked = architecture.removeprefix("yolo_").split("_")
    if asked and asked[0] == "tiny":
        name = f"{name}-{asked.pop(0)}"
    options = {"format": "onnx", "imgsz": next(iter(inputs.values()))[0][2:], "simplify": False}
    for word in asked:
        if word in YOLO_TASKS:
            name = f"{name}-{word}"
        elif word.startswith("opset"):
            options["opset"] = int(word.removeprefix("opset"))
        else:
            options[word] = True
    os.chdir(path.parent)
    model = (RTDETR if name.startswith("rtdetr") else YOLO)(f"{name}.yaml")
    fill_zeros(model.model)
    os.replace(model.export(**options), path)


def quantise(path, inputs):
    """Adds QuantizeLinear and DequantizeLinear, with ranges of a few random inputs."""
    from onnxruntime import quantization

    class Inputs(quantization.CalibrationDataReader):
        def __init__(self):
            random = np.random.default_rng(1)
            self.left = [{name: random.random(shape, np.float32) for name, (shape, _) in inputs.items()} for _ in range(4)]

        def get_next(self):
            return self.left.pop() if self.left else None

    quantization.quantize_static(path, path, Inputs(), quant_format=quantization.QuantFormat.QDQ)


def export(architecture, exporter, inputs, path):
    """Runs in a process of its own: exporters keep memory, and some change how modules behave."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)
    if exporter == "ultralytics":
        export_yolo(architecture, inputs, path)
    else:
        export_torch(architecture.removeprefix("qdq_"), exporter, inputs, path)
    if architecture.startswith("qdq_"):
        quantise(path, inputs)


def run_apart(function, arguments, seconds, log):
    """Whether the function came to its end in a process of its own, whose output goes to a file."""

    def quiet():
        with open(log, "w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        function(*arguments)

    process = multiprocessing.get_context("fork").Process(target=quiet)
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode == 0


def wanted_outputs(path, inputs):
    """Writes random inputs and onnxruntime's outputs for them beside the model."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    feeds = {}
    for info in session.get_inputs():
        shape, limit = inputs[info.name]
        dtype = {"tensor(float16)": np.float16, "tensor(double)": np.float64}.get(info.type, np.float32)
        feeds[info.name] = random.random(shape).astype(dtype) if limit is None else random.integers(limit, size=shape)
    outputs = dict(zip([info.name for info in session.get_outputs()], session.run(None, feeds)))
    np.savez(path.with_suffix(".inputs.npz"), **feeds)
    np.savez(path.with_suffix(".wanted.npz"), **outputs)


def run_convoke(convoke, backend, path, seconds, most):
    """One of `ok`, `refused`, `differs` and `failed`, with the reason."""
    feeds, wanted = (dict(np.load(path.with_suffix(suffix))) for suffix in (".inputs.npz", ".wanted.npz"))
    command = [convoke, "run", path, *BACKENDS[backend]]
    for kind, arrays in (("input", feeds), ("output", wanted)):
        for index, (name, array) in enumerate(arrays.items()):
            file = path.parent / f"{kind}{index}.npy"
            if kind == "input":
                np.save(file, array)
            command += [f"--{kind}", f"{name}={file}"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return "failed", f"not done after {seconds} s"
    if run.returncode != 0:
        is_refusal = run.returncode == 1 and ("unsupported" in run.stderr or "over this adapter's limit" in run.stderr)
        return "refused" if is_refusal else "failed", blocker(run.stderr)
    got = {name: np.load(path.parent / f"output{index}.npy") for index, name in enumerate(wanted)}
    differing = [reason for name, want in wanted.items() if (reason := difference(name, got[name], want, most))]
    if differing and are_same_rows(got, wanted):
        return "ok", "rows in another order"
    return ("differs", differing[0]) if differing else ("ok", "")


def difference(name, got, want, most=MOST_DIFFERENCE):
    """Why an output is not what is wanted; nothing if it is at most so far off."""
    if got.shape != want.shape:
        return f"{name}: expected shape {list(want.shape)}, but got {list(got.shape)}"
    scale = np.abs(want).max(initial=0.0, where=np.isfinite(want))
    with np.errstate(invalid="ignore"):
        off = np.where((got == want) | (np.isnan(got) & np.isnan(want)), 0.0, np.abs(got.astype(float) - want.astype(float)))
    is_near = off.max(initial=0.0) <= most * max(scale, 1e-30)
    return "" if is_near else f"{name}: off by {off.max():.3g}, where the largest number is {scale:.3g}"


def are_same_rows(got, wanted):
    """Whether all outputs together are the same rows: boxes come in the order of their scores, and in any where these are alike."""
    counts = {want.shape[:1] for want in wanted.values()}
    has_scores = any(want.ndim == 1 and want.dtype.kind == "f" for want in wanted.values())
    if not has_scores or len(counts) != 1 or any(got[name].shape != want.shape for name, want in wanted.items()):
        return False
    left = list(range(counts.pop()[0]))
    for row in list(left):
        near = (other for other in left if all(not difference(name, got[name][other], want[row]) for name, want in wanted.items()))
        match = next(near, None)
        if match is None:
            return False
        left.remove(match)
    return True


def blocker(message):
    """What convoke, or an exporter, said: of a list the lines, without its heading."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    reasons = [line for line in lines if re.match(r"\d+ x ", line)]
    return "; ".join(reasons or lines)[:600].replace("\t", " ")


def check(row, arguments):
    """The results for one export."""
    path = arguments.folder / f"{row['architecture']}.{row['exporter']}" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    inputs = parse_inputs(row["inputs"])
    if not path.with_suffix(".wanted.npz").exists():
        log = path.parent / "export.log"
        if not run_apart(export, (row["architecture"], row["exporter"], inputs, path), arguments.seconds, log):
            return {"cpu": "no export", "gpu": "no export", "blocker": blocker(log.read_text())[-200:]}
        if not run_apart(wanted_outputs, (path, inputs), arguments.seconds, log):
            return {"cpu": "not run by onnxruntime", "gpu": "not run by onnxruntime", "blocker": blocker(log.read_text())[-200:]}
    results, reasons = {}, []
    most = MOST_QUANTISED_DIFFERENCE if row["architecture"].startswith("qdq_") else MOST_DIFFERENCE
    for backend in BACKENDS:
        results[backend], reason = run_convoke(arguments.convoke, backend, path, arguments.seconds, most)
        if reason and reason not in reasons:
            reasons.append(reason)
    for file in path.parent.iterdir():
        if all(result == "ok" for result in results.values()) or file.suffix == ".npy":
            file.unlink()
    return results | {"blocker": " | ".join(reasons)}


def read(path):
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", quoting=csv.QUOTE_NONE, escapechar="\\", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path, nargs="?", default=Path(__file__).with_suffix(".tsv"))
    parser.add_argument("--convoke", default="convoke", help="the command")
    parser.add_argument("--table", type=Path, default=Path("architectures-results.tsv"))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "architectures", help="where models are written")
    parser.add_argument("--only", default="", help="a regular expression for the architectures that are wanted")
    parser.add_argument("--seconds", type=int, default=300, help="how long an export or a run may take")
    arguments = parser.parse_args()
    arguments.folder = arguments.folder.resolve()
    # Neither installs nor downloads anything.
    os.environ |= {"YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true", "HF_HUB_OFFLINE": "1"}
    # Once, before processes are forked.
    import onnx  # noqa: F401
    import timm  # noqa: F401
    import torch  # noqa: F401
    import torchvision  # noqa: F401

    results = {(row["architecture"], row["exporter"]): row for row in read(arguments.table)} if arguments.table.exists() else {}
    for row in read(arguments.list):
        key = (row["architecture"], row["exporter"])
        done = key in results and results[key]["cpu"] == results[key]["gpu"] == "ok"
        if done or not re.search(arguments.only, row["architecture"]):
            continue
        results[key] = {name: row[name] for name in COLUMNS[:3]} | check(row, arguments)
        print(*results[key].values(), sep="\t", flush=True)
        write(arguments.table, results.values())
    counts = Counter((row["cpu"], row["gpu"]) for row in results.values())
    for (cpu, gpu), count in counts.most_common():
        print(f"{count:>5}  cpu {cpu}, gpu {gpu}", file=sys.stderr)


if __name__ == "__main__":
    main()
