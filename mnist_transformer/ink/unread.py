"""Ink on a canvas that was passed over when it was read."""

import cv2
import numpy as np

from ..config import INK

LOOKED_AT = 0.07  # share of a step's attention that a mark has at least once if it was read
SMALLEST_MARK = 6  # pixels of canvas, the longer side; smaller marks may be passed over


def unread_marks(
    canvases: np.ndarray, looked: np.ndarray, grid: tuple[int, int]
) -> list[list[tuple[int, int, int, int]]]:
    """Of each canvas, the marks that were passed over: ink which no digit was read from.

    A decoder that has read a mark has looked at it (coverage, Tu et al. 2016): of some step's
    attention, averaged over heads and layers, a good part fell on the patches the mark lies in.

    Args:
        canvases: (batch, height, width), 0 = paper, 1 = ink.
        looked: (batch, steps, patches), where each digit's step looked on average; 0 for others.
        grid: rows and columns of the patches.

    Returns:
        Left, top, right, bottom of each mark in pixels of the canvas, right and bottom exclusive.
    """
    batch, height, width = canvases.shape
    apart = height + 2  # all are searched as one picture, with empty rows between them
    sheet = np.zeros((batch, apart, width), bool)
    sheet[:, :height] = canvases > INK
    is_ink = sheet.reshape(-1, width).view(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(is_ink)
    pixels = np.flatnonzero(sheet)
    row, column = np.divmod(pixels, width)
    canvas_of = boxes[:, cv2.CC_STAT_TOP] // apart
    patch = row % apart * grid[0] // height * grid[1] + column * grid[1] // width
    lies_in = np.zeros((count, looked.shape[2], 1), np.float32)  # mark by patch
    lies_in[labels.ravel()[pixels], patch] = 1
    on_mark = looked[canvas_of] @ lies_in  # (marks, steps, 1), shares of attention
    passed_over = on_mark.max((1, 2), initial=0) < LOOKED_AT
    found: list[list[tuple[int, int, int, int]]] = [[] for _ in range(batch)]
    for mark in 1 + np.flatnonzero(passed_over[1:]):
        left, top, across, down = boxes[mark, :4].tolist()
        if max(across, down) >= SMALLEST_MARK:
            top %= apart
            found[canvas_of[mark]].append((left, top, left + across, top + down))
    return found
