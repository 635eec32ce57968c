#!/usr/bin/env python3
"""Holds `convoke run --jsonl --decode yolo --letterbox` against ONNX Runtime and ultralytics' own post-processing, on one picture.

    pip install onnxruntime ultralytics==8.4.190 pillow
    python tools/make_vision_cases.py --out DIR --yolo11n DIR/yolo11n.onnx
    python tools/compare_detections.py CONVOKE DIR/yolo11n.onnx DIR/yolo11n.png

CONVOKE is the command's program. Fails where a box has no counterpart of its class, or one with an IoU of 0.99 or less or a score that
differs by more than 1e-3.
"""
import argparse
import json
import subprocess

import numpy as np
import onnxruntime
import torch
from PIL import Image
from ultralytics.data.augment import LetterBox
from ultralytics.utils.metrics import box_iou
from ultralytics.utils.nms import non_max_suppression
from ultralytics.utils.ops import scale_boxes


def expected(model, picture, score, iou):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    height, width = given.shape[2:]
    own = np.asarray(Image.open(picture).convert("RGB"))
    boxed = LetterBox((height, width), auto=False)(image=own)
    batch = (boxed.transpose(2, 0, 1)[None] / 255).astype(np.float32)
    head = torch.from_numpy(session.run(None, {given.name: batch})[0])
    found = non_max_suppression(head, score, iou)[0]
    found[:, :4] = scale_boxes((height, width), found[:, :4], own.shape[:2])
    return found


def given(program, model, picture, score, iou, backend):
    command = [program, "run", model, picture, "--jsonl", "--decode", "yolo", "--letterbox", "--backend", backend]
    command += ["--min-score", str(score), "--max-iou", str(iou)]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # it says on stderr where it runs
    line = json.loads(ran.stdout.splitlines()[0])
    rows = [[*box["box"], box["score"], box["class"]] for box in line["boxes"]]
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 6)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("model")
    arguments.add_argument("picture")
    arguments.add_argument("--score", type=float, default=0.25)
    arguments.add_argument("--iou", type=float, default=0.7)
    arguments = arguments.parse_args()
    kept = arguments.score, arguments.iou
    want = expected(arguments.model, arguments.picture, *kept)
    for backend in ["cpu", "gpu"]:
        got = given(arguments.program, arguments.model, arguments.picture, *kept, backend)
        overlaps = box_iou(want[:, :4], got[:, :4]) * (want[:, None, 5] == got[None, :, 5])
        best, index = overlaps.max(1) if len(got) else (torch.zeros(len(want)), torch.zeros(len(want), dtype=int))
        scores = (want[:, 4] - got[index, 4]).abs() if len(got) else torch.ones(len(want))
        matched = int(((best > 0.99) & (scores <= 1e-3)).sum())
        print(f"{backend}: {matched} of {len(want)} boxes, {len(got)} given; IoU {best.min():.6f} at least, scores within {scores.max():.1e}")
        if not matched == len(want) == len(got) > 0:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
