"""A whole page: rows of digits of any number and length, read in one batch."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from .ink import Drawing
from .ink.prepare import Prepared, prepare_page
from .reading import Reading, is_doubtful, trust_in

if TYPE_CHECKING:
    from .transformer import Transformer


# As readings are, rows and pages are told apart by identity.
@dataclass(frozen=True, eq=False)
class Row:
    """One row of a page.

    Attributes:
        parts: what was read, from left to right; a row longer than the model takes has several.
        probabilities: of each digit, that it is right and that nothing of its part was left out, as
            the looks of the part tell it, with caution (`Reading.trusted`).
        box: left, top, right, bottom of its ink, in the picture's own pixels.
        lacks_ink: whether ink beside the row was left out that may be writing, since it hangs
            together with something that comes in from outside the picture.
    """

    parts: list[Reading]
    probabilities: list[float]
    box: tuple[int, int, int, int]
    lacks_ink: bool = False

    def __repr__(self) -> str:
        sure = ", ".join(f"{probability:.2f}" for probability in self.probabilities)
        return f"Row({self.digits!r}, probabilities=[{sure}], box={self.box})"

    @property
    def digits(self) -> str:
        """What the row says, e.g. "314159265358"."""
        return "".join(part.digits for part in self.parts)

    @property
    def probabilities_by_part(self) -> list[list[float]]:
        """The probabilities, part by part."""
        left = iter(self.probabilities)
        return [[next(left) for _ in part.digits] for part in self.parts]

    @property
    def uncertain(self) -> list[bool]:
        """Of each digit, whether it is doubtful."""
        return [is_doubtful(probability) for probability in self.probabilities]

    @property
    def end_probability(self) -> float:
        """The least of the parts': how likely the model read each to its end."""
        return min((part.end_probability or 0.0 for part in self.parts), default=0.0)

    def to_dict(self) -> dict:
        """The row in what JSON can hold."""
        return {
            "digits": self.digits,
            "probabilities": self.probabilities,
            "end_probability": self.end_probability,
            "box": list(self.box),
        }


@dataclass(frozen=True, eq=False)
class Page:
    """A picture read row by row, from top to bottom.

    Attributes:
        rows: what was read; no rows if nothing is drawn.
        reason: why there are no rows, in words; empty if there are.
    """

    rows: list[Row]
    reason: str = ""

    def __repr__(self) -> str:
        return f"Page({self.digits!r}, {self.reason or f'rows={len(self.rows)}'})"

    @property
    def digits(self) -> str:
        """The rows' digits, joined by line breaks."""
        return "\n".join(row.digits for row in self.rows)

    @property
    def probabilities(self) -> list[float]:
        """Of every digit of every row, in reading order (see `Row`)."""
        return [probability for row in self.rows for probability in row.probabilities]

    @property
    def end_probability(self) -> float | None:
        """The least of the rows'; None if nothing is drawn."""
        return min((row.end_probability for row in self.rows), default=None)

    def to_dict(self) -> dict:
        """The page in what JSON can hold."""
        return {
            "digits": self.digits,
            "probabilities": self.probabilities,
            "end_probability": self.end_probability,
            "rows": [row.to_dict() for row in self.rows],
            "reason": self.reason,
        }


def read_page(model: "Transformer", picture: Drawing, attention: bool = False) -> Page:
    """Read a picture of any number of rows; see `Transformer.read_page`."""
    return read_prepared(model, prepare_page(picture, model.config), attention)


def read_prepared(model: "Transformer", prepared: Prepared, attention: bool = False) -> Page:
    """The same, from the ink that was found by the model's config or an equal one."""
    canvases = torch.from_numpy(prepared.canvases)
    readings = model.read_looks(canvases, attention) if len(canvases) else []
    return finish_page(prepared, iter(readings))


def finish_page(prepared: Prepared, readings: Iterator[list[Reading]]) -> Page:
    """The page, from what its canvases were read as in their looks, taken from `readings`
    (`Transformer.read_looks`).
    """
    rows = []
    for count, box, lacks_ink in prepared.rows:
        parts: list[Reading] = []
        probabilities: list[float] = []
        for _ in range(count):
            of_looks = next(readings)
            likeliest = max(of_looks, key=_likelihood)
            trusted = trust_in(likeliest, of_looks, lacks_ink)
            parts.append(replace(likeliest, trusted=trusted))
            probabilities += trusted
        rows.append(Row(parts, probabilities, box, lacks_ink))
    return Page(rows, prepared.reason)


def _likelihood(reading: Reading) -> float:
    """Of a reading as a whole, its end included; 0 if it did not end."""
    if reading.truncated:
        return 0.0
    return math.prod(reading.probabilities) * (reading.end_probability or 0.0)
