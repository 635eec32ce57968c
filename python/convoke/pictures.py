"""Pictures as the inputs of networks: decoded, resized and normalised by Pillow and numpy, to the bit as torchvision does."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional, Union

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from .errors import InvalidArgument

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Pictures:
    """What becomes of a picture; as it stands, torchvision's ``Resize(256)``, ``CenterCrop(224)``, ``ToTensor`` and ``Normalize``
    with ImageNet's statistics. ``mean`` 1 and ``std`` -1 make white paper 0 and black ink 1.
    """

    #: The shorter side, or height and width; None leaves the picture's own.
    resize: Union[int, tuple[int, int], None] = 256
    #: Height and width of what is cut from the middle; None cuts nothing.
    crop: Union[int, tuple[int, int], None] = 224
    mean: Sequence[float] = IMAGENET_MEAN
    std: Sequence[float] = IMAGENET_STD
    #: Pillow's name of what channels there are: ``RGB``, or ``L`` for grey.
    mode: str = "RGB"

    def __post_init__(self) -> None:
        channels = len(Image.new(self.mode, (1, 1)).getbands())
        if not channels == len(self.mean) == len(self.std):
            got = f"{len(self.mean)} and {len(self.std)}"
            raise InvalidArgument(f"pictures: expected mean and std of {channels} channels ({self.mode}), but got {got}")

    def decode(self, content: bytes) -> NDArray[np.float32]:
        """The array ``[C, H, W]`` for a picture's file. Raises what Pillow raises where it is none."""
        try:
            with Image.open(io.BytesIO(content)) as file:
                picture = file.convert(self.mode)
        except UnidentifiedImageError:
            # Pillow's own message names an object in memory, another one each time.
            raise UnidentifiedImageError(f"expected a picture of a kind that Pillow reads, but got {len(content)} other bytes") from None
        size = self._resized(picture.height, picture.width)
        if size is not None and size != (picture.height, picture.width):
            picture = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        if self.crop is not None:
            picture = _cropped(picture, *_pair(self.crop))
        levels = np.asarray(picture, np.uint8).reshape(picture.height, picture.width, -1)
        decoded = np.empty((levels.shape[2], *levels.shape[:2]), np.float32)
        # Channel by channel, which stays in the cache.
        for channel, mean, std in zip(range(len(decoded)), self.mean, self.std):
            plane = decoded[channel]
            np.divide(levels[..., channel], np.float32(255), out=plane)
            plane -= np.float32(mean)
            plane /= np.float32(std)
        return decoded

    def _resized(self, height: int, width: int) -> Optional[tuple[int, int]]:
        if self.resize is None or isinstance(self.resize, tuple):
            return self.resize
        longer = self.resize * max(height, width) // min(height, width)
        return (self.resize, longer) if height <= width else (longer, self.resize)


def _pair(extent: Union[int, tuple[int, int]]) -> tuple[int, int]:
    return (extent, extent) if isinstance(extent, int) else extent


def _cropped(picture: Image.Image, height: int, width: int) -> Image.Image:
    """The middle; where the picture is smaller, with zeros around it."""
    if picture.height < height or picture.width < width:
        padded = Image.new(picture.mode, (max(width, picture.width), max(height, picture.height)))
        padded.paste(picture, ((padded.width - picture.width) // 2, (padded.height - picture.height) // 2))
        picture = padded
    # As torchvision rounds: to the even one of two.
    top, left = round((picture.height - height) / 2), round((picture.width - width) / 2)
    return picture.crop((left, top, left + width, top + height))
