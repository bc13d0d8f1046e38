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
        canvases: (batch, height, width), at least one, 0 = paper, 1 = ink.
        looked: (batch, steps, patches), where each digit's step looked on average; 0 for others.
        grid: rows and columns of the patches.

    Returns:
        Left, top, right, bottom of each mark in pixels of the canvas, right and bottom exclusive.
    """
    batch, height, width = canvases.shape
    pitch = height + 1  # all are searched as one picture, with an empty row between them
    sheet = np.zeros((batch, pitch, width), bool)
    sheet[:, :height] = canvases > INK
    is_ink = sheet.reshape(-1, width).view(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(is_ink)
    pixels = np.flatnonzero(sheet)
    row, column = np.divmod(pixels, width)
    patch = row % pitch * grid[0] // height * grid[1] + column * grid[1] // width
    longer_side = boxes[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1)
    marks = 1 + np.flatnonzero(longer_side[1:] >= SMALLEST_MARK)
    number = np.full(count, len(marks))  # of each mark that counts; the last is all that does not
    number[marks] = np.arange(len(marks))
    lies_in = np.zeros((len(marks) + 1, looked.shape[2], 1), np.float32)  # mark by patch
    lies_in[number[labels.ravel()[pixels]], patch] = 1
    canvas_of, top = np.divmod(boxes[marks, cv2.CC_STAT_TOP], pitch)
    on_mark = looked[canvas_of] @ lies_in[:-1]  # (marks, steps, 1), shares of attention
    found: list[list[tuple[int, int, int, int]]] = [[] for _ in range(batch)]
    for n in np.flatnonzero(on_mark.max((1, 2), initial=0) < LOOKED_AT):
        left, _, across, down = boxes[marks[n], :4].tolist()
        found[canvas_of[n]].append((left, int(top[n]), left + across, int(top[n]) + down))
    return found
