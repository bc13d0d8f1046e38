"""Rows of marks, from top to bottom, each straightened and cut into parts that a model can read."""

from dataclasses import dataclass

import numpy as np

from .level import SURE, level_ink
from .light import median, runs
from .marks import INK_LEVEL, Ink, usual_height
from .picture import InkError

TALL = 0.45  # of a digit's height; lower marks are parts of digits, not digits
TOGETHER = 0.45  # share of the lower of two marks' heights that lies beside the other, in one row
FAR = 0.6  # digits' heights from a digit beyond which a low mark belongs to none
STRAY = 1.2  # digits' heights by which rows beside each other may differ and still be one
WIDEST_GAP = 0.7  # digits' heights; wider gaps between digits are closed
CLOSED_GAP = 0.5  # to so much
DIGIT_WIDTH = 0.75  # digits' heights that a digit and its gap take, where digits touch
LONGEST_PIECE = 6  # digits' heights; what hangs together is hardly longer
UNSURE = 3  # digits by which a guess from widths alone may be too high
FITTING = 8.5  # width of a part, in digits' heights, that is read without being cut


@dataclass
class LevelRow:
    """A row's ink alone, made level, as pieces from left to right with empty columns between them.

    Attributes:
        ink: (height, width) float32 strength.
        starts, stops: (pieces,) columns of `ink` at which each begins and before which it ends.
        height: the usual height of the row's digits, in pixels.
        box: left, top, right, bottom of the row in the picture that was examined.
        lacks_ink: whether ink that may be writing was left out beside it (`Ink.left_out`).
    """

    ink: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    height: float
    box: tuple[int, int, int, int]
    lacks_ink: bool = False

    @property
    def expected(self) -> np.ndarray:
        """(pieces,) how many digits each is likely to hold, by its width."""
        widths = self.stops - self.starts
        # A dash, of next to no height, is not a hundred digits.
        widths = widths / max(self.height, widths.max() / LONGEST_PIECE)
        return np.maximum(1, np.rint(widths / DIGIT_WIDTH - 0.15)).astype(int)

    @property
    def gaps(self) -> np.ndarray:
        """(pieces - 1,) between the pieces, in digits' heights."""
        return (self.starts[1:] - self.stops[:-1]) / self.height

    def parts(self, most: int) -> list[np.ndarray]:
        """The row cut at its widest gaps into parts of at most about `most` digits.

        Each is (height, width) float32 strength, as it will stand on a canvas.
        """
        widths = (self.stops - self.starts) / self.height
        cuts = _cuts(self.gaps, widths, self.expected, most)
        return [self._part(first, last) for first, last in cuts]

    def whole(self, most: int) -> np.ndarray:
        """The row in one part, as `parts` gives it, if it can hold no more than `most` digits.

        Raises:
            InkError: if it is longer.
        """
        dark = self.ink >= INK_LEVEL
        heights = [
            np.ptp(np.flatnonzero(dark[:, start:stop].any(1))) + 1
            for start, stop in zip(self.starts, self.stops, strict=True)
        ]
        # Lower pieces may be parts of digits, such as the bar of a 5.
        digits = sum(height > SURE * self.height for height in heights)
        if digits > most or self.expected.sum() > most + UNSURE:
            raise InkError(
                f"the row has more than the {most} digits that are read at once: read_page reads "
                "it in parts"
            )
        return self._part(0, len(self.starts))

    def _part(self, first: int, last: int) -> np.ndarray:
        """The pieces from `first` to before `last`, the wide gaps between them closed."""
        closed = np.zeros((len(self.ink), round(CLOSED_GAP * self.height)), np.float32)
        start, pieces = self.starts[first], []
        for n in first + np.flatnonzero(self.gaps[first : last - 1] > WIDEST_GAP):
            pieces += [self.ink[:, start : self.stops[n]], closed]
            start = self.starts[n + 1]
        return np.concatenate([*pieces, self.ink[:, start : self.stops[last - 1]]], 1)


def find_rows(ink: Ink) -> list[LevelRow]:
    """The rows of a page, from top to bottom."""
    rows = [_level(ink, row) for row in group_rows(ink)]
    for _, top, _, bottom in ink.left_out:
        # It belongs to the rows that it lies beside, else to the nearest.
        away = [max(row.box[1] - bottom, top - row.box[3], 0) for row in rows]
        for row, distance in zip(rows, away, strict=True):
            row.lacks_ink |= bool(distance == min(away))
    return rows


def group_rows(ink: Ink) -> list[np.ndarray]:
    """The marks of each row, (marks,) indices into `ink.boxes`, rows from top to bottom."""
    boxes = ink.boxes.astype(float)
    size = boxes[:, 2:] - boxes[:, :2]
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    tall = np.flatnonzero(size[:, 1] >= TALL * ink.digit_height)
    if not len(tall):
        return [np.arange(len(boxes))]
    slope = _slope(middle[tall], size[tall], ink.digit_height)
    top = boxes[:, 1] - slope * middle[:, 0]
    bottom = boxes[:, 3] - slope * middle[:, 0]
    row_of = np.full(len(boxes), -1)
    row_of[tall] = _link(middle[tall, 0], top[tall], bottom[tall], ink.digit_height)
    for n in np.flatnonzero(row_of < 0):
        away_x = np.maximum(boxes[tall, 0] - boxes[n, 2], boxes[n, 0] - boxes[tall, 2])
        away_y = np.maximum(top[tall] - bottom[n], top[n] - bottom[tall])
        away = np.maximum(np.maximum(away_x, away_y), 0)
        if away.min() < FAR * ink.digit_height:
            row_of[n] = row_of[tall[away.argmin()]]
    rows = [np.flatnonzero(row_of == row) for row in sorted(set(row_of.tolist()) - {-1})]
    rows.sort(key=lambda row: median((top + bottom)[row].tolist()))
    return _with_strays(rows, boxes, (top + bottom) / 2, ink.digit_height)


def _with_strays(
    rows: list[np.ndarray], boxes: np.ndarray, middle: np.ndarray, height: float
) -> list[np.ndarray]:
    """Put rows together that lie beside each other, one a little lower, as in a careless hand."""
    joined: list[np.ndarray] = []
    for row in rows:
        if joined:
            last = joined[-1]
            apart = median(middle[row].tolist()) - median(middle[last].tolist())
            beside = (
                boxes[row, 0].min() >= boxes[last, 2].max() - 0.2 * height
                or boxes[last, 0].min() >= boxes[row, 2].max() - 0.2 * height
            )
            if beside and apart < STRAY * height:
                joined[-1] = np.concatenate([last, row])
                continue
        joined.append(row)
    return joined


def _slope(middle: np.ndarray, size: np.ndarray, height: float) -> float:
    """By how much rows sink per pixel: the median over neighbours."""
    # Most marks find theirs at once: lists take less time than arrays of all pairs.
    (x, y), (widths, heights) = middle.T.tolist(), size.T.tolist()
    order = sorted(range(len(x)), key=x.__getitem__)
    widest, slopes = max(widths), []
    for place, n in enumerate(order):
        for m in order[place + 1 :]:
            across, down = x[m] - x[n], y[m] - y[n]
            if across - (widths[n] + widest) / 2 >= height:
                break
            is_beside = across > 0.2 * height and across - (widths[n] + widths[m]) / 2 < height
            if is_beside and abs(down) < 0.6 * min(heights[n], heights[m]):
                slopes.append(down / across)
                break
    slope = median(slopes) if slopes else 0.0
    return slope if abs(slope) < 0.5 else 0.0


def _link(x: np.ndarray, top: np.ndarray, bottom: np.ndarray, height: float) -> np.ndarray:
    """Number the rows: marks side by side, each at about its neighbour's height, are one row."""
    row_of = np.arange(len(x))
    order, tops, bottoms = np.argsort(x).tolist(), top.tolist(), bottom.tolist()
    for place, n in enumerate(order[:-1]):
        for m in order[place + 1 :]:
            shared = min(bottoms[n], bottoms[m]) - max(tops[n], tops[m])
            lower = min(bottoms[n] - tops[n], bottoms[m] - tops[m])
            if shared >= TOGETHER * lower:
                row_of[row_of == row_of[m]] = row_of[n]
                break
    return row_of


def _level(ink: Ink, row: np.ndarray) -> LevelRow:
    """Cut a row out of the page and make it level."""
    boxes = ink.boxes[row]
    size = boxes[:, 2:] - boxes[:, :2]
    tall = size[:, 1] >= TALL * size[:, 1].max()
    height = usual_height(boxes[tall], ink.areas[row][tall])
    box = np.concatenate([boxes[:, :2].min(0), boxes[:, 2:].max(0)])
    strength = level_ink(ink, row, height)
    dark = strength >= INK_LEVEL
    rows = np.flatnonzero(dark.any(1))
    starts, stops = runs(np.any(dark, axis=0))
    return LevelRow(strength[rows[0] : rows[-1] + 1], starts, stops, height, tuple(box.tolist()))


def _cuts(
    gaps: np.ndarray, widths: np.ndarray, expected: np.ndarray, most: int
) -> list[tuple[int, int]]:
    """Where to cut a row: (first, last) runs of pieces, at its widest gaps, none too long.

    Args:
        gaps, widths: between and of the pieces, in digits' heights.
        expected: digits in each piece.
        most: digits in a part.
    """
    closed = np.where(gaps > WIDEST_GAP, CLOSED_GAP, gaps)
    count = len(widths)

    def fits(first: int, last: int, digits: int) -> bool:
        width = widths[first:last].sum() + closed[first : last - 1].sum()
        return last - first == 1 or (expected[first:last].sum() <= digits and width <= FITTING)

    if fits(0, count, most):
        return [(0, count)]
    # Fewest cuts, then widest gaps: each cut costs 1 less a little for the gap it lies in.
    best = [0.0] + [np.inf] * count
    origin = [0] * (count + 1)
    for last in range(1, count + 1):
        for first in range(last - 1, -1, -1):
            if not fits(first, last, most - 1):
                break
            gap = gaps[first - 1] if first else 0.0
            cost = best[first] + 1 - min(gap, 1.5) * 0.6
            if cost < best[last]:
                best[last], origin[last] = cost, first
    cuts, last = [], count
    while last:
        cuts.append((origin[last], last))
        last = origin[last]
    return cuts[::-1]
