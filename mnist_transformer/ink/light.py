"""What the searches for paper, sheet and marks share: a smaller picture, light, its loss;
and statistics that are quicker for a few numbers."""

import math
from collections.abc import Sequence

import cv2
import numpy as np


def reduced(grey: np.ndarray, longest: int) -> np.ndarray:
    """The picture, (height, width) uint8, shrunk so that no side is above `longest` pixels."""
    factor = max(1.0, max(grey.shape) / longest)
    size = [max(1, round(side / factor)) for side in grey.shape[::-1]]
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)


def close_strokes(grey: np.ndarray, size: int) -> np.ndarray:
    """(height, width) uint8: the light of the paper, without strokes narrower than `size` pixels.

    The picture is dilated, then eroded, by a square.
    """
    square = np.ones((size, size), np.uint8)
    return cv2.morphologyEx(grey, cv2.MORPH_CLOSE, square, borderType=cv2.BORDER_REPLICATE)


def light_taken(grey: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """(height, width) uint8: how much of the paper's light every pixel takes, 255 = all."""
    return 255 - cv2.divide(grey, cv2.max(paper, 1), scale=255)


def percentile(counts: np.ndarray, share: float) -> float:
    """The value below which a share of whole numbers, in percent, lies, as `np.percentile`.

    Args:
        counts: how often each number from 0 on occurs; not all 0.
        share: from 0 to 100.
    """
    below = np.cumsum(counts)
    place = share / 100 * (below[-1] - 1)
    low, high = np.searchsorted(below, [math.floor(place), math.ceil(place)], side="right")
    return float(low + (high - low) * (place % 1))


def median(few: Sequence[float]) -> float:
    """The median of a few numbers, at least one, in a tenth of the time that `np.median` takes."""
    ordered = sorted(few)
    half = len(ordered) // 2
    return float(ordered[half] + ordered[-1 - half]) / 2


def runs(flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each run of a line of flags, (length,) bool, begins, and before where it ends."""
    padded = np.zeros(len(flags) + 2, bool)
    padded[1:-1] = flags
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return edges[::2], edges[1::2]
