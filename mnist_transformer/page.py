"""A whole page: rows of digits of any number and length, all read in one batch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from .ink import BlankDrawing, Drawing, picture_to_parts
from .reading import Reading

if TYPE_CHECKING:
    from .transformer import Transformer


@dataclass(frozen=True)
class Row:
    """One row of a page.

    Attributes:
        parts: what was read, from left to right; a row longer than the model takes has several.
        box: left, top, right, bottom of its ink, in the picture's own pixels.
    """

    parts: list[Reading]
    box: tuple[int, int, int, int]

    @property
    def digits(self) -> str:
        return "".join(part.digits for part in self.parts)

    @property
    def probabilities(self) -> list[float]:
        return [probability for part in self.parts for probability in part.probabilities]

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
        """Of every digit of every row, in reading order."""
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
        rows = picture_to_parts(picture, model.config)
    except BlankDrawing:
        return Page([])
    canvases = torch.stack([canvas for parts, _ in rows for canvas in parts])
    readings = iter(model.read_canvases(canvases, attention))
    return Page([Row([next(readings) for _ in parts], box) for parts, box in rows])
