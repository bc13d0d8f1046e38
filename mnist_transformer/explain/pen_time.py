"""Pen time: what the model would have said while one was still writing.

The drawing is read again after every few points of the pen: so one sees where on its way a stroke
turns a 4 into a 9, and how sure the model was of what at every point.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..config import INK, NUM_CLASSES
from ..ink.brush import draw_strokes
from ..ink.canvas import drawing_to_canvas
from ..ink.picture import InkError
from ..reading import Reading, require_eval
from ..transformer import Transformer

BATCH = 16  # drawings that are read at once

Stroke = Sequence[Sequence[float]] | np.ndarray


@dataclass(frozen=True, eq=False)
class Moment:
    """What was read at one moment of the writing.

    Attributes:
        stroke: the stroke that was being drawn, from 0.
        point: the last of its points that was drawn, from 0.
        reading: of all that was drawn by then; of nothing where it could not be read.
        step: the step of `reading` that looked where the pen was, from 0; None if it has none.
        distribution: (11,), the probabilities of 0-9 and the end at that step; all 0 if there is
            none.
        said: the digit of that step; None if there is none.
    """

    stroke: int
    point: int
    reading: Reading
    step: int | None
    distribution: Tensor
    said: int | None


def pen_time(
    model: Transformer,
    strokes: Sequence[Stroke],
    size: tuple[int, int],
    brush: float,
    every: int = 3,
    progress: Callable[[float], object] | None = None,
) -> list[Moment]:
    """Read a drawing after every few points of the pen.

    Args:
        model: in evaluation mode.
        strokes: each (points, 2), x and y in pixels of the sheet, in the order of writing.
        size: (width, height) of the sheet in pixels.
        brush: the brush's diameter in pixels.
        every: how many points to wait; a stroke's last point is always read.
        progress: called with the share that is done, in [0, 1], after every batch.

    Returns:
        A moment for every reading, in the order of writing. The last is of the whole drawing.

    Raises:
        ValueError: if `every` is below 1, there are no strokes or an empty one, or the model is in
            training mode.
    """
    require_eval(model)
    if every < 1:
        raise ValueError(f"every must be at least 1 point, not {every}")
    if not len(strokes) or not all(len(stroke) for stroke in strokes):
        raise ValueError("pen time takes at least one stroke, and each of at least one point")
    stops = [
        (number, point)
        for number, stroke in enumerate(strokes)
        for point in sorted({*range(every - 1, len(stroke), every), len(stroke) - 1})
    ]
    moments: list[Moment] = []
    for start in range(0, len(stops), BATCH):
        batch = stops[start : start + BATCH]
        drawn = [[*strokes[:number], strokes[number][: point + 1]] for number, point in batch]
        canvases = torch.stack([_canvas(model, lines, size, brush) for lines in drawn])
        readings = model.read_canvases(canvases, attention=True)
        for (number, point), lines, reading in zip(batch, drawn, readings, strict=True):
            moments.append(_moment(number, point, lines, brush, reading))
        if progress is not None:
            progress(len(moments) / len(stops))
    return moments


def _canvas(
    model: Transformer, strokes: Sequence[Stroke], size: tuple[int, int], brush: float
) -> Tensor:
    """What the model sees of the strokes; an empty canvas if they are no row of digits (yet)."""
    try:
        return drawing_to_canvas(draw_strokes(strokes, size, brush), model.config)
    except InkError:
        return torch.zeros(model.config.canvas_height, model.config.canvas_width)


def _moment(
    number: int, point: int, strokes: Sequence[Stroke], brush: float, reading: Reading
) -> Moment:
    """The moment at which the pen stands at the end of the last of the strokes."""
    step = _step_at_pen(strokes, brush, reading) if reading.digits else None
    without_maps = dataclasses.replace(reading, attention=None)
    if step is None:
        return Moment(number, point, without_maps, None, torch.zeros(NUM_CLASSES), None)
    said = int(reading.digits[step])
    return Moment(number, point, without_maps, step, reading.distributions[step], said)


def _step_at_pen(strokes: Sequence[Stroke], brush: float, reading: Reading) -> int:
    """The step whose gaze was nearest to the pen, from left to right."""
    across = np.concatenate([np.asarray(stroke, dtype=float)[:, 0] for stroke in strokes])
    left, right = across.min() - brush / 2, across.max() + brush / 2
    share = (across[-1] - left) / (right - left)  # of the ink's width, which the canvas keeps
    inked = (reading.canvas > INK).any(0).nonzero().flatten()
    pen = float(inked[0] + share * (inked[-1] + 1 - inked[0]))  # pixels of canvas
    columns = reading.maps.grid[1]
    looked = reading.maps.cross.mean((0, 1))[: len(reading.digits)]  # (digits, patches)
    middles = (torch.arange(columns) + 0.5) * reading.canvas.shape[1] / columns
    gazes = looked.unflatten(1, reading.maps.grid).sum(1) @ middles
    return int((gazes - pen).abs().argmin())
