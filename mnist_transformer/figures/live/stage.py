"""The stage: the drawing as the model saw it, where it looked at each step, and what it read."""

import torch
from torch import Tensor

from ...config import INK
from ...reading import Reading, is_doubtful
from ..distribution import OUTCOMES, step_names
from .files import standalone_html
from .packing import pack, pack_canvas

SOURCES = ("follow.js", "ink.js", "maps.js", "drawing.js", "stage.js")
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{digits}, as a Transformer read it</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body {{ margin: 24px; font-family: sans-serif; color-scheme: light dark; }}</style></head>
<body><h1>{digits}, as a Transformer read it</h1>{stage}</body></html>
"""
RIM = 6  # pixels of canvas left and right of the ink
STRONG = 0.5  # of a step's highest weight: what is looked at so much is where the digit stands


def stage_data(
    reading: Reading,
    probabilities: list[float] | None = None,
    hints: list[str] | None = None,
) -> dict:
    """All that `drawStage` shows, as JSON takes it.

    Args:
        reading: made with `attention=True`, or of nothing.
        probabilities: of each digit, in [0, 1]; None means the reading's own.
        hints: what else is to be said of the reading, each a few words.

    Raises:
        ValueError: if the reading has no maps.
    """
    probabilities = reading.probabilities if probabilities is None else probabilities
    data: dict = {
        "digits": reading.digits,
        "canvas": pack_canvas(reading.canvas),
        "ink": _ink_columns(reading.canvas),
        "unread": [list(box) for box in reading.unread],
        "hints": hints or [],
        "outcomes": OUTCOMES,
        "steps": [],
    }
    if not reading.steps:
        return data
    cross = reading.maps.cross
    mean = cross.mean((0, 1))
    places = _places(mean, reading.maps.grid, reading.canvas)
    shown = [*probabilities, float(reading.distributions[-1].max())]
    return data | {
        "grid": list(reading.maps.grid),
        "steps": [
            {"name": name, "probability": probability, "column": column, "doubtful": unsure}
            for name, probability, column, unsure in zip(
                step_names(reading), shown, places, map(is_doubtful, shown), strict=True
            )
        ],
        "distributions": [[round(p, 5) for p in step] for step in reading.distributions.tolist()],
        # Names as the whole page has them, in the order of the maps.
        "heads": [
            f"cross {layer}, head {head}"
            for layer in range(1, cross.shape[0] + 1)
            for head in range(1, cross.shape[1] + 1)
        ],
        "mean": pack(mean),
        "cross": pack(cross),
    }


def stage_html(reading: Reading) -> str:
    """The stage with all it needs, to stand in a notebook or a page.

    Raises:
        ValueError: if the reading has no maps.
    """
    return standalone_html("drawStage", SOURCES, stage_data(reading))


def page_html(reading: Reading) -> str:
    """A page of its own that shows the stage, to be kept as a file.

    Raises:
        ValueError: if the reading has no maps.
    """
    return PAGE.format(digits=reading.digits, stage=stage_html(reading))


def _ink_columns(canvas: Tensor) -> list[int]:
    """From where to where, in pixels, the ink reaches, with a rim; all of an empty canvas."""
    columns = (canvas > INK).any(0).nonzero().flatten()
    if not len(columns):
        return [0, canvas.shape[1]]
    left, right = int(columns[0]) - RIM, int(columns[-1]) + 1 + RIM
    return [max(left, 0), min(right, canvas.shape[1])]


def _places(mean: Tensor, grid: tuple[int, int], canvas: Tensor) -> list[float]:
    """Where across the drawing each step read: 0 = its left edge, 1 = its right.

    It is the middle of the ink in what was looked at most, as the patches of a digit reach over its
    edges; of the patches themselves where there is no ink, as the end looks at paper.

    Args:
        mean: (steps, patches), the mean of all heads.
        grid: rows and columns of the patches.
        canvas: (height, width), 0 = paper, 1 = ink.
    """
    height, width = canvas.shape
    strong = mean * (mean >= STRONG * mean.amax(1, keepdim=True))
    looked = strong.unflatten(1, grid)
    looked = looked.repeat_interleave(height // grid[0], 1).repeat_interleave(width // grid[1], 2)
    middles = (torch.arange(width) + 0.5) / width
    ink, paper = (looked * canvas).sum(1), looked.sum(1)  # (steps, columns of pixels)
    columns = torch.where(ink.sum(1, keepdim=True) > 0, ink, paper)
    return [round(place, 4) for place in ((columns @ middles) / columns.sum(1)).tolist()]
