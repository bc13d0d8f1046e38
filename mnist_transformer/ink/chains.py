"""Crossings of strips side by side, linked into what may be one long line (see `rules`)."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np

HIDDEN, MISSED = 8, 2  # strips that a line may hide behind a stroke, or miss


@dataclass(slots=True)
class Chain:
    """A line being followed from strip to strip."""

    places: list[int]
    rows: list[float]
    thickness: float
    slope: float = 0.0  # rows a strip
    ended: bool = False

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
    free: list[bool]  # of each, whether no chain has taken it

    def nearest(self, row: float, thickness: float, first: int, end: int) -> int | None:
        """Of those from `first` to before `end` that are free, about so thick and near the row."""
        found, least = None, 3.0
        for n in range(bisect_left(self.middles, row - 2.5, first, end), end):
            if self.middles[n] > row + 2.5:
                break
            away = abs(self.middles[n] - row)
            if away < least and self.free[n] and abs(self.thickness(n) - thickness) <= 2:
                found, least = n, away
        return found

    def thickness(self, n: int) -> int:
        return self.bottoms[n] - self.tops[n]

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
    padded = np.zeros((strips, height + 2), bool)
    padded[:, 1:-1] = crossed
    # In a strip, the edges of runs are a top and a bottom in turn. Few numbers, in order: lists of
    # them are searched in less time than arrays.
    in_line = padded.ravel()
    strip_of, row_of = np.divmod(np.flatnonzero(in_line[1:] != in_line[:-1]), height + 2)
    begins, tops, bottoms = (of.tolist() for of in (strip_of[::2], row_of[::2], row_of[1::2]))
    middles = [(top + bottom - 1) / 2 for top, bottom in zip(tops, bottoms, strict=True)]
    runs = _Crossings(tops, bottoms, middles, [True] * len(tops))
    end = 0
    for place in range(strips):
        first, end = end, bisect_right(begins, place)  # the runs of this strip
        for chain in sorted(alive, key=lambda chain: len(chain.places), reverse=True):
            row = chain.expected(place)
            n = runs.nearest(row, chain.thickness, first, end)
            if n is not None:
                runs.free[n] = False
                chain.go_on(place, middles[n], runs.thickness(n))
            elif place - chain.places[-1] > (HIDDEN if runs.hide(row, first, end) else MISSED):
                chain.ended = True
                done.append(chain)
        alive = [chain for chain in alive if not chain.ended]
        for n in range(first, end):
            if runs.free[n]:
                alive.append(Chain([place], [middles[n]], float(runs.thickness(n))))
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
