"""A whole page: rows of digits of any number and length, all read in one batch, each twice."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from .config import Config
from .ink import BlankDrawing, Drawing, picture_to_parts
from .reading import Reading, is_doubtful, trust

if TYPE_CHECKING:
    from .transformer import Transformer

SECOND_SIZE = 0.87  # at which every part is read again, beside the first reading's
PASSED_OVER = 0.5  # no digit of a part is surer where ink was passed over or the readings differ


# As readings are, rows and pages are told apart by identity.
@dataclass(frozen=True, eq=False)
class Row:
    """One row of a page.

    Attributes:
        parts: what was read, from left to right; a row longer than the model takes has several.
        probabilities: of each digit, that it is right and that nothing of its part was left out,
            told with caution (`reading.trust`): made from what one reading of the part gives it,
            times what a second reading gives it, of a smaller picture, times the lesser probability
            that the part ends where it was ended. It is at most `PASSED_OVER` where the readings
            differ in length or a mark was passed over.
        box: left, top, right, bottom of its ink, in the picture's own pixels.
    """

    parts: list[Reading]
    probabilities: list[float]
    box: tuple[int, int, int, int]

    def __repr__(self) -> str:
        sure = ", ".join(f"{probability:.2f}" for probability in self.probabilities)
        return f"Row({self.digits!r}, probabilities=[{sure}], box={self.box})"

    @property
    def digits(self) -> str:
        """What the row says, e.g. "314159265358"."""
        return "".join(part.digits for part in self.parts)

    @property
    def probabilities_by_part(self) -> list[list[float]]:
        """The same, part by part."""
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
        }


def read_page(model: "Transformer", picture: Drawing, attention: bool = False) -> Page:
    """Read a picture of any number of rows; see `Transformer.read_page`."""
    prepared = prepare_page(picture, model.config)
    canvases = torch.from_numpy(prepared.canvases)
    readings = model.read_canvases(canvases, attention) if len(canvases) else []
    return finish_page(prepared, iter(readings))


@dataclass(frozen=True, eq=False)
class Prepared:
    """A page's ink, ready to be read: what of reading needs no model, and may be sent about.

    Attributes:
        canvases: (n, height, width) float32, of each part of each row one in the usual size and
            one in `SECOND_SIZE`.
        rows: of each row, how many parts it has, and its box.
        reason: as in `Page`.
    """

    canvases: np.ndarray
    rows: list[tuple[int, tuple[int, int, int, int]]]
    reason: str = ""


def prepare_page(picture: Drawing, config: Config) -> Prepared:
    """Find a picture's rows; raises as `picture_to_parts`, but for a blank picture."""
    try:
        rows = picture_to_parts(picture, config, SECOND_SIZE)
    except BlankDrawing as error:
        nothing = np.zeros((0, config.canvas_height, config.canvas_width), np.float32)
        return Prepared(nothing, [], str(error))
    canvases = torch.stack([canvas for row in rows for part in row.parts for canvas in part])
    return Prepared(canvases.numpy(), [(len(row.parts), row.box) for row in rows])


def finish_page(prepared: Prepared, readings: Iterator[Reading]) -> Page:
    """The page, from the readings of its canvases, which are taken from `readings`."""
    rows = []
    for parts, box in prepared.rows:
        opinions = [_agree(next(readings), next(readings)) for _ in range(parts)]
        probabilities = [value for _, values in opinions for value in values]
        rows.append(Row([reading for reading, _ in opinions], probabilities, box))
    return Page(rows, prepared.reason)


def _agree(first: Reading, second: Reading) -> tuple[Reading, list[float]]:
    """The likelier of two readings of one part, and the probabilities of its digits."""
    chosen, other = sorted((first, second), key=_likelihood, reverse=True)
    end = min(first.end_probability or 0.0, second.end_probability or 0.0)
    most = PASSED_OVER if chosen.unread else 1.0
    if len(chosen.digits) != len(other.digits):
        return chosen, [min(PASSED_OVER, trust(p * end)) for p in chosen.probabilities]
    steps = zip(chosen.digits, chosen.probabilities, other.distributions, strict=False)
    return chosen, [
        min(most, trust(probability * float(distribution[int(digit)]) * end))
        for digit, probability, distribution in steps
    ]


def _likelihood(reading: Reading) -> float:
    """Of a reading as a whole, its end included; 0 if it did not end."""
    if not reading.steps or reading.truncated:
        return 0.0
    return float(reading.distributions.max(1).values.prod())
