"""Marks: what hangs together of the ink, without dirt, frames, edges and what is no writing."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .light import percentile
from .paper import contrast_to_ground, contrast_to_paper
from .picture import BlankDrawing, InkError
from .rules import Dark, without_rules

FAINTEST = 30  # contrast out of 255 below which nothing on an even ground counts as ink
FAINTEST_IN_LIGHT = 10  # the same on paper whose noise is known
INK_LEVEL = 0.4  # strength, 0 to 1, from which a pixel is ink
CORE = 0.5  # of the usual strength of ink: a mark has such a pixel somewhere
PALE = 0.25  # of the usual strength of ink: what hangs together with a core is ink from here on
CORE_OVER_NOISE, PALE_OVER_NOISE = 5.5, 3.5  # times the contrast of empty paper
STEP = 0.25  # share of light lost within a stroke's reach: the edge of a desk or of torn paper
RIM = 0.04  # of the picture's sides: what is left out when looking how dark ink is
UNEVEN = 0.35  # pale pixels for each dark one from which ink is uneven, not only smooth at its edge
SPECK = 0.2  # of a digit's height; smaller marks that stand alone are dirt
CRUMB = 0.06  # of a digit's height; smaller marks are dirt wherever they are
CROPPED = 0.75  # of the picture's height: digits so high are cut out closely
CONTACT = 0.35  # of a digit's height that a digit may touch the picture's border with
FOOT = 0.9  # the same where there is neither desk nor shadow
NARROW = 0.15  # of a digit's height: a mark so narrow at the border is the end of a rule
HELD = 0.25  # of a digit's height, both ways: so large a mark at the border may hold writing
FILLED = 0.6  # of its box: a mark with so much ink at the border is a bar or a dark corner
MOST_IN_16_BITS = 65_534  # marks that OpenCV numbers in 16 bits
LARGEST = 3.0  # digits' heights; higher marks are no digits
MOST_INK = 0.6  # share of a picture that may be ink
GRAIN, MOST_GRAINS = 6, 20  # pixels high, and marks: so many so small are noise
MOST_MARKS = 1500  # more are no writing, and comparing each with each would take for ever


@dataclass
class Ink:
    """The ink of a picture, as marks: what hangs together.

    Attributes:
        contrast: (height, width) uint8, how much every pixel differs from the paper.
        pale: the contrast, a number or for every pixel, from which it is ink.
        labels: (height, width) int, 0 = paper, else the number of the mark.
        count: how many numbers there are, that of the paper included.
        boxes: (n, 4) int, left, top, right, bottom of every mark that is kept, right and bottom
            exclusive.
        areas: (n,) the marks' pixels of ink.
        numbers: (n,) the marks' numbers in `labels`.
        digit_height: the usual height of the marks, in pixels.
        left_out: (m, 4) int, boxes of what comes in from outside the picture, and so was left out,
            but may hold writing: it reaches far in both ways and does not fill its box.
    """

    contrast: np.ndarray
    pale: np.ndarray | int
    labels: np.ndarray
    count: int
    boxes: np.ndarray
    areas: np.ndarray
    numbers: np.ndarray
    digit_height: float
    left_out: np.ndarray

    def strength(self, window: tuple[slice, slice], shown: np.ndarray) -> np.ndarray:
        """(height, width) float32 in [0, 1] of a part: at least `INK_LEVEL` where there is ink, and
        0 but where the mask `shown`, uint8, is 1."""
        contrast = self.contrast[window] * shown
        if isinstance(self.pale, int):
            every = np.arange(256, dtype=np.float32) * np.float32(INK_LEVEL) / self.pale
            return cv2.LUT(contrast, np.minimum(every, 1))
        strength = contrast * np.float32(INK_LEVEL) / self.pale[window]
        return np.minimum(strength, 1, dtype=np.float32)


def find_ink(pixels: np.ndarray) -> Ink:
    """Find the ink in a picture's pixels, (height, width, channels) uint8.

    Raises:
        BlankDrawing: if nothing is drawn.
        InkError: if nearly everything is ink.
    """
    contrast = contrast_to_ground(pixels)
    page = _Page(contrast) if contrast is not None else _Page(*contrast_to_paper(pixels))
    if page.contrast.max() < page.faintest:
        raise BlankDrawing("nothing is drawn: the picture is one even colour")
    dark = page.dark()
    page.contrast, found = without_rules(page.contrast, dark)
    dark = page.dark() if found else dark
    ink = page.marks(dark)
    page.contrast, found = without_rules(page.contrast, dark, ink.digit_height)
    return page.marks(page.dark()) if found else ink


@dataclass
class _Page:
    """What is known of a picture; `noise` and `paper` only if its ground is uneven."""

    contrast: np.ndarray
    noise: np.ndarray | None = None
    paper: np.ndarray | None = None

    @property
    def faintest(self) -> int:
        return FAINTEST if self.noise is None else FAINTEST_IN_LIGHT

    def dark(self) -> Dark:
        """All that stands out."""
        return Dark.of(self.contrast >= self.floor())

    def floor(self) -> np.ndarray | np.uint8:
        """The contrast from which a pixel stands out at all."""
        if self.noise is None:
            return np.uint8(max(self.faintest, int(0.12 * self.contrast.max())))
        return self._over_noise(self.noise, PALE_OVER_NOISE, self.faintest)

    def thresholds(self, dark: Dark) -> tuple[np.ndarray | int, np.ndarray | int]:
        """The contrast of a mark's core, and of its palest parts, where so much stands out."""
        if self.noise is None:
            return self._flat_thresholds(dark)
        sure = self.contrast >= self._over_noise(self.noise, CORE_OVER_NOISE, self.faintest)
        if not sure.any():
            raise BlankDrawing("nothing is drawn: nothing stands out from the paper")
        usual = percentile(np.bincount(self.contrast[sure]), 80)
        return (
            self._over_noise(self.noise, CORE_OVER_NOISE, max(self.faintest, CORE * usual)),
            self._over_noise(self.noise, PALE_OVER_NOISE, max(self.faintest, PALE * usual)),
        )

    def _flat_thresholds(self, dark: Dark) -> tuple[int, int]:
        """The same for an even ground, where all ink is about as dark unless it was scanned."""
        # What comes in at the border, such as a scanner's edge, is often darker than the ink.
        rows, columns = self.contrast.shape
        rim_y, rim_x = int(RIM * rows), int(RIM * columns)
        left, top, width, height = dark.box
        inner = np.s_[
            max(rim_y, top) : min(rows - rim_y, top + height),
            max(rim_x, left) : min(columns - rim_x, left + width),
        ]
        counts = np.bincount(self.contrast[inner][dark.mask[inner]], minlength=256)
        usual = percentile(counts, 90) if counts.any() else float(self.contrast.max())
        core = int(INK_LEVEL * usual) + 1
        is_uneven = counts[math.ceil(PALE * usual) : core].sum() > UNEVEN * counts[core:].sum()
        return core, max(int(PALE * usual) + 1, self.faintest) if is_uneven else core

    def _over_noise(self, noise: np.ndarray, times: float, least: float) -> np.ndarray:
        """Of every pixel, so many times its surroundings' noise, and at least so much."""
        coarse = np.clip(noise * np.float32(times), int(least), 255).astype(np.uint8)
        return cv2.resize(coarse, self.contrast.shape[::-1], interpolation=cv2.INTER_LINEAR)

    def marks(self, dark: Dark) -> Ink:
        """What hangs together of the ink, where so much stands out."""
        core, pale = self.thresholds(dark)
        is_pale = cv2.compare(self.contrast, pale, cv2.CMP_GE)
        if cv2.countNonZero(is_pale) > MOST_INK * is_pale.size:
            raise InkError("nearly the whole picture is ink: draw digits as strokes on empty paper")
        count, labels, boxes, areas = _connected(is_pale)
        kept = np.ones(count, bool)
        if core is not pale:  # else every mark has a core
            is_core = cv2.compare(self.contrast, core, cv2.CMP_GE) > 0
            kept = np.bincount(labels[is_core], minlength=count) > 0
        kept[0] = False
        if self.paper is not None:
            kept &= ~_lies_on_edge(self.paper, labels, areas)
        touches = _touches_border(boxes, labels.shape)
        inside = kept & ~touches
        if not inside.any():
            inside = kept
        height = usual_height(boxes[inside], areas[inside])
        is_margin = _is_margin(touches, labels, boxes, areas, height, self.noise is None)
        left_out = boxes[kept & is_margin & _may_hold_writing(boxes, areas, height)]
        kept &= ~is_margin
        kept &= ~_is_frame(boxes, areas, kept, height)
        height = usual_height(boxes[kept], areas[kept])
        _refuse_crowd(kept, 10 * MOST_MARKS)  # dirt among them
        kept &= ~_is_dirt(boxes, areas, kept, height)
        _refuse_crowd(kept, MOST_MARKS)
        height = usual_height(boxes[kept], areas[kept])
        if not kept.any() or (height < GRAIN and kept.sum() > MOST_GRAINS):
            raise BlankDrawing("nothing is drawn: nothing stands out from the paper")
        return Ink(
            self.contrast,
            pale,
            labels,
            count,
            boxes[kept],
            areas[kept],
            np.flatnonzero(kept),
            height,
            left_out,
        )


def _connected(is_pale: np.ndarray) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """What hangs together of a mask, uint8: how many marks, paper included; the number of each
    pixel's; and every mark's box and pixels, as in `Ink`."""
    left, top, width, height = cv2.boundingRect(is_pale)  # the rest need not be searched
    right, bottom = left + max(1, width), top + max(1, height)
    # OpenCV numbers marks by blocks of 2 x 2 pixels: cut elsewhere, they had other numbers.
    left, top = left // 2 * 2, top // 2 * 2
    window = np.s_[top:bottom, left:right]
    # Each mark has a pixel of ink, and a square of 2 x 2 pixels to itself.
    most = min(cv2.countNonZero(is_pale), (bottom - top + 1) // 2 * ((right - left + 1) // 2))
    kind = cv2.CV_16U if most <= MOST_IN_16_BITS else cv2.CV_32S  # the first in half the time
    count, found, stats, _ = cv2.connectedComponentsWithStats(is_pale[window], ltype=kind)
    labels = np.zeros(is_pale.shape, found.dtype)
    labels[window] = found
    boxes, areas = stats[:, :4].copy(), stats[:, 4]
    boxes[:, :2] += left, top
    boxes[:, 2:] += boxes[:, :2]
    return count, labels, boxes, areas


def _lies_on_edge(paper: np.ndarray, labels: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Of every mark, whether most of it lies where the paper's light drops sharply."""
    # Every second pixel of every second row tells as much.
    paper, labels = np.ascontiguousarray(paper[::2, ::2]), labels[::2, ::2]
    reach = np.ones((3, 3), np.uint8)
    high, low = cv2.dilate(paper, reach), cv2.erode(paper, reach)
    steps = cv2.compare(low, cv2.multiply(high, 1, scale=1 - STEP), cv2.CMP_LT) > 0
    on_edge = np.bincount(labels[steps], minlength=len(areas))
    areas = np.bincount(labels.ravel(), minlength=len(areas))
    return on_edge > 0.5 * areas


def _refuse_crowd(kept: np.ndarray, most: int) -> None:
    if kept.sum() > most:
        raise InkError(
            f"the picture has {kept.sum():,} marks, more than any page of digits: cut out the part "
            "with the digits, or take the picture with less noise"
        )


def usual_height(boxes: np.ndarray, areas: np.ndarray) -> float:
    """The height that most of the ink has: the median, every mark weighted by its ink.

    Args:
        boxes: (marks, 4), left, top, right, bottom in pixels.
        areas: (marks,), pixels of ink.
    """
    if not len(boxes):
        return 1.0
    ink = np.cumsum(np.bincount(boxes[:, 3] - boxes[:, 1], areas))  # of marks up to each height
    return float(np.searchsorted(ink, ink[-1] / 2))


def _is_margin(
    touches: np.ndarray,
    labels: np.ndarray,
    boxes: np.ndarray,
    areas: np.ndarray,
    height: float,
    is_flat: bool,
) -> np.ndarray:
    """Of every mark, whether it comes in from outside the picture and is not like a digit.

    A digit that the border cuts touches it with a stroke, a desk or a shadow with a whole side. A
    flat picture has neither: there a 2 may lie on the border with its foot, and a 1 stand on it.
    """
    if not touches.any():
        return touches
    rows = labels.shape[0]
    left, top, right, bottom = boxes.T
    if height > CROPPED * rows:
        return touches & ((bottom - top < 0.5 * height) | (right - left > 2 * height))
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    contact = np.bincount(rim, minlength=len(boxes))
    longest = np.maximum(right - left, bottom - top)
    is_like_digit = (bottom - top > 0.5 * height) & (longest < 2 * height)
    touches_little, is_wide = contact < CONTACT * height, right - left > NARROW * height
    if is_flat:
        is_drawn = areas < FILLED * (right - left) * (bottom - top)
        touches_little |= is_drawn & (contact < FOOT * height)
        is_wide |= (left > 1) & (right < labels.shape[1] - 1) & ((top > 1) | (bottom < rows - 1))
    is_like_digit &= touches_little & is_wide
    return touches & ~is_like_digit


def _may_hold_writing(boxes: np.ndarray, areas: np.ndarray, height: float) -> np.ndarray:
    """Of every mark, whether it may be writing that touches a rule, the picture's border or both:
    large both ways, and drawn, not filled as a dark corner is."""
    size = boxes[:, 2:] - boxes[:, :2]
    return (size.min(1) > HELD * height) & (areas < FILLED * size.prod(1))


def _touches_border(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    left, top, right, bottom = boxes.T
    return (left <= 1) | (top <= 1) | (right >= shape[1] - 1) | (bottom >= shape[0] - 1)


def _is_frame(boxes: np.ndarray, areas: np.ndarray, kept: np.ndarray, height: float) -> np.ndarray:
    """Of every mark, whether it is drawn round others: thin, and with a digit in its box."""
    left, top, right, bottom = boxes.T
    is_thin = areas < 0.3 * (right - left) * (bottom - top)
    is_large = np.maximum(right - left, bottom - top) > 1.15 * height
    frames = np.zeros(len(boxes), bool)
    tall = kept & (bottom - top > 0.35 * height)
    for n in np.flatnonzero(kept & is_thin & is_large):
        within = (
            tall & (left > left[n]) & (right < right[n]) & (top > top[n]) & (bottom < bottom[n])
        )
        frames[n] = within.any() and (bottom[n] - top[n]) > 1.1 * (bottom - top)[within].max()
    return frames


def _is_dirt(boxes: np.ndarray, areas: np.ndarray, kept: np.ndarray, height: float) -> np.ndarray:
    """Of every mark, whether it is too small to be a digit or a part of one, too large, or a blob.

    A blob is a point or a hole of a punch: small, about as high as wide, and filled.
    """
    size = boxes[:, 2:] - boxes[:, :2]
    longest = size.max(1)
    whole = boxes[kept & (longest >= SPECK * height)]
    dirt = (size[:, 1] > LARGEST * height) | (longest < CRUMB * height)
    is_round = (longest < 0.4 * height) & (longest < 1.5 * size.min(1))
    dirt |= is_round & (areas > 0.65 * size.prod(1))
    reach = 0.12 * height
    for n in np.flatnonzero(kept & ~dirt & (longest < SPECK * height)):
        left, top, right, bottom = boxes[n]
        near = (whole[:, 0] - reach < right) & (whole[:, 2] + reach > left)
        near &= (whole[:, 1] - reach < bottom) & (whole[:, 3] + reach > top)
        dirt[n] = not near.any()
    return dirt
