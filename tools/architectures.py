"""Exports architectures with random weights to ONNX, runs them, and compares with onnxruntime: what convoke makes of the files that
people have.

    pip install torch torchvision timm segmentation-models-pytorch ultralytics onnx onnxscript onnxruntime
    python tools/architectures.py --convoke target/release/convoke --table results.tsv

`architectures.tsv` beside this file, or another that is given, has a line for each export: the architecture, the exporter and the inputs,
separated by tabs. Architectures are named after where they come from:

    tv_NAME, tvseg_NAME, tvdet_NAME, tvvid_NAME   torchvision: classification, segmentation, detection, video
    timm_NAME                                     timm.create_model(NAME)
    smp_ARCHITECTURE_ENCODER                      segmentation-models-pytorch
    yolo_NAME                                     ultralytics, with what is asked for after the name: cls, seg, pose, obb, nms, half, opset12

Exporters are `legacy` (torch.onnx.export of opset 17), `dynamo` (of opset 18) and `ultralytics`; inputs are `x:1x3x224x224`. Nothing is
downloaded: weights are random, of a fixed seed.

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
YOLO_TASKS = {"cls", "seg", "pose", "obb"}


def parse_inputs(text):
    """`x:1x3x8x8` as {"x": [1, 3, 8, 8]}."""
    named = (part.split(":") for part in text.split(","))
    return {name: [int(extent) for extent in shape.split("x")] for name, shape in named}


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

    options = {"weights": None}
    if kind in ("tvseg", "tvdet"):
        options["weights_backbone"] = None
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    model = torchvision.models.get_model(name, **options)
    return {"tvseg": Segmentation, "tvdet": Detection}.get(kind, lambda model: model)(model)


def torch_model(architecture):
    kind, name = architecture.split("_", 1)
    if kind == "timm":
        import timm

        return timm.create_model(name, pretrained=False, exportable=True)
    if kind == "smp":
        import segmentation_models_pytorch as smp

        decoder, encoder = name.split("_", 1)
        return smp.create_model(decoder, encoder_name=encoder, encoder_weights=None)
    return torchvision_model(kind, name)


def fill_zeros(model):
    """Weights that start as zeros would hide whole branches."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.05)


def export_torch(architecture, exporter, inputs, path):
    import torch

    model = torch_model(architecture)
    fill_zeros(model)
    model.eval()
    arguments = tuple(torch.rand(shape) for shape in inputs.values())
    is_dynamo = exporter == "dynamo"
    torch.onnx.export(
        model, arguments, path, input_names=list(inputs), dynamo=is_dynamo, opset_version=18 if is_dynamo else 17, verbose=False
    )


def export_yolo(architecture, inputs, path):
    from ultralytics import YOLO

    name, *asked = architecture.removeprefix("yolo_").split("_")
    if asked and asked[0] == "tiny":
        name = f"{name}-{asked.pop(0)}"
    options = {"format": "onnx", "imgsz": next(iter(inputs.values()))[2:], "simplify": False}
    for word in asked:
        if word in YOLO_TASKS:
            name = f"{name}-{word}"
        elif word.startswith("opset"):
            options["opset"] = int(word.removeprefix("opset"))
        else:
            options[word] = True
    os.chdir(path.parent)
    model = YOLO(f"{name}.yaml")
    fill_zeros(model.model)
    os.replace(model.export(**options), path)


def export(architecture, exporter, inputs, path):
    """Runs in a process of its own: exporters keep memory, and some change how modules behave."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)
    if exporter == "ultralytics":
        export_yolo(architecture, inputs, path)
    else:
        export_torch(architecture, exporter, inputs, path)


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


def wanted_outputs(path):
    """Writes random inputs and onnxruntime's outputs for them beside the model."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    feeds = {}
    for info in session.get_inputs():
        dtype = {"tensor(float16)": np.float16, "tensor(double)": np.float64}.get(info.type, np.float32)
        feeds[info.name] = random.random([1 if isinstance(extent, str) else extent for extent in info.shape]).astype(dtype)
    outputs = dict(zip([info.name for info in session.get_outputs()], session.run(None, feeds)))
    np.savez(path.with_suffix(".inputs.npz"), **feeds)
    np.savez(path.with_suffix(".wanted.npz"), **outputs)


def run_convoke(convoke, backend, path, seconds):
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
    for index, (name, want) in enumerate(wanted.items()):
        got = np.load(path.parent / f"output{index}.npy")
        if got.shape != want.shape:
            return "differs", f"{name}: expected shape {list(want.shape)}, but got {list(got.shape)}"
        scale = np.abs(want).max(initial=0.0, where=np.isfinite(want))
        with np.errstate(invalid="ignore"):
            off = np.where((got == want) | (np.isnan(got) & np.isnan(want)), 0.0, np.abs(got.astype(float) - want.astype(float)))
        if not off.max(initial=0.0) <= MOST_DIFFERENCE * max(scale, 1e-30):
            return "differs", f"{name}: off by {off.max():.3g}, where the largest number is {scale:.3g}"
    return "ok", ""


def blocker(message):
    """What convoke, or an exporter, said: of a list the lines, without its heading."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    reasons = [line for line in lines if re.match(r"\d+ x ", line)]
    return "; ".join(reasons or lines)[:600].replace("\t", " ")


def check(row, arguments):
    """The results for one export."""
    path = arguments.folder / f"{row['architecture']}.{row['exporter']}" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.with_suffix(".wanted.npz").exists():
        inputs = parse_inputs(row["inputs"])
        log = path.parent / "export.log"
        if not run_apart(export, (row["architecture"], row["exporter"], inputs, path), arguments.seconds, log):
            return {"cpu": "no export", "gpu": "no export", "blocker": blocker(log.read_text())[-200:]}
        if not run_apart(wanted_outputs, (path,), arguments.seconds, log):
            return {"cpu": "not run by onnxruntime", "gpu": "not run by onnxruntime", "blocker": blocker(log.read_text())[-200:]}
    results, reasons = {}, []
    for backend in BACKENDS:
        results[backend], reason = run_convoke(arguments.convoke, backend, path, arguments.seconds)
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
