"""Crossings of strips side by side, linked into what may be one long line (see `rules`)."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np

from .light import runs

HIDDEN, MISSED = 8, 2  # strips that a line may hide behind a stroke, or miss


@dataclass(eq=False, slots=True)
class Chain:
    """A line being followed from strip to strip."""

    places: list[int]
    rows: list[float]
    thickness: float
    slope: float = 0.0  # rows a strip

    def expected(self, place: int) -> float:
        """The row at `place` if it leads on as it did last."""
        return self.rows[-1] + self.slope * (place - self.places[-1])

    def go_on(self, place: int, row: float, thickness: float) -> None:
        """Take in the crossing of one more strip."""
        step = (row - self.rows[-1]) / (place - self.places[-1])
        self.slope += 0.2 * (step - self.slope)
        # A stroke beside the line must not make it thicker little by little.
        self.thickness += 0.2 * min(thickness - self.thickness, 0)
        self.places.append(place)
        self.rows.append(row)

    def straight_on(self, place: int) -> float:
        """The row at `place` on the line through the whole chain."""
        if len(self.places) < 4:
            return self.expected(place)
        middle, row = (sum(of) / len(of) for of in (self.places, self.rows))
        away = [n - middle for n in self.places]
        # Least squares; for so few numbers NumPy's take twenty times as long.
        slope = sum(a * r for a, r in zip(away, self.rows, strict=True)) / sum(a * a for a in away)
        return row + slope * (place - middle)


@dataclass(slots=True)
class _Crossings:
    """Runs of rows that cross a strip, strip by strip, in each from top to bottom."""

    tops: list[int]
    bottoms: list[int]
    middles: list[float]
    thickness: list[int]
    free: list[bool]  # of each, whether no chain has taken it

    def nearest(self, row: float, thickness: float, first: int, end: int) -> int | None:
        """Of those from `first` to before `end` that are free, about so thick and near the row."""
        found, least = None, 3.0
        for n in range(bisect_left(self.middles, row - 2.5, first, end), end):
            if self.middles[n] > row + 2.5:
                break
            away = abs(self.middles[n] - row)
            if away < least and self.free[n] and abs(self.thickness[n] - thickness) <= 2:
                found, least = n, away
        return found

    def hide(self, row: float, first: int, end: int) -> bool:
        """Whether the lowest that begins no more than 2 rows below the row reaches it."""
        above = bisect_right(self.tops, row + 2, first, end) - 1
        return above >= first and row <= self.bottoms[above] + 2


def find_chains(crossed: np.ndarray) -> list[Chain]:
    """Link crossings of neighbouring strips, (strips, height) bool, into lines.

    A line goes on where a run of rows of about its thickness lies about where it leads to. Behind a
    stroke it may hide for as long as the stroke is wide; else it may miss a strip.
    """
    alive: list[Chain] = []
    done: list[Chain] = []
    strips, height = crossed.shape
    in_line = np.zeros((strips, height + 1), bool)  # the strips, with an empty row between them
    in_line[:, :-1] = crossed
    starts, stops = runs(in_line.ravel())
    # Few numbers, in order: lists of them are searched in less time than arrays.
    begins, tops, bottoms = (
        edges.tolist()
        for edges in (starts // (height + 1), starts % (height + 1), stops % (height + 1))
    )
    middles = [(top + bottom - 1) / 2 for top, bottom in zip(tops, bottoms, strict=True)]
    thickness = [bottom - top for top, bottom in zip(tops, bottoms, strict=True)]
    found = _Crossings(tops, bottoms, middles, thickness, [True] * len(tops))
    end = 0
    for place in range(strips):
        first, end = end, bisect_right(begins, place)  # the runs of this strip
        for chain in sorted(alive, key=lambda chain: len(chain.places), reverse=True):
            row = chain.expected(place)
            n = found.nearest(row, chain.thickness, first, end)
            if n is not None:
                found.free[n] = False
                chain.go_on(place, middles[n], thickness[n])
                continue
            missed = place - chain.places[-1]
            if missed > HIDDEN or (missed > MISSED and not found.hide(row, first, end)):
                alive.remove(chain)
                done.append(chain)
        for n in range(first, end):
            if found.free[n]:
                alive.append(Chain([place], [middles[n]], float(thickness[n])))
    return _joined([chain for chain in done + alive if len(chain.places) > 1])


def _joined(chains: list[Chain]) -> list[Chain]:
    """Put together what is one line, interrupted by wide strokes."""
    whole: list[Chain] = []
    for chain in sorted(chains, key=lambda chain: chain.places[0]):
        for other in whole:
            if (
                chain.places[0] > other.places[-1]
                and abs(chain.thickness - other.thickness) <= 1.5
                and abs(chain.rows[0] - other.straight_on(chain.places[0])) <= 3
            ):
                other.places += chain.places
                other.rows += chain.rows
                break
        else:
            whole.append(chain)
    return whole
