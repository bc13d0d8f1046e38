"""The ink that each digit of a line was read from, cut out."""

import cv2
import numpy as np
import torch

from ..reading import Reading

FAINTEST = 0.1  # darkness of a canvas from which a pixel belongs to a digit


def cut_digits(reading: Reading) -> list[np.ndarray]:
    """A picture for each digit that was read: what hangs together goes to one digit.

    Where a step looked, averaged over the heads of cross-attention and over the ink alone, has a
    middle. A mark goes to the step whose middle is nearest to it; one in which several steps have
    their middles, as digits that touch, is cut halfway between them.

    Args:
        reading: with maps.

    Returns:
        (height, width) float32 each, in [0, 1], 1 = ink: the whole canvas with that digit's ink
        alone; bare paper if no mark was left for it.

    Raises:
        ValueError: if the reading has no maps.
    """
    canvas = reading.canvas.numpy()
    steps = len(reading.digits)
    looked = reading.maps.cross[:, :, :steps].mean((0, 1)).unflatten(1, reading.maps.grid)
    if not steps:
        return []
    rows, columns = reading.maps.grid
    cells = reading.canvas.unflatten(0, (rows, -1)).unflatten(2, (columns, -1)).amax((1, 3))
    at_ink = (looked * (cells > FAINTEST)).sum(1) + 1e-9  # (steps, columns)
    width = canvas.shape[1] // columns
    middles = ((torch.arange(columns) + 0.5) * width * at_ink).sum(1) / at_ink.sum(1)
    pictures = [np.zeros_like(canvas) for _ in range(steps)]
    count, labels, boxes, _ = cv2.connectedComponentsWithStats((canvas > FAINTEST).astype(np.uint8))
    place = np.arange(canvas.shape[1]) + 0.5
    for mark in range(1, count):
        left, _, breadth, *_ = boxes[mark].tolist()
        inside = [n for n, x in enumerate(middles.tolist()) if left <= x <= left + breadth]
        is_mark = labels == mark
        if len(inside) < 2:
            owner = int(np.abs(middles.numpy() - (left + breadth / 2)).argmin())
            pictures[inside[0] if inside else owner][is_mark] = canvas[is_mark]
            continue
        for step in inside:
            own = is_mark & (_nearest_of(middles.numpy(), inside, place) == step)
            pictures[step][own] = canvas[own]
    return pictures


def _nearest_of(middles: np.ndarray, steps: list[int], place: np.ndarray) -> np.ndarray:
    """Of every place, the step among `steps` whose middle is nearest."""
    return np.array(steps)[np.abs(place - middles[steps][:, None]).argmin(0)]
