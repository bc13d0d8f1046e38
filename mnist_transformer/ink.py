"""From any drawing to the model's canvas.

Whatever a person draws with (a thick brush, a thin pen, white chalk on black, a transparent
canvas, a scan), the model sees the same thing: ink cropped, scaled to one height, with strokes
about as thick as MNIST's.
"""

from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import torch
from PIL import Image, ImageOps
from scipy import ndimage
from torch import Tensor

from .config import Config

Drawing = Image.Image | np.ndarray | Tensor

MAX_PIXELS = 64_000_000
WORKING_SIZE = 2048  # longest side, in pixels, at which a large picture is examined
INK_HEIGHT = 0.75  # height of the line of ink, in canvas heights
MARGIN = 4  # pixels of paper kept left and right of a line that fills the canvas
FAINTEST = 0.12  # contrast to the paper, 0 to 1, below which nothing counts as ink
INK_LEVEL = 0.4  # share of the strongest contrast from which a pixel is ink
STROKE_WIDTH = 0.13  # of a digit's height, about as in MNIST
THINNEST, THICKEST = 2.0, 3.2  # pixels of canvas; a stroke's width after normalising
SPECK = 0.08  # of the tallest stroke's height; smaller marks are dirt
OVERSAMPLING = 4  # strokes are measured and redrawn at this many times the canvas's resolution


class InkError(ValueError):
    """A drawing that cannot be read; the message says why and what to do."""


class BlankDrawing(InkError):
    """Nothing is drawn: the picture is one even colour."""


def open_drawing(file: str | Path | IO[bytes]) -> Image.Image:
    """Open a picture file (the first frame of an animation), turned as its camera was held.

    Raises:
        FileNotFoundError: if there is no such file.
        InkError: if it holds no picture, a broken one, or one of more than `MAX_PIXELS`.
    """
    try:
        picture = Image.open(file)
        _check_size(picture.height, picture.width)  # known before anything is unpacked
        return ImageOps.exif_transpose(picture)
    except (FileNotFoundError, InkError):
        raise
    except Image.DecompressionBombError as error:
        raise InkError(f"the picture is too large: {error}") from error
    # Pillow's readers raise many kinds of errors on broken files.
    except Exception as error:
        raise InkError(f"it cannot be opened as a picture: {error}") from error


def drawing_to_canvas(drawing: Drawing, config: Config) -> Tensor:
    """Turn any drawing into the picture the model reads.

    Args:
        drawing: a PIL image of any mode, or an array or tensor of shape (height, width),
            (1, height, width), or (height, width, 1, 3 or 4), with values 0-255 if whole numbers,
            0-1 (or 0-255) if floats. Dark on light, light on dark or on a transparent ground; any
            size up to 64 million pixels.
        config: gives the size of the canvas.

    Returns:
        (canvas_height, canvas_width) float32, 0 = paper, 1 = ink, the ink in the middle.

    Raises:
        BlankDrawing: if nothing is drawn.
        InkError: if the shape is none of the above, values are NaN, infinite or out of range, the
            picture is too large, or nearly everything is ink.
        TypeError: if it is no picture at all.
    """
    ink = _crop(_find_ink(_to_array(drawing)))
    height, width = ink.shape
    scale = min(
        INK_HEIGHT * config.canvas_height / height,
        (config.canvas_width - 2 * MARGIN) / width,
    )
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    line = _normalise_strokes(ink, size)
    canvas = torch.zeros(config.canvas_height, config.canvas_width)
    top = (config.canvas_height - line.shape[0]) // 2
    left = (config.canvas_width - line.shape[1]) // 2
    canvas[top : top + line.shape[0], left : left + line.shape[1]] = torch.from_numpy(line)
    return canvas


def _to_array(drawing: Drawing) -> np.ndarray:
    """(height, width, channels) float32 in [0, 1], of 1 to 4 channels, at most WORKING_SIZE."""
    if isinstance(drawing, Tensor):
        drawing = drawing.detach().cpu().numpy()
    if isinstance(drawing, np.ndarray):
        array = _check_array(drawing)
    elif isinstance(drawing, Image.Image):
        _check_size(drawing.height, drawing.width)
        drawing = ImageOps.exif_transpose(drawing)
        if drawing.mode.startswith(("I", "F")):
            array = _check_array(np.asarray(drawing))
        else:
            mode = "RGBA" if drawing.has_transparency_data else "RGB"
            array = _check_array(np.asarray(drawing.convert(mode)))
    else:
        raise TypeError(
            f"a drawing is a PIL image, an array or a tensor, not {type(drawing).__name__}"
        )
    longest = max(array.shape[:2])
    if longest > WORKING_SIZE:
        size = [max(1, round(side * WORKING_SIZE / longest)) for side in array.shape[1::-1]]
        array = np.stack([_resize(channel, size) for channel in np.moveaxis(array, 2, 0)], axis=2)
    return array


def _check_array(array: np.ndarray) -> np.ndarray:
    """The array as (height, width, channels) float32 in [0, 1], if it can be a picture."""
    shape = array.shape
    if array.ndim == 3 and shape[0] == 1:
        array = array[0]
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise InkError(
            f"a drawing has the shape (height, width), (1, height, width) or (height, width, 1, 3 "
            f"or 4), not {shape}"
        )
    _check_size(*array.shape[:2])
    if array.dtype == bool:
        return array.astype(np.float32)
    if not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        raise InkError(f"a drawing holds numbers, not {array.dtype}")
    if not np.isfinite(array).all():
        raise InkError(
            "the drawing holds NaN or infinite values: replace them by the paper's value"
        )
    low, high = array.min(), array.max()
    top = 255 if high <= 255 else 65535
    if np.issubdtype(array.dtype, np.floating) and high <= 1:
        top = 1
    if low < 0 or high > top:
        raise InkError(f"values must lie in 0-1, 0-255 or 0-65535, not {low:g} to {high:g}")
    return array.astype(np.float32) / top


def _check_size(height: int, width: int) -> None:
    if height * width == 0:
        raise InkError(f"the drawing is empty: {height}x{width} pixels")
    if height * width > MAX_PIXELS:
        raise InkError(
            f"the drawing is too large: {height}x{width} pixels, at most {MAX_PIXELS:,} are read. "
            "Scale it down first."
        )


def _find_ink(array: np.ndarray) -> np.ndarray:
    """(height, width) in [0, 1]: how much every pixel differs from the paper."""
    channels = array.shape[2]
    colour, alpha = array[:, :, : min(channels, 3)], array[:, :, 3] if channels == 4 else None
    if alpha is not None and (alpha > 0.5).mean() <= 0.5:
        contrast = alpha  # drawn on a transparent ground: whatever covers it is ink
    else:
        border = np.concatenate([colour[0], colour[-1], colour[:, 0], colour[:, -1]])
        paper = np.median(border, axis=0)
        contrast = np.abs(colour - paper).max(axis=2)
        if alpha is not None:
            contrast = contrast * alpha
    strongest = contrast.max()
    if strongest < FAINTEST:
        raise BlankDrawing("nothing is drawn: the picture is one even colour")
    ink = contrast / strongest
    if (ink > INK_LEVEL).mean() > 0.6:
        raise InkError("nearly the whole picture is ink: draw digits as strokes on empty paper")
    return ink


def _crop(ink: np.ndarray) -> np.ndarray:
    """The picture cut down to its ink, without specks of dirt."""
    marks, _ = ndimage.label(ink > INK_LEVEL, structure=np.ones((3, 3)))
    boxes = ndimage.find_objects(marks)
    edges = np.array([[side.start, side.stop] for box in boxes for side in box])
    edges = edges.reshape(-1, 2, 2)  # of each mark: rows and columns, first and last
    sizes = (edges[:, :, 1] - edges[:, :, 0]).max(1)
    kept = sizes >= SPECK * sizes.max()
    specks = np.concatenate([[False], ~kept])[marks]
    rows, columns = (
        slice(edges[kept, side, 0].min(), edges[kept, side, 1].max()) for side in (0, 1)
    )
    return np.where(specks, 0, ink)[rows, columns]


def _normalise_strokes(ink: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The ink at `size` (width, height) plus a rim, with strokes as thick as MNIST's."""

    def target(is_ink: np.ndarray) -> float:
        boxes = ndimage.find_objects(ndimage.label(is_ink)[0])
        heights = [box[0].stop - box[0].start for box in boxes]
        digit = np.median([h for h in heights if h >= 0.4 * max(heights)]) / OVERSAMPLING
        return np.clip(STROKE_WIDTH * digit, THINNEST, THICKEST)

    return set_stroke_width(ink, size, target)


def set_stroke_width(
    ink: np.ndarray, size: tuple[int, int], width: Callable[[np.ndarray], float]
) -> np.ndarray:
    """Draw the ink anew at another size, its strokes thickened or thinned to another width.

    All strokes change evenly, by moving their outline along the distance to it.

    Args:
        ink: (height, width) in [0, 1].
        size: (width, height) of the result, in pixels, before a rim of 2 pixels is added.
        width: gives the width of the strokes, in pixels of the result, from a mask of the ink at
            `OVERSAMPLING` times the result's resolution.

    Returns:
        (height + 4, width + 4) float32 in [0, 1].
    """
    fine = _resize(ink, [side * OVERSAMPLING for side in size])
    rim = 2 * OVERSAMPLING
    fine = np.pad(fine, rim)
    is_ink = fine > min(INK_LEVEL, 0.5 * fine.max())
    inside = ndimage.distance_transform_edt(is_ink)
    outside = ndimage.distance_transform_edt(~is_ink)
    # Across a stroke of width w the distance to its outline is w / 4 on average.
    stroke = 4 * (inside[is_ink].mean() - 0.5)
    # Thinning too far would break strokes of uneven width.
    change = (width(is_ink) * OVERSAMPLING - stroke) / 2
    change = np.clip(change, -0.15 * stroke, rim - 1)
    redrawn = np.clip(inside - outside + change + 0.5 * np.where(is_ink, 0, 1), 0, 1)
    rows, columns = (side // OVERSAMPLING for side in redrawn.shape)
    cells = redrawn.reshape(rows, OVERSAMPLING, columns, OVERSAMPLING)
    return cells.mean(axis=(1, 3)).astype(np.float32)


def _resize(channel: np.ndarray, size: list[int]) -> np.ndarray:
    """Scale a 2-D float picture to `size` (width, height), ema_decay where it shrinks."""
    image = Image.fromarray(np.ascontiguousarray(channel, dtype=np.float32))
    return np.clip(np.asarray(image.resize(size, Image.Resampling.BICUBIC)), 0, 1)
