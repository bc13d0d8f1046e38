"""Ruled lines, squares, frames and underlines: long thin straight runs, taken out of the ink.

The picture is cut into narrow strips. Where a line crosses a strip, nearly all of one of its rows
is dark; where it crosses many strips side by side at about one height, it is a rule, be it a little
tilted or curved. It is then followed column by column, and erased wherever the dark run across it
is no longer than the rule is thick, so that strokes which cross it stay whole.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from .chains import Chain, find_chains

FILLED = 0.8  # share of a strip's row that is dark where a line crosses it
FEWEST = 4  # strips that a line must cross
SLACK = 2  # pixels by which a line may be thicker than it usually is
COVERED = 0.85  # share of a rule's columns that are dark
SLENDER = 20  # a rule is this many times as long as it is thick
LONG = 0.6  # of the picture's side: a line so long is a rule, whatever else there is
BORDER = 0.02  # of the picture's side: a line that begins and ends so near its border is a rule
MANY = 4  # so many lines upright are rules, fewer only where lines across meet them
SHORTEST = 2.0  # digits' heights; shorter lines may be strokes


@dataclass(eq=False)
class _Line:
    """One straight run: at each of `columns` it begins at `top` and ends before `bottom`."""

    columns: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    thickness: float
    contrast: float

    @property
    def length(self) -> int:
        return len(self.columns)


@dataclass(eq=False)
class Dark:
    """What stands out from the paper's noise, and the lines that may be in it.

    They are looked for once, however often and for however long ones it is asked.

    Attributes:
        mask: (height, width) bool.
        box: left, top, width and height of all that is dark, in pixels.
    """

    mask: np.ndarray
    box: Sequence[int]
    _runs: dict[int, np.ndarray] = field(default_factory=dict)
    _found: dict[int, list[Chain]] = field(default_factory=dict)

    @classmethod
    def of(cls, mask: np.ndarray) -> "Dark":
        """All of a mask, (height, width) bool."""
        return cls(mask, cv2.boundingRect(mask.view(np.uint8)))

    @cached_property
    def turned(self) -> "Dark":
        """The same with rows for columns, so that what is upright lies level."""
        left, top, width, height = self.box
        return Dark(_turned(self.mask).view(bool), (top, left, height, width))

    @cached_property
    def strip(self) -> int:
        """The width of a strip, in pixels."""
        return min(max(self.mask.shape[1] // 64, 8), 32)

    @cached_property
    def crossed(self) -> np.ndarray:
        """(strips, height) uint8, 1 where something level crosses a strip."""
        height, width = self.mask.shape
        strips = width // self.strip
        if strips < FEWEST or height < 4:
            return np.zeros((1, height), np.uint8)
        crossed = np.zeros((strips, height), np.uint8)
        _, top, _, high = self.box
        rows = slice(max(0, top - 1), top + high + 1)
        mask = self.mask[rows]
        # A tilted line wanders by a row or two within a strip.
        dark = mask.copy()
        dark[1:] |= mask[:-1]
        dark[:-1] |= mask[1:]
        columns = _turned(dark)[: strips * self.strip]
        pixels = columns.reshape(strips, self.strip, -1).sum(1, dtype=np.uint8)
        crossed[:, rows] = pixels >= math.ceil(FILLED * self.strip)
        return crossed

    def needed(self, shortest: float) -> float:
        """The pixels that a level line of at least `shortest` spans, or one from edge to edge."""
        width = self.mask.shape[1]
        return min(shortest, width - 1 - 2 * _edge(width))

    def runs(self, shortest: float) -> np.ndarray:
        """(strips, height) uint8, the crossings that may be of level lines: what crosses too few
        strips in a row, as strokes do, is no line."""
        across = self._across(shortest)
        if across not in self._runs:
            near = cv2.dilate(self.crossed, np.ones((1, 11), np.uint8))
            side_by_side = np.ones((across, 1), np.uint8)
            near = cv2.morphologyEx(near, cv2.MORPH_OPEN, side_by_side, borderValue=0)
            self._runs[across] = self.crossed & near
        return self._runs[across]

    def chains(self, shortest: float) -> list[Chain]:
        """Level lines that may be found among the crossings, short ones, too."""
        across = self._across(shortest)
        if across not in self._found:
            found = find_chains(self.runs(shortest).view(bool))
            self._found[across] = [chain for chain in found if len(chain.places) >= FEWEST]
        return self._found[across]

    def _across(self, shortest: float) -> int:
        return max(FEWEST, min(8, int(shortest / self.strip)))

    def may_hold(self, shortest: float) -> bool:
        """Whether a line may be so long; where no ink reaches so far, none is looked for."""
        needed = self.needed(shortest)
        return (
            self.box[2] >= needed
            and self._span(np.flatnonzero(self.runs(shortest).any(1))) >= needed
            and any(self._span(chain.places) >= needed for chain in self.chains(shortest))
        )

    def _span(self, places: Sequence[int] | np.ndarray) -> int:
        # A line may begin and end a strip before and after those that it fills.
        return (places[-1] - places[0] + 2) * self.strip if len(places) else 0


def _turned(mask: np.ndarray) -> np.ndarray:
    return cv2.transpose(mask.view(np.uint8))


def without_rules(
    contrast: np.ndarray, dark: Dark, digit_height: float | None = None
) -> tuple[np.ndarray, int]:
    """The contrast map with its rules erased, and how many there were; the same map if none.

    Args:
        contrast: (height, width) uint8.
        dark: everything that stands out from the paper's noise.
        digit_height: pixels, where it is known: then shorter lines, such as underlines, go too.
    """
    sides = [dark, dark.turned]
    shortest = [
        LONG * side.mask.shape[1] if digit_height is None else SHORTEST * digit_height
        for side in sides
    ]
    if not any(side.may_hold(least) for side, least in zip(sides, shortest, strict=True)):
        return contrast, 0  # without a rule, no other line matters
    contrast = contrast.copy()
    lines = [
        _follow_all(side, picture, least)
        for side, picture, least in zip(sides, (contrast, contrast.T), shortest, strict=True)
    ]
    level, upright = (
        [line for line in found if _is_rule(line, side, digit_height)]
        for found, side in zip(lines, contrast.shape[::-1], strict=True)
    )
    if digit_height is None and len(upright) < MANY:
        # A straight 1 is as long as a picture of one row is high.
        upright = [line for line in upright if any(_meet(other, line) for other in lines[0])]
    for rules, found, picture in zip((level, upright), lines, (contrast, contrast.T), strict=True):
        if rules:
            # Where there are rules, what comes in from the border as thin as they is one of them.
            thickest = 1.5 * max(rule.thickness for rule in rules) + 1
            rules += [
                line
                for line in found
                if line not in rules and _is_rest(line, picture.shape[1], thickest)
            ]
        for line in rules:
            _erase(picture, line)
    return contrast, len(level) + len(upright)


def _follow_all(dark: Dark, contrast: np.ndarray, shortest: float) -> list[_Line]:
    """The lines that the chains turn out to be."""
    contrast = np.ascontiguousarray(contrast)
    followed = (_follow(contrast, dark, chain) for chain in dark.chains(shortest))
    return [line for line in followed if line is not None]


def _follow(contrast: np.ndarray, dark: Dark, chain: Chain) -> _Line | None:
    """Measure a chain column by column."""
    height, width = contrast.shape
    strip = dark.strip
    places = (np.array(chain.places) + 0.5) * strip
    # The last strip may be cut by the picture's border.
    stop = width if places[-1] + 1.5 * strip > width else int(places[-1] + strip / 2)
    columns = np.arange(int(places[0] - strip / 2), stop)
    centre = np.rint(np.interp(columns, places, chain.rows)).astype(int)
    reach = int(min(chain.thickness + 8, 60))
    offsets = np.arange(-reach, reach + 1)[:, None]
    where = centre + offsets
    outside = (where < 0) | (where >= height)
    where = np.clip(where, 0, height - 1)
    band = dark.mask[where, columns] & ~outside
    # The nearest dark row to where the line is expected.
    distance = np.where(band & (np.abs(offsets) <= 3), np.abs(offsets), 99)
    start = distance.argmin(0)
    covered = distance.min(0) < 99
    if covered.mean() < COVERED:
        return None
    top = centre + start - reach - _run(band, start, -1)
    bottom = centre + start - reach + _run(band, start, 1) + 1
    values = contrast[where, columns][start, np.arange(len(columns))]
    return _Line(
        columns[covered],
        top[covered],
        bottom[covered],
        float(np.median((bottom - top)[covered])),
        float(np.median(values[covered])),
    )


def _run(band: np.ndarray, start: np.ndarray, step: int) -> np.ndarray:
    """How many rows on from `start` in each column stay dark."""
    if step < 0:
        band, start = band[::-1], len(band) - 1 - start
    # Of every place, the nearest row from there on that is not dark, which there is at the end.
    ends = np.where(band, len(band), np.arange(len(band))[:, None])
    ends = np.minimum.accumulate(ends[::-1])[::-1]
    ends = np.concatenate([ends, np.full((1, band.shape[1]), len(band))])
    return ends[start + 1, np.arange(band.shape[1])] - start - 1


def _edge(side: int) -> float:
    """How near a picture's border a line that reaches it begins or ends, in pixels."""
    return max(3, BORDER * side)


def _is_rule(line: _Line, side: int, digit_height: float | None) -> bool:
    if line.length < SLENDER * line.thickness:
        return False
    edge = _edge(side)
    if line.columns[0] <= edge and line.columns[-1] >= side - 1 - edge:
        return True
    if digit_height is None:
        return line.length >= LONG * side
    return line.length >= SHORTEST * digit_height and line.thickness < 0.25 * digit_height


def _is_rest(line: _Line, side: int, thickest: float) -> bool:
    """Whether a line is the rest of a rule, the other end of which a stroke hides."""
    edge = _edge(side)
    reaches_border = line.columns[0] <= edge or line.columns[-1] >= side - 1 - edge
    is_slender = line.length >= SLENDER / 2 * line.thickness
    return reaches_border and is_slender and line.thickness <= thickest


def _meet(level: _Line, upright: _Line) -> bool:
    """Whether a line and one found in the turned picture cross or form a corner."""
    x, y = np.median(upright.top), np.median(level.top)
    slack = 0.1 * max(level.length, upright.length)  # ends are known to a strip's width
    return bool(
        level.columns[0] - slack <= x <= level.columns[-1] + slack
        and upright.columns[0] - slack <= y <= upright.columns[-1] + slack
    )


def _erase(contrast: np.ndarray, line: _Line) -> None:
    """Erase the line, in place, but for what crosses it."""
    thickness = line.bottom - line.top
    bare = thickness <= line.thickness + SLACK
    rows = line.top[bare] - 1 + np.arange(int(line.thickness + SLACK) + 2)[:, None]
    inside = (rows <= line.bottom[bare]) & (rows >= 0) & (rows < contrast.shape[0])
    rows = np.clip(rows, 0, contrast.shape[0] - 1)
    columns = np.broadcast_to(line.columns[bare], rows.shape)
    values = contrast[rows, columns]
    # A stroke that runs along the rule is darker than the rule alone.
    pale = np.where(inside, values, 0).max(0) <= 1.4 * line.contrast + 12
    gone = inside & pale
    contrast[rows[gone], columns[gone]] = 0
