"""Which part of a picture is the sheet, where it lies on a desk, and what is not."""

import cv2
import numpy as np

SIDE = 200  # longest side, in pixels, at which a picture is searched for a sheet
LEVELS = 12  # thresholds of light that are tried
SMALLEST, LARGEST = 0.12, 0.97  # share of the picture that a sheet takes
SOLID = 0.88  # share of its convex hull that a sheet fills
SHARP = 0.3  # share of the light that is lost across a sheet's edge, within a few pixels
FREE_SIDES = 2  # of the picture's four, at least so many that a sheet does not touch


def find_sheet(light: np.ndarray) -> np.ndarray | None:
    """The sheet on a darker ground, or None if there seems to be no such thing.

    A sheet is one bright, solid region whose edge is sharp all around; the edge of a shadow is
    mostly soft, and shadows cut a sheet across the picture.

    Args:
        light: (height, width) uint8, the picture without its ink.

    Returns:
        (height, width) bool, True on the sheet.
    """
    scale = min(1.0, SIDE / max(light.shape))
    size = [max(1, round(side * scale)) for side in light.shape[::-1]]
    small = cv2.medianBlur(cv2.resize(light, size, interpolation=cv2.INTER_AREA), 3)
    reach = np.ones((5, 5), np.uint8)
    high = cv2.dilate(small, reach).astype(np.float32)
    loss = (high - cv2.erode(small, reach)) / np.maximum(high, 1)
    best, sheet = SHARP, None
    for level in np.linspace(*np.percentile(small, [5, 95]), LEVELS + 2)[1:-1]:
        region = _largest(small > level)
        if region is None:
            continue
        edge = _sharpness(region, loss)
        if edge > best:
            best, sheet = edge, region
    if sheet is None:
        return None
    return cv2.resize(sheet, light.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0


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
    sides = (region[0], region[-1], region[:, 0], region[:, -1])
    free = sum(side.mean() < 0.1 for side in sides)
    if cv2.contourArea(outline) < SOLID * hull or free < FREE_SIDES:
        return None
    return region


def _sharpness(region: np.ndarray, loss: np.ndarray) -> float:
    """The light lost across nine tenths of the region's edge, the picture's border left out."""
    edge = region - cv2.erode(region, np.ones((3, 3), np.uint8), borderValue=1)
    edge[[0, 1, -1, -2]] = 0
    edge[:, [0, 1, -1, -2]] = 0
    values = loss[edge > 0]
    return float(np.percentile(values, 15)) if len(values) > 20 else 0.0
