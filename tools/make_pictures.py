"""Writes tests/data/pictures.json: what Pillow makes of small pictures, for the device's way of pictures into tensors.

    pip install 'pillow<13'
    python3 tools/make_pictures.py

Each case has a picture's bytes, row by row, a size, a filter and a mode, and the bytes that `Image.resize` gives.
Pillow 13 resizes the columns of some pictures first, mostly of those that become wider and less high; before it, rows were always first.
"""

import json
import pathlib

from PIL import Image

CASES = [  # height, width, to height, to width, filter, mode
    (5, 7, 5, 7, "bilinear", "RGB"),
    (17, 23, 7, 9, "bilinear", "RGB"),
    (17, 23, 31, 40, "bilinear", "RGB"),
    (40, 13, 9, 30, "bilinear", "RGB"),
    (17, 23, 7, 9, "bicubic", "RGB"),
    (9, 11, 20, 33, "bicubic", "RGB"),
    (64, 3, 5, 3, "bicubic", "RGB"),
    (12, 18, 5, 7, "bilinear", "L"),
    (1, 1, 4, 3, "bicubic", "L"),
]


def levels(count, state):
    """Numbers that are neither smooth nor all in the middle: a linear congruential generator, a third of them at the ends."""
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        level = state >> 16 & 255
        yield 0 if level < 40 else 255 if level > 215 else level


def main():
    filters = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    cases = []
    for number, (height, width, to_height, to_width, name, mode) in enumerate(CASES):
        pixels = bytes(levels(3 * height * width, number + 1))
        picture = Image.frombytes("RGB", (width, height), pixels)
        resized = picture.convert(mode).resize((to_width, to_height), filters[name])
        cases.append(
            {
                "size": [height, width],
                "pixels": list(pixels),
                "to": [to_height, to_width],
                "filter": name,
                "mode": mode,
                "resized": list(resized.tobytes()),
            }
        )
    text = "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n"
    pathlib.Path("tests/data/pictures.json").write_text(text)


if __name__ == "__main__":
    main()
