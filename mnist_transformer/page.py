"""A whole page: rows of digits of any number and length, all read in one batch, each twice."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from .ink import BlankDrawing, Drawing, picture_to_parts
from .reading import DOUBT, Reading

if TYPE_CHECKING:
    from .transformer import Transformer

SECOND_SIZE = 0.87  # at which every part is read again, beside the first reading's
PASSED_OVER = 0.5  # no digit of a part is surer where ink was passed over or the readings differ


@dataclass(frozen=True)
class Row:
    """One row of a page.

    Attributes:
        parts: what was read, from left to right; a row longer than the model takes has several.
        probabilities: of each digit, that it is right and that nothing of its part was left out:
            what one reading of the part gives it, times what a second reading gives it, of a
            smaller picture, times the lesser probability that the part ends where it was ended. It
            is at most `PASSED_OVER` where the readings differ in length or a mark was passed over.
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
        return [probability < DOUBT for probability in self.probabilities]

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


@dataclass(frozen=True)
class Page:
    """A picture read row by row, from top to bottom; no rows if nothing is drawn."""

    rows: list[Row]

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
    try:
        rows = picture_to_parts(picture, model.config, SECOND_SIZE)
    except BlankDrawing:
        return Page([])
    canvases = torch.stack([canvas for row in rows for part in row.parts for canvas in part])
    readings = iter(model.read_canvases(canvases, attention))
    page = []
    for row in rows:
        opinions = [_agree(next(readings), next(readings)) for _ in row.parts]
        probabilities = [value for _, values in opinions for value in values]
        page.append(Row([reading for reading, _ in opinions], probabilities, row.box))
    return Page(page)


def _agree(first: Reading, second: Reading) -> tuple[Reading, list[float]]:
    """The likelier of two readings of one part, and the probabilities of its digits."""
    chosen, other = sorted((first, second), key=_likelihood, reverse=True)
    end = min(first.end_probability or 0.0, second.end_probability or 0.0)
    most = PASSED_OVER if chosen.unread else 1.0
    if len(chosen.digits) != len(other.digits):
        return chosen, [min(most, PASSED_OVER, p * end) for p in chosen.probabilities]
    steps = zip(chosen.digits, chosen.probabilities, other.distributions, strict=False)
    return chosen, [
        min(most, probability * float(distribution[int(digit)]) * end)
        for digit, probability, distribution in steps
    ]


def _likelihood(reading: Reading) -> float:
    """Of a reading as a whole, its end included; 0 if it did not end."""
    if not reading.steps or reading.truncated:
        return 0.0
    return float(reading.distributions.max(1).values.prod())
