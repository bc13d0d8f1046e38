"""Where the paper ends and ink begins: how dark every pixel is beside the paper around it."""

import cv2
import numpy as np

from .light import close_strokes, light_taken, percentile, reduced
from .sheet import only_sheet

FLAT = 8  # values out of 255 that one even colour may vary by
NOISY = 1.5  # values of noise from which a picture is smoothed before anything else
SHADED = 0.05  # share of an even ground that may be shaded, by dirt or a thin shadow
SMALL = 64  # pixels; a picture of a shorter side is too small to have a light of its own
WIDTHS = (3, 5, 7, 9, 13, 17, 23, 31, 43)  # pixels, of strokes in a reduced picture
STROKES = 3.5  # widths of a stroke that make a square which no stroke fills
REDUCED = 400  # longest side at which light and strokes are looked at as a whole


def contrast_to_ground(pixels: np.ndarray) -> np.ndarray | None:
    """How much every pixel differs from a picture's ground, if that is one even colour.

    As on a canvas, a screen or a clean scan: most of the picture, or all of its border, is of one
    colour then, and where nothing is drawn, there is little else. Where most of the picture is
    transparent, whatever covers it is ink.

    Args:
        pixels: (height, width, channels) of 8 bits.

    Returns:
        (height, width) uint8; None if the ground is uneven.
    """
    step = 1 if pixels.size < 1_000_000 else 2
    contrast = _distance_to_border(np.ascontiguousarray(pixels[::step, ::step]))
    if min(pixels.shape[:2]) >= SMALL and not _is_flat(contrast):
        return None
    if step > 1:
        contrast = _distance_to_border(pixels)
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3]
        if (alpha > 127).mean() <= 0.5:
            return alpha
        return cv2.multiply(contrast, alpha, scale=1 / 255)
    return contrast


def _is_flat(contrast: np.ndarray) -> bool:
    """Whether a ground is even, from how much the picture, (height, width), differs from it."""
    differs = cv2.compare(contrast, FLAT, cv2.CMP_GT)
    border = np.concatenate([differs[0], differs[-1], differs[:, 0], differs[:, -1]])
    if (
        cv2.countNonZero(differs) > 0.5 * differs.size
        and cv2.countNonZero(border) > 0.02 * border.size
    ):
        return False
    palest = cv2.erode(contrast, np.ones((9, 9), np.uint8))[4::8, 4::8]
    shaded = (palest > FLAT) & (palest < 0.4 * contrast.max())
    return np.count_nonzero(shaded) / shaded.size < SHADED


def _distance_to_border(pixels: np.ndarray) -> np.ndarray:
    """The difference, in the channel where it is greatest, to the border's median colour."""
    colour = pixels[..., :3] if pixels.shape[2] == 4 else pixels
    border = np.concatenate([colour[0], colour[-1], colour[:, 0], colour[:, -1]])
    ordered = np.sort(border, axis=0)
    half = len(ordered) // 2
    ground = ((ordered[half].astype(int) + ordered[-1 - half]) // 2).astype(np.uint8)
    # OpenCV takes a row of four pixels for a colour: it gets a whole picture of the border's.
    away = cv2.absdiff(np.ascontiguousarray(colour), np.full_like(colour, ground, order="C"))
    if len(ground) == 1:
        return away.reshape(colour.shape[:2])
    red, green, blue = cv2.split(away)
    return cv2.max(cv2.max(red, green), blue)


def contrast_to_paper(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How much light the ink takes from the paper around it, whatever light falls on both.

    The paper is the picture with its dark strokes closed: dilated, then eroded, by a square that no
    stroke fills. So every stroke needs paper on both sides, and the edge of a shadow, of a desk or
    of a torn sheet is none.

    Returns:
        (height, width) uint8 contrast, 0 = paper, 255 = it takes all light; a coarse picture of
        noise, the contrast above which three quarters of the empty paper of its surroundings lie;
        and (height, width) uint8 light of the paper itself.
    """
    grey = only_sheet(to_grey(pixels))
    if noise_of(grey) > NOISY:
        grey = cv2.GaussianBlur(grey, (0, 0), 0.8)
    if is_light_on_dark(grey):
        grey = 255 - grey
    paper = light_of_paper(grey)
    contrast = light_taken(grey, paper)
    return contrast, _typical_contrast(contrast), paper


def light_of_paper(grey: np.ndarray) -> np.ndarray:
    """(height, width) uint8, the picture with its dark strokes closed."""
    largest = max(15, min(grey.shape) // 2)
    size = round(np.clip(STROKES * stroke_width(grey), 15, largest)) | 1
    return close_strokes(grey, size)


def to_grey(pixels: np.ndarray) -> np.ndarray:
    """(height, width) uint8; what is transparent is white."""
    if pixels.shape[2] == 1:
        return np.ascontiguousarray(pixels[..., 0])
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[..., :3]), cv2.COLOR_RGB2GRAY)
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3].astype(np.float32) / 255
        grey = (grey * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return grey


def noise_of(grey: np.ndarray) -> float:
    """The standard deviation of the noise of a picture, (height, width), in its own unit
    (Immerkaer 1996, its mean made a median).
    """
    rows, columns = grey.shape
    middle = grey[max(0, rows // 2 - 256) : rows // 2 + 256, max(0, columns // 2 - 512) :][:, :1024]
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    answer = cv2.absdiff(cv2.filter2D(middle, cv2.CV_16S, kernel), 0)
    return percentile(np.bincount(answer.ravel()), 50) / 0.6745 / 6


def is_light_on_dark(grey: np.ndarray) -> bool:
    """Whether a grey picture, (height, width), shows light ink on a dark ground.

    Ink is the smaller part of any surroundings: it lies to one side of the median, and far.
    """
    small = reduced(grey, REDUCED // 2)
    sides = []
    for share in (12, 6, 3):
        away = small.astype(np.float32) - cv2.medianBlur(small, _window(small, share))
        cubes = away**3
        sides.append(cubes.sum() / (np.abs(cubes).sum() + 1))
    return sum(sides) > 0


def _window(small: np.ndarray, share: int) -> int:
    """An odd number of pixels, about a `share`-th of the shorter side."""
    return min(255, max(3, min(small.shape) // share)) | 1


def stroke_width(grey: np.ndarray) -> float:
    """The usual width of a stroke in a grey picture, (height, width): pixels, roughly.

    A square closes strokes as soon as it is wider than they are. Of all widths the one is taken at
    which closing changes most for so small a square: shadows change more, but under large ones.
    """
    small = reduced(grey, REDUCED)
    best, width = 0.0, 1
    for size in WIDTHS:
        contrast = light_taken(small, close_strokes(small, size))
        gain = float(np.percentile(contrast[::2, ::2], 99)) / size**0.5
        if gain > best:
            best, width = gain, size
    return (width - 1) * max(1.0, max(grey.shape) / REDUCED)


def _typical_contrast(contrast: np.ndarray) -> np.ndarray:
    """What noise and grain reach without any ink, in a picture of a pixel for each 8x8."""
    block = 8
    rows, columns = (max(1, side // block) for side in contrast.shape)
    if min(contrast.shape) < block:
        return np.full((1, 1), np.median(contrast), np.uint8)
    inner = contrast[: rows * block, : columns * block]
    # A quarter of a block's pixels, each as a picture of its own; the lower quartile of them, since
    # much of a block may be ink. To bubble the least ones down takes a thirtieth of sorting.
    places = range(0, block, 2)
    pixels = [np.ascontiguousarray(inner[y::block, x::block]) for y in places for x in places]
    for lowest in range(len(pixels) // 4 + 1):
        for n in range(len(pixels) - 1, lowest, -1):
            less, more = pixels[n - 1], pixels[n]
            pixels[n - 1], pixels[n] = cv2.min(less, more), cv2.max(less, more)
    cells = pixels[len(pixels) // 4]
    return cv2.medianBlur(cells, 15 if min(cells.shape) >= 15 else 9)
