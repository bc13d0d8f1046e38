"""The two hard steps from a picture to ink, beside the usual ways to do them.

Pages of pen ink are read whole, with one step done in another way. Needs a file of pen digits in
$PEN_INK. The times are those of the step alone, one thread's own.
"""

import os
import statistics
import time
from collections.abc import Callable
from unittest.mock import patch

import cv2
import numpy as np
import torch
from scipy.ndimage import percentile_filter

from benchmarks.timing import machine
from mnist_transformer import InkError, Transformer, load_transformer
from mnist_transformer.hands.pages import PenPage, pen_pages
from mnist_transformer.hands.pen import load_pen_digits
from mnist_transformer.ink import paper, rules
from mnist_transformer.ink.light import reduced

PAGES, SEED = 12, 80_000  # of each kind
SMALL = 150  # longest side of the picture in which a whole surrounding is looked at
LIGHT_KINDS = ("light", "pencil", "desk", "note")
RULE_KINDS = ("ruled", "squared", "note")


def _in_a_smaller_one(grey: np.ndarray, light: Callable[[np.ndarray, int], np.ndarray]):
    """What `light` finds in the picture shrunk, as large as the picture; a third of it is given."""
    small = reduced(grey, SMALL)
    found = light(small, max(3, min(small.shape) // 3) | 1)
    return cv2.resize(found, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _median(grey: np.ndarray) -> np.ndarray:
    return _in_a_smaller_one(grey, lambda small, side: cv2.medianBlur(small, min(side, 255)))


def _gaussian(grey: np.ndarray) -> np.ndarray:
    return _in_a_smaller_one(grey, lambda small, side: cv2.GaussianBlur(small, (side, side), 0))


def _percentile(grey: np.ndarray) -> np.ndarray:
    return _in_a_smaller_one(grey, lambda small, side: percentile_filter(small, 85, size=side))


def _opened(contrast: np.ndarray, seen: rules.Dark, digit_height: float | None = None):
    """What fits into a line of an eighth of the picture goes, and what that cuts is closed."""
    dark, left = seen.mask.astype(np.uint8) * 255, contrast
    for along, across in (((1, -1), (7, 1)), ((-1, 1), (1, 7))):
        line = np.ones(max(15, max(contrast.shape) // 8), np.uint8).reshape(along)
        found = cv2.morphologyEx(dark, cv2.MORPH_OPEN, line, borderType=cv2.BORDER_CONSTANT)
        found = cv2.dilate(found, np.ones((3, 3), np.uint8))
        left = np.where(found > 0, 0, left).astype(np.uint8)
        left = cv2.morphologyEx(left, cv2.MORPH_CLOSE, np.ones(across, np.uint8))
    return left, 1


def _hough(contrast: np.ndarray, seen: rules.Dark, digit_height: float | None = None):
    """Probabilistic Hough lines (Matas et al. 2000), painted over from beside them."""
    dark = seen.mask.astype(np.uint8) * 255
    longest = max(contrast.shape)
    found = cv2.HoughLinesP(dark, 1, np.pi / 360, 80, None, longest // 4, longest // 40)
    if found is None:
        return contrast, 0
    lines = np.zeros_like(dark)
    for left, top, right, bottom in found.reshape(-1, 4).tolist():
        cv2.line(lines, (left, top), (right, bottom), 255, 3)
    return cv2.inpaint(contrast, lines, 3, cv2.INPAINT_TELEA), len(found)


# What is compared: the place of the step in the package, and the ways to do it; ours first.
LIGHT = "mnist_transformer.ink.paper.light_of_paper"
LIGHTS: dict[str, Callable] = {
    "closing by 3.5 strokes' widths (OpenCV), in use": paper.light_of_paper,
    "median of a third of the picture, reduced (OpenCV)": _median,
    "Gaussian blur, reduced (OpenCV)": _gaussian,
    "85th percentile of a third of the picture, reduced (SciPy)": _percentile,
}
RULES = "mnist_transformer.ink.marks.without_rules"
RULE_WAYS: dict[str, Callable] = {
    "followed through strips (this project), in use": rules.without_rules,
    "probabilistic Hough lines and inpainting (OpenCV)": _hough,
    "opening by a long line (OpenCV)": _opened,
    "left in": lambda contrast, seen, digit_height=None: (contrast, 0),
}


def compare(
    model: Transformer, pages: list[PenPage], step: str, ways: dict[str, Callable]
) -> dict[str, tuple[int, float]]:
    """By the name of each way: pages read exactly right, and the median milliseconds a call."""
    found = {}
    for name, way in ways.items():
        times: list[float] = []

        def timed(*arguments, way=way, times=times):
            started = time.thread_time()
            result = way(*arguments)
            times.append(1000 * (time.thread_time() - started))
            return result

        with patch(step, timed):
            right = sum(_is_right(model, page) for page in pages)
        found[name] = right, statistics.median(times)
    return found


def _is_right(model: Transformer, page: PenPage) -> bool:
    try:
        read = model.read_page(page.picture).digits
    except InkError:
        return False
    return read.replace("\n", "") == "".join(page.rows)


def main() -> None:
    """Print both tables."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    model = load_transformer()
    pages = list(pen_pages(load_pen_digits(os.environ["PEN_INK"]), PAGES, SEED))
    print(f"{machine()}; {PAGES} pages of each kind, seed {SEED}")
    for title, kinds, step, ways in (
        ("the light of the paper", LIGHT_KINDS, LIGHT, LIGHTS),
        ("rules", RULE_KINDS, RULES, RULE_WAYS),
    ):
        chosen = [page for page in pages if page.kind in kinds]
        print(f"\n| {title}, on {len(chosen)} pages: {', '.join(kinds)} | pages right | ms |")
        print("|---|---|---|")
        for name, (right, milliseconds) in compare(model, chosen, step, ways).items():
            print(f"| {name} | {right} | {milliseconds:.1f} |", flush=True)
