"""Which part of a picture is the sheet, where it lies on a desk, and what is not."""

import cv2
import numpy as np

from .light import close_strokes, light_taken, reduced

SIDE = 200  # longest side, in pixels, at which a picture is searched for a sheet
LEVELS = 12  # thresholds of light that are tried
SMALLEST, LARGEST = 0.12, 0.97  # share of the picture that a sheet takes
SOLID = 0.88  # share of its convex hull that a sheet fills
SHARP = 0.25  # share of the light that is lost across a sheet's edge, within a few pixels
RIM = 0.015  # of the picture's longer side: what is taken off a sheet's edge
FREE_SIDES = 2  # of the picture's four, at least so many that a sheet does not touch


def only_sheet(grey: np.ndarray) -> np.ndarray:
    """A grey picture, (height, width), with everything around the sheet painted over, as if the
    paper went on.
    """
    sheet = find_sheet(grey)
    if sheet is None:
        return grey
    # The rim itself is neither paper nor desk, and paper that was torn shows its fibres there.
    rim = round(RIM * max(grey.shape)) | 1
    sheet = cv2.erode(sheet, np.ones((rim, rim), np.uint8), borderValue=1)
    weight = reduced(sheet, SIDE).astype(np.float32)
    light = reduced(grey, SIDE) * weight
    paper = light / np.maximum(weight, 1e-6)
    for _ in range(max(weight.shape)):
        known = weight > 0
        if known.all():
            break
        # Each round the paper grows by a few pixels, with the mean of what is near.
        around = cv2.blur(paper * known, (7, 7)) / np.maximum(
            cv2.blur(known.astype(np.float32), (7, 7)), 1e-6
        )
        near = cv2.dilate(known.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        paper = np.where(known, paper, around)
        weight = np.where(near, 1.0, weight)
    filled = cv2.resize(paper.astype(np.float32), grey.shape[::-1])
    return np.where(sheet > 0, grey, np.clip(filled, 0, 255).astype(np.uint8))


def find_sheet(grey: np.ndarray) -> np.ndarray | None:
    """The sheet on a darker ground, or None if there seems to be no such thing.

    A sheet is one bright, solid region whose edge is sharp all around; the edge of a shadow is
    mostly soft, and shadows cut a sheet across the picture.

    Args:
        grey: (height, width) uint8.

    Returns:
        (height, width) uint8, 1 on the sheet, else 0.
    """
    small = reduced(grey, SIDE)
    small = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    small = cv2.medianBlur(small, 3)
    reach = np.ones((5, 5), np.uint8)
    high = cv2.dilate(small, reach).astype(np.float32)
    loss = (high - cv2.erode(small, reach)) / np.maximum(high, 1)
    best, sheet = SHARP, None
    dark, bright = np.percentile(small, [5, 95])
    for level in np.linspace(dark, bright, LEVELS + 2)[1:-1]:
        region = _largest(small > level)
        if region is None:
            continue
        edge = _sharpness(region, loss)
        if edge > best:
            best, sheet = edge, region
    if sheet is None or (_free_sides(sheet) < 4 and _is_written_on(grey, sheet)):
        return None
    return cv2.resize(sheet, grey.shape[::-1], interpolation=cv2.INTER_NEAREST)


def _largest(bright: np.ndarray) -> np.ndarray | None:
    """The largest bright region with its holes filled, if it has the form of a sheet."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8))
    if len(stats) < 2:
        return None
    region = (labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
    outlines, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=cv2.contourArea)
    cv2.drawContours(region, [outline], -1, 1, cv2.FILLED)
    share = region.mean()
    if not SMALLEST <= share <= LARGEST:
        return None
    hull = cv2.contourArea(cv2.convexHull(outline))
    if cv2.contourArea(outline) < SOLID * hull or _free_sides(region) < FREE_SIDES:
        return None
    return region


def _free_sides(region: np.ndarray) -> int:
    """How many of the picture's sides the region does not touch, or hardly."""
    sides = (region[0], region[-1], region[:, 0], region[:, -1])
    return sum(bool(side.mean() < 0.1) for side in sides)


def _is_written_on(grey: np.ndarray, sheet: np.ndarray) -> bool:
    """Whether what lies around is as dark in strokes as the sheet: then it is paper in shadow."""
    small = reduced(grey, 4 * SIDE)
    contrast = light_taken(small, close_strokes(small, 15))
    sheet = cv2.resize(sheet, small.shape[::-1], interpolation=cv2.INTER_NEAREST)
    away = np.ones((9, 9), np.uint8)
    inside = contrast[cv2.erode(sheet, away, borderValue=1) > 0]
    outside = contrast[cv2.dilate(sheet, away) == 0]
    if not len(outside) or not len(inside):
        return False
    return bool(np.percentile(outside, 99) > 0.5 * np.percentile(inside, 99))


def _sharpness(region: np.ndarray, loss: np.ndarray) -> float:
    """The light lost across three quarters of the region's edge, the picture's border left out."""
    edge = region - cv2.erode(region, np.ones((3, 3), np.uint8), borderValue=1)
    edge[[0, 1, -1, -2]] = 0
    edge[:, [0, 1, -1, -2]] = 0
    values = loss[edge > 0]
    return float(np.percentile(values, 25)) if len(values) > 20 else 0.0
