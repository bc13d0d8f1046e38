"""Digits that others wrote or drew, redrawn by a brush: every stroke of one even width.

The brush works at several times the image's resolution, as the page's does, and the picture is
reduced by the very code that reduces a drawing on the page.
"""

import functools
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from ..dataset import DigitSet
from ..ink import set_stroke_width
from .mnist import MNIST_SIDE
from .synthetic import BOX

FONTS = Path(__file__).with_name("font_digits.npz")  # see font_digits.md
_HELD_OUT_FONT = 6  # every sixth font is for validation
_UCI_TRAINING = 1437  # the first four fifths: scikit-learn's digits stand writer by writer


def rerender_digits(digits: DigitSet, count: int, generator: torch.Generator) -> DigitSet:
    """Redraw `count` of `digits`, chosen at random, in their places."""
    chosen = torch.randint(len(digits), (count,), generator=generator)
    pictures = (digits.images[index].numpy() / np.float32(255) for index in chosen.tolist())
    images = redraw(pictures, count, generator)
    return DigitSet.from_arrays(images, digits.labels[chosen], f"{digits.source}, redrawn")


def uci_digits(count: int, generator: torch.Generator, *, held_out: bool = False) -> DigitSet:
    """Redraw `count` of the 1,797 digits of 13 people, 8x8 pixels, that scikit-learn carries.

    They are the test part of Alpaydin & Kaynak 1998, "Optical Recognition of Handwritten Digits".

    Args:
        count: how many.
        generator: all randomness comes from it.
        held_out: whether to take the last fifth, other people's, which training does not see.
    """
    pictures, labels = _uci_digits()
    part = slice(_UCI_TRAINING, None) if held_out else slice(_UCI_TRAINING)
    return _choose(pictures[part], labels[part], count, generator, "UCI digits, redrawn")


def font_digits(count: int, generator: torch.Generator, *, held_out: bool = False) -> DigitSet:
    """Redraw `count` digits of handwriting fonts.

    Args:
        count: how many.
        generator: all randomness comes from it.
        held_out: whether to take every sixth font, which training does not see.
    """
    with np.load(FONTS) as file:
        glyphs = np.unpackbits(file["bits"], axis=-1).astype(np.float32)
    last = np.arange(len(glyphs)) % _HELD_OUT_FONT == _HELD_OUT_FONT - 1
    chosen = glyphs[last if held_out else ~last]
    labels = torch.arange(10).repeat(len(chosen))
    pictures = [_cut(glyph) for font in chosen for glyph in font]
    return _choose(pictures, labels, count, generator, "digits of fonts, redrawn")


def _choose(
    pictures: list[np.ndarray],
    labels: Tensor,
    count: int,
    generator: torch.Generator,
    source: str,
) -> DigitSet:
    chosen = torch.randint(len(labels), (count,), generator=generator)
    images = redraw((pictures[index] for index in chosen.tolist()), count, generator)
    return DigitSet.from_arrays(images, labels[chosen], source)


@functools.cache
def _uci_digits() -> tuple[list[np.ndarray], Tensor]:
    """Pictures cut down to their ink, in [0, 1], and labels."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pictures = []
    for image in np.asarray(images, dtype=np.float32).reshape(-1, 8, 8) / 16:
        # A thin stroke between two pixels leaves half of each, a small loop greys its middle: what
        # is darker than its neighbourhood is ink.
        large = Image.fromarray(np.pad(image, 1)).resize((80, 80), Image.Resampling.BICUBIC)
        fine = np.asarray(large)
        fine = np.clip(1.2 * fine + 1.2 * (fine - ndimage.gaussian_filter(fine, 8)), 0, 1)
        pictures.append(_cut(fine))
    return pictures, torch.from_numpy(np.asarray(labels)).long()


def _cut(picture: np.ndarray) -> np.ndarray:
    """The picture without the paper round its ink."""
    rows, columns = (np.flatnonzero((picture > 0.2).any(axis)) for axis in (1, 0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def redraw(pictures: Iterable[np.ndarray], count: int, generator: torch.Generator) -> Tensor:
    """Draw each of `count` pictures in [0, 1] with a brush of its own: (count, 28, 28) uint8.

    One of 28x28 pixels is redrawn in its place; the longer side of any other becomes 20 pixels.
    """
    widths = torch.rand(count, generator=generator) * 2.2 + 1.4  # pixels of image
    images = torch.zeros(count, MNIST_SIDE, MNIST_SIDE, dtype=torch.uint8)
    for image, picture, width in zip(images, pictures, widths.tolist(), strict=True):
        height, breadth = picture.shape
        scale = BOX / max(height, breadth)
        if (height, breadth) == (MNIST_SIDE, MNIST_SIDE):
            scale = 1
        size = (max(3, round(breadth * scale)), max(3, round(height * scale)))
        redrawn = set_stroke_width(picture, size, functools.partial(_same, width=width))
        rim = [MNIST_SIDE + 4 - side for side in redrawn.shape]
        canvas = np.pad(redrawn, [(spare // 2, spare - spare // 2) for spare in rim])[2:-2, 2:-2]
        image.copy_(torch.from_numpy((canvas * 255).round().astype(np.uint8)))
    return images


def _same(_: np.ndarray, width: float) -> float:
    """The width of strokes, whatever the ink."""
    return width
