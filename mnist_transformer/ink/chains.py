"""Crossings of strips side by side, linked into what may be one long line (see `rules`)."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np

HIDDEN, MISSED = 8, 2  # strips that a line may hide behind a stroke, or miss


@dataclass
class Chain:
    """A line being followed from strip to strip."""

    places: list[int]
    rows: list[float]
    thickness: float
    slope: float = 0.0  # rows a strip
    ended: bool = False

    def expected(self, place: int) -> float:
        return self.rows[-1] + self.slope * (place - self.places[-1])

    def straight_on(self, place: int) -> float:
        """The row at `place` on the line through the whole chain."""
        if len(self.places) < 4:
            return self.expected(place)
        middle, row = (sum(of) / len(of) for of in (self.places, self.rows))
        away = [n - middle for n in self.places]
        # Least squares; for so few numbers NumPy's take twenty times as long.
        slope = sum(a * r for a, r in zip(away, self.rows, strict=True)) / sum(a * a for a in away)
        return row + slope * (place - middle)


def find_chains(crossed: np.ndarray) -> list[Chain]:
    """Link crossings of neighbouring strips, (height, strips) bool, into lines.

    A line goes on where a run of rows of about its thickness lies about where it leads to. Behind a
    stroke it may hide for as long as the stroke is wide; else it may miss a strip.
    """
    alive: list[Chain] = []
    done: list[Chain] = []
    edges = np.diff(np.pad(crossed.T, ((0, 0), (1, 1))).view(np.int8))
    # Few numbers, in order: lists of them are searched in less time than arrays.
    begins, tops = (found.tolist() for found in np.nonzero(edges > 0))
    bottoms = np.nonzero(edges < 0)[1].tolist()
    middles = [(first + end - 1) / 2 for first, end in zip(tops, bottoms, strict=True)]
    end = 0
    for place in range(crossed.shape[1]):
        first, end = end, bisect_right(begins, place)  # the runs of this strip
        free = set(range(first, end))
        for chain in sorted(alive, key=_length, reverse=True):
            row = chain.expected(place)
            low = bisect_left(middles, row - 2.5, first, end)
            near = [
                n
                for n in range(low, bisect_right(middles, row + 2.5, low, end))
                if n in free and abs(bottoms[n] - tops[n] - chain.thickness) <= 2
            ]
            if near:
                n = min(near, key=lambda n: abs(middles[n] - row))
                free.remove(n)
                step = (middles[n] - chain.rows[-1]) / (place - chain.places[-1])
                chain.slope += 0.2 * (step - chain.slope)
                # A stroke beside the line must not make it thicker little by little.
                chain.thickness += 0.2 * min(bottoms[n] - tops[n] - chain.thickness, 0)
                chain.places.append(place)
                chain.rows.append(middles[n])
                continue
            above = bisect_right(tops, row + 2, first, end) - 1  # the last that begins so high
            hidden = above >= first and row <= bottoms[above] + 2
            if place - chain.places[-1] > (HIDDEN if hidden else MISSED):
                chain.ended = True
                done.append(chain)
        alive = [chain for chain in alive if not chain.ended]
        alive += [Chain([place], [middles[n]], float(bottoms[n] - tops[n])) for n in sorted(free)]
    return _joined(done + alive)


def _length(chain: Chain) -> int:
    return len(chain.places)


def _joined(chains: list[Chain]) -> list[Chain]:
    """Put together what is one line, interrupted by wide strokes."""
    whole: list[Chain] = []
    for chain in sorted(chains, key=lambda chain: chain.places[0]):
        for other in whole:
            if (
                chain.places[0] > other.places[-1]
                and abs(chain.thickness - other.thickness) <= 1.5
                and min(len(chain.places), len(other.places)) >= 2
                and abs(chain.rows[0] - other.straight_on(chain.places[0])) <= 3
            ):
                other.places += chain.places
                other.rows += chain.rows
                break
        else:
            whole.append(chain)
    return whole
