"""A row made level: its digits at one height and side by side, each as it was written."""

import cv2
import numpy as np

from .marks import INK_LEVEL, Ink

SURE = 0.6  # digits' heights from which a piece is surely a digit
STRAIGHT = 0.04  # slope that a row may keep
HIGHEST = 1.35  # digits' heights; what is higher together is no single digit
NARROW = 0.4  # of its height: a mark so narrow may be a stroke of a 4 or a 9
BESIDE = 0.1  # digits' heights between two such digits when they are put side by side
TOUCHING = 1.5  # digits' heights; a wider piece is several digits that touch


def level_ink(ink: Ink, row: np.ndarray, height: float) -> np.ndarray:
    """Cut a row out of the page, made level.

    Args:
        ink: the page's.
        row: the row's marks, as indices into `ink.boxes`.
        height: of its digits, in pixels.

    Returns:
        (height, width) float32 strength, 0 to 1, of the row's marks alone.
    """
    boxes = ink.boxes[row]
    tall = boxes[_is_tall(boxes, height)]
    slope = _row_slope(tall, height)
    over, apart = _overlaps(tall, height)
    askew = bool((over & apart).any())
    if askew or abs(slope) > STRAIGHT:
        pieces = _pieces(boxes, height, over & ~apart)
        return _straightened(ink, row, pieces, height, None if askew else slope)
    strength, _, _ = _cut_out(ink, row)
    return strength


def _straightened(
    ink: Ink, row: np.ndarray, pieces: list[np.ndarray], height: float, slope: float | None
) -> np.ndarray:
    """A row of `pieces` at different heights, (height, width) float32 strength, made level.

    Every piece is moved as it is: a digit that was sheared level would be another one. Only what
    is as wide as several digits, which touch, has a slope of its own.

    Args:
        ink, row, height: the row's marks, and the height of its digits.
        pieces: indices into `row`, as `_pieces` gives them.
        slope: of the row; None if its digits lie askew. Then each is moved to the same middle.
    """
    placed = []
    end, push = -np.inf, 0  # of the piece before, and how far it was pushed
    for piece in pieces:
        picture, left, top = _cut_out(ink, row[piece])
        boxes = ink.boxes[row[piece]]
        boxes = boxes[_is_tall(boxes, height)]
        first, last = boxes[:, 0].min(), boxes[:, 2].max()
        if first + push < end:
            push = int(end + BESIDE * height) - int(first)
        end = last + push
        if slope is None:
            sunk = (boxes[:, 1].min() + boxes[:, 3].max()) / 2
        else:
            sunk = slope * (first + last) / 2
            if last - first > TOUCHING * height:
                picture, rise = _sheared(picture, slope)
                top -= rise
        placed.append((picture, left + push, round(top - sunk)))
    x0, y0 = (min(place[n] for place in placed) for n in (1, 2))
    x1 = max(left + picture.shape[1] for picture, left, _ in placed)
    y1 = max(top + len(picture) for picture, _, top in placed)
    level = np.zeros((y1 - y0, x1 - x0), np.float32)
    for picture, left, top in placed:
        window = level[top - y0 :, left - x0 :][: len(picture), : picture.shape[1]]
        np.maximum(window, picture, out=window)
    return level


def _cut_out(ink: Ink, marks: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Some marks alone: (height, width) float32 strength, and where it begins, left and top."""
    boxes = ink.boxes[marks]
    left, top = np.maximum(boxes[:, :2].min(0) - 2, 0)
    right, bottom = boxes[:, 2:].max(0) + 2
    window = np.s_[top:bottom, left:right]
    is_ink = (ink.labels[window] > 0).view(np.uint8)
    own = is_ink
    if len(marks) < ink.count - 1:
        is_own = np.zeros(ink.count, np.uint8)
        is_own[ink.numbers[marks]] = 1
        own = is_own.take(ink.labels[window])
    rim = cv2.dilate(own, np.ones((3, 3), np.uint8))
    strength = ink.strength(window, rim & (own | (is_ink ^ 1)))  # not of other marks
    return strength, int(left), int(top)


def _is_tall(boxes: np.ndarray, height: float) -> np.ndarray:
    return boxes[:, 3] - boxes[:, 1] >= SURE * height


def _overlaps(tall: np.ndarray, height: float) -> tuple[np.ndarray, np.ndarray]:
    """Of each two tall marks, whether they lie over each other, even partly, and whether they are
    two digits then, askew: both reach over more than a digit's height, and neither is as narrow as
    a stroke. Two (marks, marks) masks.
    """
    left, top, right, bottom = tall.T
    over = (left[:, None] < right) & (left < right[:, None])
    both = np.maximum(bottom[:, None], bottom) - np.minimum(top[:, None], top)
    is_wide = right - left > NARROW * (bottom - top)
    return over, (both > HIGHEST * height) & is_wide[:, None] & is_wide


def _pieces(boxes: np.ndarray, height: float, together: np.ndarray) -> list[np.ndarray]:
    """What of a row is moved as one, as indices from left to right.

    Tall marks over each other are one piece, such as the two strokes of a 4. A low mark is part of
    the nearest tall one.

    Args:
        boxes: (marks, 4) of the row.
        height: of its digits.
        together: of each two tall marks, whether they are of one digit.
    """
    tall = np.flatnonzero(_is_tall(boxes, height))
    left, _, right, _ = boxes[tall].T
    piece = np.arange(len(tall))
    for n, m in np.argwhere(together):
        piece[piece == piece[m]] = piece[n]
    piece_of = np.empty(len(boxes), int)
    piece_of[tall] = piece
    for n in np.flatnonzero(~_is_tall(boxes, height)):
        piece_of[n] = piece[_distance(boxes[n], boxes[tall]).argmin()]
    middle = {p: float((left + right)[piece == p].mean()) for p in np.unique(piece)}
    return [np.flatnonzero(piece_of == p) for p in sorted(middle, key=middle.__getitem__)]


def _distance(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(n,) pixels between a box and each of `boxes`, (n, 4), in the direction in which it is more;
    negative where they overlap."""
    across = np.maximum(boxes[:, 0] - box[2], box[0] - boxes[:, 2])
    down = np.maximum(boxes[:, 1] - box[3], box[1] - boxes[:, 3])
    return np.maximum(across, down)


def _sheared(piece: np.ndarray, slope: float) -> tuple[np.ndarray, int]:
    """The piece turned level about its middle, and the rows it was given above."""
    half = slope * piece.shape[1] / 2
    rise = int(np.ceil(abs(half)))
    matrix = np.array([[1, 0, 0], [-slope, 1, rise + half]], np.float32)
    level = cv2.warpAffine(piece, matrix, (piece.shape[1], len(piece) + 2 * rise))
    # Specks of a pixel may fade between two rows.
    return (level, rise) if (level >= INK_LEVEL).any() else (piece, 0)


def _row_slope(tall: np.ndarray, height: float) -> float:
    """The slope of the line through the digits' middles (Theil and Sen: the median of pairs)."""
    middle = (tall[:, :2] + tall[:, 2:]) / 2
    if len(middle) < 2:
        return 0.0
    step = middle[None] - middle[:, None]
    apart = step[..., 0] > 0.5 * height
    if not apart.any():
        return 0.0
    weight = step[apart, 0]
    slopes = step[apart, 1] / weight
    order = np.argsort(slopes)
    total = np.cumsum(weight[order])
    return float(slopes[order][np.searchsorted(total, total[-1] / 2)])
