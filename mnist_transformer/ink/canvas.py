"""From ink to the model's canvas.

Whatever a person draws with (a thick brush, a thin pen, white chalk on black, a transparent
canvas, a scan), the model sees the same thing: ink cropped, scaled to one height, with strokes
about as thick as MNIST's.

Nothing in this folder imports PyTorch but where a tensor is asked for: a process that only prepares
ink starts several times sooner without.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from ..config import Config
from .light import median
from .marks import INK_LEVEL, Ink, find_ink
from .picture import Drawing, InkError, to_pixels
from .rows import find_rows

if TYPE_CHECKING:
    from torch import Tensor

INK_HEIGHT = 0.75  # height of the line of ink, in canvas heights
MARGIN = 4  # pixels of paper kept left and right of a line that fills the canvas
STROKE_WIDTH = 0.13  # of a digit's height, about as in MNIST
THINNEST, THICKEST = 2.0, 3.2  # pixels of canvas; a stroke's width after normalising
OVERSAMPLING = 4  # strokes are measured and redrawn at this many times the canvas's resolution
RIM = 2  # pixels kept on every side, so that strokes have room to grow
SMALLER = 0.87  # size of a canvas's second look
THICKER = 0.4  # of a pixel, on every side: how much thicker the strokes of its third look are
AS_DRAWN = (0.75, 0.81, 0.87)  # heights of the ink, in canvas heights, in the looks as it is drawn


def drawing_to_canvas(drawing: Drawing, config: Config) -> "Tensor":
    """Turn any drawing of one row into the picture the model reads.

    Args:
        drawing: a PIL image of any mode, or an array or tensor of shape (height, width),
            (1, height, width), or (height, width, 1, 3 or 4), of whole numbers of 8 to 16 bits,
            masks of 0 and 1, or floats from 0 to 1 (or to 255). Dark on light, light on dark or
            on a transparent ground; any size up to 64 million pixels.
        config: gives the size of the canvas.

    Returns:
        (canvas_height, canvas_width) float32, 0 = paper, 1 = ink, the ink in the middle.

    Raises:
        BlankDrawing: if nothing is drawn.
        InkError: if the shape is none of the above, values are NaN, infinite or out of range, the
            picture is too large, nearly everything is ink, or there is more than one row or more
            digits than the model takes.
        TypeError: if it is no picture at all.
    """
    import torch

    pixels, _ = to_pixels(drawing)
    ink = find_ink(pixels)
    if config.text_rows > 1 or config.max_digits == 1:
        return torch.from_numpy(ink_to_canvas(_all_ink(ink), config))
    rows = find_rows(ink)
    if len(rows) > 1:
        raise InkError(f"the drawing has {len(rows)} rows of digits: read_page reads them all")
    return torch.from_numpy(ink_to_canvas(rows[0].whole(config.max_digits), config))


@dataclass(frozen=True)
class RowOfCanvases:
    """One row of a picture, ready to be read.

    Attributes:
        parts: a canvas, (height, width) float32, for each part of the row, from left to right.
        box: left, top, right, bottom of the row's ink, in the picture's own pixels.
        lacks_ink: whether ink that may be writing was left out beside it.
    """

    parts: list[np.ndarray]
    box: tuple[int, int, int, int]
    lacks_ink: bool


def picture_to_parts(
    drawing: Drawing,
    config: Config,
    to_canvas: Callable[[np.ndarray, Config], np.ndarray] | None = None,
) -> list[RowOfCanvases]:
    """Every row of a picture, from top to bottom, as canvases.

    Args:
        drawing, config: as in `drawing_to_canvas`.
        to_canvas: what makes a part's ink its canvas, or several; None means `ink_to_canvas`.

    Raises:
        BlankDrawing, InkError, TypeError: as `drawing_to_canvas`, but for the number of rows and
            digits.
    """
    pixels, shrink = to_pixels(drawing)
    return [
        RowOfCanvases(
            [(to_canvas or ink_to_canvas)(part, config) for part in row.parts(config.max_digits)],
            _times(row.box, shrink),
            row.lacks_ink,
        )
        for row in find_rows(find_ink(pixels))
    ]


def _times(box: tuple[int, int, int, int], factor: float) -> tuple[int, int, int, int]:
    left, top, right, bottom = (round(side * factor) for side in box)
    return left, top, right, bottom


def _all_ink(ink: Ink) -> np.ndarray:
    """The picture cut down to its marks."""
    left, top = ink.boxes[:, :2].min(0)
    right, bottom = ink.boxes[:, 2:].max(0)
    is_clean = np.zeros(ink.count, np.uint8)
    is_clean[ink.numbers] = is_clean[0] = 1
    window = np.s_[top:bottom, left:right]
    return ink.strength(window, is_clean[ink.labels[window]])


def looks(canvas: "Tensor") -> "Tensor":
    """A canvas, (height, width), in all its looks: as it is, smaller, and with thicker strokes.

    To any eye they show the same digits; where a model takes them for others, it is not sure.

    Returns:
        (config.LOOKS, height, width) float32.
    """
    import torch

    as_it_is = canvas.numpy()
    height, width = as_it_is.shape
    middle = (width - 1) / 2, (height - 1) / 2
    shrink = cv2.getRotationMatrix2D(middle, 0, SMALLER)
    smaller = cv2.warpAffine(as_it_is, shrink, (width, height), flags=cv2.INTER_CUBIC)
    thickest = cv2.dilate(as_it_is, np.ones((3, 3), np.uint8))
    thicker = (1 - THICKER) * as_it_is + THICKER * thickest
    return torch.from_numpy(np.stack([as_it_is, smaller.clip(0, 1), thicker]))


def ink_to_canvas(ink: np.ndarray, config: Config) -> np.ndarray:
    """Scale ink, (height, width) float in [0, 1], into the middle of a canvas, float32.

    It is `INK_HEIGHT` high, or as wide as fits.
    """
    return _scale_onto_canvas(ink, config, INK_HEIGHT, _normalise_strokes)


def looks_as_drawn(ink: np.ndarray, config: Config) -> np.ndarray:
    """The same without its strokes redrawn, in three sizes: (looks, height, width) float32.

    Redrawing makes all hands alike, and closes what is small between strokes that lie over each
    other. Strokes thinner than the models know are redrawn here, too.
    """
    return np.stack([_scale_onto_canvas(ink, config, size, _as_drawn) for size in AS_DRAWN])


def _scale_onto_canvas(
    ink: np.ndarray,
    config: Config,
    size: float,
    draw: Callable[[np.ndarray, tuple[int, int]], np.ndarray],
) -> np.ndarray:
    """The ink in the middle of a canvas, `size` of it high or as wide as fits.

    Args:
        ink: (height, width) in [0, 1].
        draw: gives the ink at so many pixels (width, height), plus a rim of `RIM` pixels.
    """
    height, width = ink.shape
    scale = min(
        min(size * config.canvas_height, config.canvas_height - 2 * RIM) / height,
        (config.canvas_width - 2 * MARGIN) / width,
    )
    line = draw(ink, (max(1, round(width * scale)), max(1, round(height * scale))))
    canvas = np.zeros((config.canvas_height, config.canvas_width), np.float32)
    top = (config.canvas_height - line.shape[0]) // 2
    left = (config.canvas_width - line.shape[1]) // 2
    canvas[top : top + line.shape[0], left : left + line.shape[1]] = line
    return canvas


def _as_drawn(ink: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The ink at `size` (width, height) plus a rim, redrawn only where its strokes are too thin."""
    *_, stroke = _outline(ink, size)
    if stroke < THINNEST * OVERSAMPLING:
        return _normalise_strokes(ink, size)
    return np.pad(_resize(ink, list(size)), RIM)


def _normalise_strokes(ink: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The ink at `size` (width, height) plus a rim, with strokes as thick as MNIST's."""

    def target(is_ink: np.ndarray) -> float:
        outlines, nested = cv2.findContours(is_ink, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        # What is nested in another outline is a hole.
        heights = [
            cv2.boundingRect(outline)[3]
            for outline, (*_, outer) in zip(outlines, nested[0].tolist(), strict=True)
            if outer < 0
        ]
        low = 0.4 * max(heights)
        digit = median([height for height in heights if height >= low]) / OVERSAMPLING
        return min(max(STROKE_WIDTH * digit, THINNEST), THICKEST)

    return set_stroke_width(ink, size, target)


def set_stroke_width(
    ink: np.ndarray, size: tuple[int, int], width: Callable[[np.ndarray], float]
) -> np.ndarray:
    """Draw the ink anew at another size, its strokes thickened or thinned to another width.

    All strokes change evenly, by moving their outline along the distance to it.

    Args:
        ink: (height, width) in [0, 1].
        size: (width, height) of the result, in pixels, before a rim of `RIM` pixels is added.
        width: gives the width of the strokes, in pixels of the result, from a mask of the ink,
            uint8, at `OVERSAMPLING` times the result's resolution.

    Returns:
        (height + 4, width + 4) float32 in [0, 1].
    """
    is_ink, inside, stroke = _outline(ink, size)
    # Thinning too far would break strokes of uneven width.
    change = (width(is_ink) * OVERSAMPLING - stroke) / 2
    change = min(max(change, -0.15 * stroke), RIM * OVERSAMPLING - 1)
    outside = 1 - is_ink
    if change > 0.5:  # else nothing that is a pixel away is drawn
        outside = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_5)
    redrawn = cv2.subtract(inside, outside, dtype=cv2.CV_32F) + np.float32(change + 0.5)
    redrawn -= is_ink * np.float32(0.5)
    rows, columns = (side // OVERSAMPLING for side in redrawn.shape)
    # Whole cells are averaged.
    return cv2.resize(redrawn.clip(0, 1), (columns, rows), interpolation=cv2.INTER_AREA)


def _outline(ink: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, float]:
    """A mask of the ink, uint8, at `OVERSAMPLING` times `size` plus a rim, how deep inside its
    strokes each pixel lies, and how wide they are."""
    fine = _resize(ink, [side * OVERSAMPLING for side in size])
    rim = RIM * OVERSAMPLING
    level = min(INK_LEVEL, 0.5 * float(fine.max()))
    is_ink = cv2.copyMakeBorder(
        cv2.compare(fine, level, cv2.CMP_GT) & 1, rim, rim, rim, rim, cv2.BORDER_CONSTANT
    )
    inside = cv2.distanceTransform(is_ink, cv2.DIST_L2, cv2.DIST_MASK_5)
    # Across a stroke of width w the distance to its outline is w / 4 on average.
    return is_ink, inside, 4 * (cv2.sumElems(inside)[0] / cv2.countNonZero(is_ink) - 0.5)


def _resize(ink: np.ndarray, size: list[int]) -> np.ndarray:
    """Scale a 2-D float picture to `size` (width, height), averaging where it shrinks."""
    if size[1] < ink.shape[0] and size[0] < ink.shape[1]:
        return cv2.resize(ink.astype(np.float32, copy=False), size, interpolation=cv2.INTER_AREA)
    image = Image.fromarray(np.ascontiguousarray(ink, dtype=np.float32))
    return np.clip(np.asarray(image.resize(size, Image.Resampling.BICUBIC)), 0, 1)
