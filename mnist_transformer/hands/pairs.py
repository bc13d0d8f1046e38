"""Two MNIST digits anywhere on a sheet, where they may touch or lie over each other.

After Ba et al. 2015, "Multiple Object Recognition with Visual Attention", but for the noise that
lies on their sheets.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..config import Config
from ..dataset import DigitSet, encode_tokens
from ..ink import InkError, looks_as_drawn
from ..ink.canvas import AS_DRAWN
from ..ink.prepare import prepare_page
from .grids import vary_digits

SIDE = 100  # pixels of a sheet
LOOKS = len(AS_DRAWN)  # in which each part of a sheet is shown
VARIED = 0.7  # share of the digits that are changed a little in training
TOGETHER = 0.65  # share of the pairs that are put together in training: else few of them touch
NEAR = 24  # pixels by which digits that are put together are apart at most, across and down
MISPLACED = 8.0  # pixels from a row's middle to the nearest digit's: then it is the row of neither
FRUITLESS = 100  # sheets, one after the other, from which nothing could be shown


@dataclass(frozen=True, eq=False)
class Sheets:
    """Sheets with two digits each.

    Attributes:
        pictures: (count, 100, 100) uint8, 255 = ink.
        labels: (count, 2) int64.
        middles: (count, 2, 2), how far right and down the middle of each digit's ink lies, in
            pixels.
    """

    pictures: np.ndarray
    labels: np.ndarray
    middles: np.ndarray


def make_pairs(
    digits: DigitSet, count: int, generator: torch.Generator, vary: bool = False
) -> Sheets:
    """Lay two random digits on each of `count` sheets, at random places.

    Args:
        digits: what is laid.
        count: number of sheets.
        generator: all randomness comes from it, so its seed fixes the sheets.
        vary: as in training, where most digits are changed a little and most pairs put together;
            else all are MNIST's images as they are, anywhere.

    Returns:
        The sheets, in the order in which they were drawn.
    """
    index = torch.randint(len(digits), (count, 2), generator=generator)
    images = digits.images[index.flatten()]
    size = images.shape[1]
    corner = torch.randint(SIDE - size + 1, (count, 2, 2), generator=generator)
    if vary:
        varied = vary_digits(images / 255, digits.boxes[index.flatten()], VARIED, generator)
        images = (varied * 255).round().to(torch.uint8)
        beside = corner[:, 0] + torch.randint(-NEAR, NEAR + 1, (count, 2), generator=generator)
        together = torch.rand(count, 1, generator=generator) < TOGETHER
        corner[:, 1] = torch.where(together, beside.clamp(0, SIDE - size), corner[:, 1])
    laid = DigitSet.from_arrays(images, digits.labels[index.flatten()], digits.source)
    middle = (laid.boxes[:, :2] + laid.boxes[:, 2:]).view(count, 2, 2) / 2
    pictures = np.zeros((count, SIDE, SIDE), np.uint8)
    both = images.view(count, 2, size, size).cpu().numpy()
    for picture, pair, places in zip(pictures, both, corner.tolist(), strict=True):
        for image, (top, left) in zip(pair, places, strict=True):
            window = picture[top : top + size, left : left + size]
            np.maximum(window, image, out=window)
    return Sheets(
        pictures,
        laid.labels.view(count, 2).cpu().numpy(),
        (middle + corner.flip(2)).cpu().numpy(),
    )


def pair_canvases(
    digits: DigitSet, count: int, config: Config, *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """What a reader of such sheets is shown of them, varied as in training.

    Two digits that touch, or stand side by side, are one part of a sheet; one above the other they
    are two. Each part is shown in all looks (`ink.looks_as_drawn`), one after the other. A sheet of
    whose digits one was taken for dirt is not shown.

    Args:
        digits: what the sheets are made from.
        count: number of canvases.
        config: gives the canvas.
        generator: all randomness comes from it.

    Returns:
        canvases: (count, height, width) float32, 0 = paper, 1 = ink.
        tokens: (count, 4) int64: START, one digit or two from left to right, END, then PAD.

    Raises:
        ValueError: if nothing can be shown of many sheets of these digits, one after the other.
    """
    parts: list[np.ndarray] = []
    texts: list[list[int]] = []
    fruitless = 0
    while (missing := math.ceil(count / LOOKS) - len(parts)) > 0:
        if fruitless >= FRUITLESS:
            raise ValueError(f"nothing can be shown of {fruitless} sheets with two of these digits")
        sheets = make_pairs(digits, missing, generator, vary=True)
        for picture, labels, middles in zip(
            sheets.pictures, sheets.labels, sheets.middles, strict=True
        ):
            fruitless += 1
            for part, text in _parts(picture, labels, middles, config):
                parts.append(part)
                texts.append(text)
                fruitless = 0
    labels = torch.tensor([[*text, 0][:2] for text in texts])
    present = torch.tensor([[True, len(text) == 2] for text in texts])
    tokens = encode_tokens(labels, present).repeat_interleave(LOOKS, 0)
    return torch.from_numpy(np.concatenate(parts)[:count]), tokens[:count]


def _parts(
    picture: np.ndarray, labels: np.ndarray, middles: np.ndarray, config: Config
) -> Iterator[tuple[np.ndarray, list[int]]]:
    """Each part of a sheet in all its looks, and what it says; none where that cannot be told."""
    try:
        found = prepare_page(picture, config, looks_as_drawn)
    except InkError:
        return
    boxes = np.array([box for _, box, _ in found.rows], float)
    if len(found.canvases) == 1:
        # Beyond the row's box lies what was taken for dirt: that digit is not on the canvas.
        if (boxes[:, :2] <= middles).all() and (middles <= boxes[:, 2:]).all():
            order = middles[:, 0].argsort(kind="stable")
            yield found.canvases[0], labels[order].tolist()
    elif len(found.canvases) == len(found.rows) == 2:
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        apart = np.linalg.norm(middle[:, None] - middles, axis=2)  # (rows, digits)
        nearest = apart.argmin(1)
        if len(set(nearest)) == 2 and apart.min(1).max() < MISPLACED:
            for canvas, digit in zip(found.canvases, nearest, strict=True):
                yield canvas, [int(labels[digit])]
