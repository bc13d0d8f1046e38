"""Digits of one's own hand: a few examples, kept as JSON, and as many variations as are wanted."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from ..dataset import DigitSet
from ..ink.brush import draw_strokes
from .mnist import MNIST_SIDE
from .rerender import redraw
from .synthetic import BOX
from .warp import Warp, warp_digits

FORMAT = "digits of one's own"
MOST_DIGITS = 1000
MOST_BYTES = 5_000_000  # of a file
SHEET_SIDE, BRUSH = 120, 10  # pixels: what pen strokes are drawn on, and with
SMALLEST = 4  # pixels, the longer side: smaller ink is a speck, no digit
INK = 0.2  # darkness from which a pixel is ink


class OwnDigitsError(ValueError):
    """What is no digit, or no file of digits; the message says which, and what is expected."""


@dataclass(frozen=True, eq=False)
class OwnDigit:
    """One example: `label` 0-9; `image` (28, 28) uint8, 255 = ink, its longer side 20 pixels."""

    label: int
    image: np.ndarray


def own_digit(label: int, picture: np.ndarray) -> OwnDigit:
    """A digit cut out of a picture and fitted as MNIST's are.

    Args:
        label: what it is, 0-9.
        picture: (height, width) in [0, 1], 0 = paper, 1 = ink, of any size.

    Raises:
        OwnDigitsError: if the label is no digit, or the picture has no ink to speak of.
    """
    if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label <= 9:
        raise OwnDigitsError(f"a digit's label must be a whole number from 0 to 9, not {label!r}")
    picture = np.asarray(picture, dtype=np.float32)
    if picture.ndim != 2 or not np.isfinite(picture).all():
        raise OwnDigitsError(
            f"a digit's picture must be grey, (height, width), not of the shape {picture.shape}"
        )
    rows, columns = (np.flatnonzero((picture > INK).any(axis)) for axis in (1, 0))
    if not len(rows) or max(np.ptp(rows), np.ptp(columns)) + 1 < SMALLEST:
        raise OwnDigitsError(f"nothing is drawn that could be a {label}")
    ink = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(ink.shape)
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC))
    small = np.clip(small / max(float(small.max()), INK), 0, 1)
    top, left = ((MNIST_SIDE - side) // 2 for side in small.shape)
    image = np.zeros((MNIST_SIDE, MNIST_SIDE), np.uint8)
    image[top : top + small.shape[0], left : left + small.shape[1]] = np.rint(small * 255)
    return OwnDigit(label, image)


def stroke_digit(label: int, strokes: Sequence[Sequence[Sequence[float]]]) -> OwnDigit:
    """A digit from a pen's strokes, each a list of [x, y] in any unit, y down.

    Raises:
        OwnDigitsError: if the label is no digit, or the strokes are no strokes.
    """
    try:
        lines = [np.array(stroke, dtype=np.float64).reshape(-1, 2) for stroke in strokes]
        points = np.concatenate(lines) if lines else np.empty((0, 2))
    except (TypeError, ValueError) as error:
        raise OwnDigitsError("strokes must be lists of points, each [x, y]") from error
    if not len(points) or not np.isfinite(points).all() or not all(map(len, lines)):
        raise OwnDigitsError("strokes must be lists of points, each [x, y], and hold at least one")
    low, size = points.min(0), float(np.ptp(points, 0).max())
    if size <= 0:
        raise OwnDigitsError(f"nothing is drawn that could be a {label}")
    room = SHEET_SIDE - 2 * BRUSH
    drawn = [(line - low) / size * room + BRUSH for line in lines]
    sheet = draw_strokes(drawn, (SHEET_SIDE, SHEET_SIDE), BRUSH)
    return own_digit(label, 1 - np.asarray(sheet, dtype=np.float32) / 255)


def digits_to_json(digits: Sequence[OwnDigit]) -> str:
    """A file that `digits_from_json` reads: every digit's label, and its 28 rows of 28 numbers."""
    listed = [{"label": digit.label, "image": digit.image.tolist()} for digit in digits]
    return json.dumps({"format": FORMAT, "version": 1, "digits": listed})


def digits_from_json(text: str | bytes) -> list[OwnDigit]:
    """The digits of a file, at most 1,000.

    Each has a `label` and an `image` (28 rows of 28 numbers, 0 = paper, 255 = ink) or `strokes`
    (lists of [x, y]).

    Raises:
        OwnDigitsError: if the file is too large, no such file, or a digit is none; the message
            gives its number.
    """
    if len(text) > MOST_BYTES:
        raise OwnDigitsError(f"the file is larger than {MOST_BYTES // 1_000_000} MB")
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        held = None
    listed = held.get("digits") if isinstance(held, dict) else None
    if not isinstance(held, dict) or held.get("format") != FORMAT or not isinstance(listed, list):
        raise OwnDigitsError(
            "this is no file of digits: it must be the JSON that a download of your digits holds"
        )
    if not 1 <= len(listed) <= MOST_DIGITS:
        raise OwnDigitsError(f"the file holds {len(listed):,} digits, not 1 to {MOST_DIGITS:,}")
    digits = []
    for number, entry in enumerate(listed, 1):
        try:
            digits.append(_from_entry(entry))
        except OwnDigitsError as error:
            raise OwnDigitsError(f"digit {number} of {len(listed)}: {error}") from error
    return digits


def _from_entry(entry: object) -> OwnDigit:
    if not isinstance(entry, dict) or "label" not in entry:
        raise OwnDigitsError("a digit has a label, and an image or strokes")
    if "strokes" in entry:
        return stroke_digit(entry["label"], entry["strokes"])
    try:
        image = np.array(entry.get("image"), dtype=np.float64)
    except (TypeError, ValueError):
        image = np.array(math.nan)
    if image.shape != (MNIST_SIDE, MNIST_SIDE) or not ((image >= 0) & (image <= 255)).all():
        raise OwnDigitsError(
            f"its image must be {MNIST_SIDE} rows of {MNIST_SIDE} numbers from 0 to 255"
        )
    return own_digit(entry["label"], (image / 255).astype(np.float32))


def own_digit_set(digits: Sequence[OwnDigit], count: int, generator: torch.Generator) -> DigitSet:
    """`count` variations of the examples, each example about as often as any other.

    Each is slanted, turned, widened and bent a little; half are drawn again with an even brush of
    another width, as a pen on the page draws.

    Args:
        digits: at least one.
        count: at least 2.
        generator: all randomness comes from it.
    """
    images = torch.from_numpy(np.stack([digit.image for digit in digits]))
    examples = DigitSet.from_arrays(images, torch.tensor([d.label for d in digits]), "own digits")
    chosen = torch.arange(count) % len(examples)

    def normal(spread: float, *shape: int) -> torch.Tensor:
        return torch.randn(count, *shape, generator=generator) * spread

    warp = Warp(
        scale=torch.exp(normal(0.04)).clamp(max=1.1),
        aspect=torch.exp(normal(0.12)),
        slant=normal(0.12),
        turn=normal(0.08),
        offset=torch.zeros(count),
        bend=normal(0.9, 2, 4, 4),
    )
    grey = examples.images[chosen].float().unsqueeze(1) / 255
    windows = warp_digits(grey, examples.boxes[chosen], warp, height=MNIST_SIDE)
    rim = (windows.shape[2] - MNIST_SIDE) // 2
    varied = windows[:, :, rim : rim + MNIST_SIDE].clamp(0, 1)
    half = count // 2
    redrawn = redraw((image.numpy() for image in varied[:half]), half, generator)
    kept = (varied[half:] * 255).round().to(torch.uint8)
    source = f"variations of {len(digits)} own digits"
    return DigitSet.from_arrays(torch.cat([redrawn, kept]), examples.labels[chosen], source)
