#!/usr/bin/env python3
"""Writes what Pillow, OpenCV, torchvision and ultralytics make of pictures and of detectors' outputs, for convoke-vision's tests.

    pip install torch==2.15.0 torchvision==0.29.2 ultralytics==8.4.190 pillow==13.0.0
    python tools/make_vision_cases.py [--out crates/convoke-vision/tests/data] [--yolo11n FILE.onnx]

resize.json   resized and letterboxed pictures, as hexadecimal levels; the source is `picture(height, width)`
boxes.json    detectors' outputs, of random numbers and of YOLO11n with random weights (4 classes, 160 x 160), and the boxes of them
files/        pictures as cameras and scanners write them: orientation tags, CMYK, 16 bits, palettes

Seeds are fixed. --yolo11n writes that network as ONNX with its 80 classes for 640 x 640, and FILE.png, of which it has its means and variances, for a
comparison of the whole by compare_detections.py.
"""
import argparse
import json
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
import torchvision
from PIL import Image
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSD
from torchvision.transforms import functional as F
from ultralytics import YOLO
from ultralytics.data.augment import LetterBox
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.nms import non_max_suppression
from ultralytics.utils.ops import scale_boxes, xywh2xyxy

PILLOW = {"Nearest": 0, "Lanczos": 1, "Bilinear": 2, "Bicubic": 3, "Box": 4}


def picture(height, width, channels=3):
    """Levels that are not symmetric, smooth in one channel and rough in the others."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    rough = (37 * x + 11 * y + 7 * x * x * c + 91 * c * y * x) % 256
    smooth = (3 * x + 2 * y) % 256
    return np.where(c == 1, smooth, rough).astype(np.uint8)


def resize_cases():
    cases = []
    for (height, width), (to_height, to_width), channels in [
        ((7, 10), (4, 5), 3), ((5, 3), (13, 8), 3), ((40, 61), (9, 13), 3), ((23, 17), (23, 5), 1), ((12, 9), (31, 9), 1),
        ((30, 41), (12, 100), 3), ((64, 64), (32, 32), 1), ((3, 150), (1, 70), 3), ((2, 2), (5, 7), 1),
        ((62, 51), (29, 38), 1), ((21, 35), (13, 31), 1),  # columns first, and just not
    ]:
        source = picture(height, width, channels)
        flat = source if channels == 3 else source[..., 0]
        made = {name: np.asarray(Image.fromarray(flat).resize((to_width, to_height), number)) for name, number in PILLOW.items()}
        made["Linear"] = cv2.resize(source, (to_width, to_height), interpolation=cv2.INTER_LINEAR)
        cases += [{"filter": name, "from": [height, width, channels], "to": [to_height, to_width], "levels": levels.tobytes().hex()}
                  for name, levels in made.items()]
    return cases


def shorter_cases():
    cases = []
    for (height, width), side in [((30, 41), 12), ((41, 30), 13), ((9, 25), 20)]:
        resized = np.asarray(F.resize(Image.fromarray(picture(height, width)), side))
        cases.append({"from": [height, width, 3], "side": side, "to": list(resized.shape[:2]), "levels": resized.tobytes().hex()})
    return cases


def letterbox_cases():
    cases = []
    for (height, width), (to_height, to_width) in [((30, 60), (25, 20)), ((37, 53), (32, 32)), ((9, 14), (40, 64)), ((100, 33), (48, 32))]:
        boxed = LetterBox((to_height, to_width), auto=False)(image=picture(height, width))
        boxes = torch.tensor([[-3.0, 2, 11, 19.5], [4.25, 9, 31, 23]])
        back = scale_boxes((to_height, to_width), boxes.clone(), (height, width))
        cases.append({"from": [height, width, 3], "to": [to_height, to_width], "levels": boxed.tobytes().hex(),
                      "boxes": boxes.tolist(), "back": back.tolist()})
    return cases


def numbers(array):
    return [float(f"{value:.7g}") for value in np.asarray(array, np.float32).ravel()]


def case(name, arrays, found, **more):
    """`found` has rows of six: corners, score, class."""
    arrays = [{"shape": list(array.shape), "values": numbers(array)} for array in arrays]
    return {"name": name, "outputs": arrays, "found": [numbers(row) for row in found], **more}


def crowd(anchors, classes, seed, size=100.0):
    """Middles and sizes in groups that overlap, and scores."""
    random = np.random.default_rng(seed)
    middles = random.uniform(10, size - 10, (anchors // 8 + 1, 4))
    middles[:, 2:] = random.uniform(8, 40, (len(middles), 2))
    boxes = middles[random.integers(0, len(middles), anchors)] + random.normal(0, 3, (anchors, 4))
    boxes[:, 2:] = np.abs(boxes[:, 2:])
    return boxes.astype(np.float32), (random.random((anchors, classes)) ** 3).astype(np.float32)


def yolo_cases():
    cases = []
    for index, (iou, agnostic, most) in enumerate([(0.45, False, 300), (0.7, False, 300), (0.45, True, 300), (0.9, False, 7)]):
        boxes, scores = crowd(120, 3, index)
        head = torch.from_numpy(np.concatenate([boxes, scores], 1).T.copy())[None]
        found = non_max_suppression(head.clone(), 0.25, iou, agnostic=agnostic, max_det=most)[0]
        cases.append(case("Yolo", [head], found, score=0.25, iou=iou, agnostic=agnostic, most=most))
    return cases


def yolo_v5_case():
    """YOLOv5's own `non_max_suppression`, whose scores are the box's times the class's."""
    boxes, scores = crowd(150, 3, 11)
    own = np.random.default_rng(12).random((150, 1)).astype(np.float32)
    head = torch.from_numpy(np.concatenate([boxes, own, scores], 1))
    x = head[head[:, 4] > 0.25].clone()
    x[:, 5:] *= x[:, 4:5]
    score, label = x[:, 5:].max(1)
    x = torch.cat([xywh2xyxy(x[:, :4]), score[:, None], label[:, None].float()], 1)[score > 0.25]
    kept = torchvision.ops.nms(x[:, :4] + x[:, 5:6] * 7680, x[:, 4], 0.45)
    return case("YoloV5", [head[None]], x[kept], score=0.25, iou=0.45, agnostic=False, most=300)


def detr_cases():
    """`PostProcess` of DETR's and RT-DETR's authors, on a picture of 60 x 90."""
    torch.manual_seed(3)
    boxes = torch.rand(1, 20, 4) * 0.5 + 0.2
    size = torch.tensor([90.0, 60, 90, 60])
    corners = torchvision.ops.box_convert(boxes[0], "cxcywh", "xyxy") * size
    logits = torch.randn(1, 20, 5) * 2
    scores, labels = logits[0].softmax(-1)[:, :-1].max(-1)
    order = scores.argsort(descending=True)
    rows = torch.cat([corners, scores[:, None], labels[:, None].float()], 1)[order]
    same = {"size": [60, 90], "score": 0.3, "iou": 0.0, "agnostic": False, "most": 300}
    cases = [case("Detr", [logits, boxes], rows[rows[:, 4] > 0.3], **same)]
    scores, index = logits[0].sigmoid().flatten().topk(20)
    rows = torch.cat([corners[index // 5], scores[:, None], (index % 5)[:, None].float()], 1)
    return cases + [case("RtDetr", [logits, boxes], rows[rows[:, 4] > 0.3], **same)]


def ssd_case():
    """torchvision's SSD of two maps, without its network."""
    kinds = {"aspect_ratios": [[2], [2, 3]], "scales": [0.2, 0.45, 0.8], "steps": [8, 16]}
    generator = DefaultBoxGenerator(**kinds)
    size, grids = (40, 56), [(5, 7), (3, 4)]
    features = [torch.zeros(1, 1, *grid) for grid in grids]
    anchors = generator(ImageList(torch.zeros(1, 3, *size), [size]), features)
    torch.manual_seed(4)
    logits, deltas = torch.randn(1, len(anchors[0]), 4) * 2, torch.randn(1, len(anchors[0]), 4) * 2
    ssd = SSD(torch.nn.Identity(), generator, size, 4, head=torch.nn.Identity())
    ssd.detections_per_img, ssd.topk_candidates, ssd.score_thresh = 40, 30, 0.05
    found = ssd.postprocess_detections({"cls_logits": logits, "bbox_regression": deltas}, anchors, [size])[0]
    rows = torch.cat([found["boxes"], found["scores"][:, None], found["labels"][:, None].float()], 1)
    return case("Ssd", [logits, deltas], rows, size=size, grids=grids, anchors=numbers(anchors[0]), score=0.05, iou=0.45,
                of_class=30, most=40, **kinds)


def yolo11n(classes, batches):
    """With random weights, the means and variances of these batches of pictures, and scores that are spread so that there are boxes."""
    torch.manual_seed(5)
    network = DetectionModel("yolo11n.yaml", nc=classes, verbose=False)
    network.train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the mean of all batches
    with torch.no_grad():
        for batch in islice(batches, 12):
            network(batch)
        head, logits = network.model[-1], []
        hooks = [branch.register_forward_hook(lambda _, __, output: logits.append(output)) for branch in head.cv3]
        network.eval()(next(batches)[:1])
        for branch, hook, logits in zip(head.cv3, hooks, logits):
            hook.remove()
            branch[-1].weight.mul_(1.5 / (logits - branch[-1].bias[:, None, None]).std())
            branch[-1].bias.fill_(-3.0)
    return network.eval()


def noise():
    while True:
        yield torch.rand(4, 3, 160, 160)


def discs(height, width, count):
    """Discs of all sizes and colours, one over another."""
    random = np.random.default_rng(6)
    levels = np.full((height, width, 3), 120, np.uint8)
    y, x = np.mgrid[:height, :width]
    for _ in range(count):
        radius, down, across = random.uniform(8, 90), random.uniform(0, height), random.uniform(0, width)
        levels[(y - down) ** 2 + (x - across) ** 2 < radius**2] = random.integers(0, 256, 3)
    return levels


def pictures_of(levels, size):
    """A picture as ultralytics boxes it, with a little noise that differs from batch to batch."""
    boxed = LetterBox((size, size), auto=False)(image=levels)
    plain = torch.from_numpy(boxed.transpose(2, 0, 1)[None].copy()).float() / 255
    while True:
        yield (plain + 0.02 * torch.randn(2, 3, size, size)).clamp(0, 1)


def yolo11n_case():
    network = yolo11n(4, noise())
    boxed = LetterBox((160, 160), auto=False)(image=picture(120, 155))
    with torch.no_grad():
        head = network(torch.from_numpy(boxed.transpose(2, 0, 1)[None].copy()).float() / 255)[0]
    found = non_max_suppression(head.clone(), 0.25, 0.7)[0]
    back = scale_boxes((160, 160), found[:, :4].clone(), (120, 155))
    return case("Yolo", [head], found, score=0.25, iou=0.7, agnostic=False, most=300, back=numbers(back), to=[160, 160], **{"from": [120, 155]})


def write_files(folder):
    """Eight orientations of one picture; other kinds of pixels. Beside each what it is to look like, as levels."""
    folder.mkdir(exist_ok=True)
    levels = np.kron(np.array([[20, 90, 160], [230, 200, 120]], np.uint8), np.ones((8, 8), np.uint8))
    upright = Image.fromarray(np.stack([levels] * 3, -1))
    undo = [None, None, 0, 3, 1, 5, 4, 6, 2]  # Image.transpose's numbers that a viewer applies the opposite of
    back = {0: 0, 1: 1, 2: 4, 3: 3, 4: 2, 5: 5, 6: 6}
    for orientation in range(1, 9):
        stored = upright if undo[orientation] is None else upright.transpose(back[undo[orientation]])
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored.save(folder / f"orientation{orientation}.jpg", quality=95, exif=exif)
    colours = np.zeros((16, 24, 3), np.uint8)
    colours[:, :8], colours[:, 8:16], colours[:, 16:] = (200, 30, 60), (20, 160, 90), (240, 240, 250)
    Image.fromarray(colours).convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    Image.fromarray(colours).quantize(4).save(folder / "palette.png")
    Image.fromarray((np.arange(96, dtype=np.uint16).reshape(8, 12) * 689)).save(folder / "grey16.png")
    Image.fromarray(colours).save(folder / "lossy.webp", quality=95)


def main():
    arguments = argparse.ArgumentParser()
    root = Path(__file__).resolve().parent.parent
    arguments.add_argument("--out", type=Path, default=root / "crates/convoke-vision/tests/data")
    arguments.add_argument("--yolo11n", type=Path)
    arguments = arguments.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    resize = {"resize": resize_cases(), "shorter": shorter_cases(), "letterbox": letterbox_cases()}
    boxes = yolo_cases() + [yolo_v5_case(), *detr_cases(), ssd_case(), yolo11n_case()]
    for name, cases in [("resize", resize), ("boxes", boxes)]:
        (arguments.out / f"{name}.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    write_files(arguments.out / "files")
    for entry in boxes:
        print(entry["name"], [output["shape"] for output in entry["outputs"]], len(entry["found"]), "boxes")
    if arguments.yolo11n:
        levels = discs(480, 620, 150)
        Image.fromarray(levels).save(arguments.yolo11n.with_suffix(".png"))
        network = YOLO("yolo11n.yaml")
        network.model.load_state_dict(yolo11n(80, pictures_of(levels, 640)).state_dict())
        written = network.export(format="onnx", imgsz=640, simplify=False)
        Path(written).replace(arguments.yolo11n)


if __name__ == "__main__":
    main()
