"""How lines of real pen strokes (`hands/pen.py`) are read."""

from collections import defaultdict
from dataclasses import dataclass, field

import torch

from ..evals import SequenceScore, score_sequences
from ..hands.pen import PenDigit, PenLine, pen_lines
from ..ink import InkError
from ..reading import Reading
from ..transformer import Transformer
from .confidence import Reliability, reliability
from .doubt import DoubtScore, score_doubt

LINES = 1_500
SEED = 30_000


@dataclass(frozen=True)
class PenScore:
    """How lines of pen strokes were read.

    Attributes:
        total: over all lines.
        line_accuracy_by_writer, line_accuracy_by_brush: the share of lines exactly right.
        reliability: how far the probabilities can be trusted.
        rows: which lines were read with a doubt.
        misread: (line, what was read) of every line that was not exactly right.
    """

    total: SequenceScore
    line_accuracy_by_writer: dict[str, float]
    line_accuracy_by_brush: dict[int, float]
    reliability: Reliability
    rows: DoubtScore
    misread: list[tuple[PenLine, str]] = field(repr=False)


def evaluate_pen(
    model: Transformer, digits: list[PenDigit], num_lines: int = LINES, seed: int = SEED
) -> PenScore:
    """Read fixed lines of pen strokes, drawn by the page's brush, each by `model.read`.

    A line that is refused counts as one of which nothing was read.

    Args:
        model: in evaluation mode.
        digits: from `load_pen_digits`.
        num_lines: how many.
        seed: fixes the lines.
    """
    shown = list(pen_lines(digits, num_lines, seed, model.config.max_digits))
    readings = [_read(model, line) for line in shown]
    true, read = [line.digits for line in shown], [reading.digits for reading in readings]
    return PenScore(
        total=score_sequences(true, read),
        line_accuracy_by_writer=_exact_by([line.writer for line in shown], true, read),
        line_accuracy_by_brush=_exact_by([line.brush for line in shown], true, read),
        reliability=reliability(zip(true, readings, strict=True)),
        rows=score_doubt(
            (reading.digits == text, not reading.digits or any(reading.uncertain))
            for text, reading in zip(true, readings, strict=True)
        ),
        misread=[
            (line, text) for line, text in zip(shown, read, strict=True) if line.digits != text
        ],
    )


def _read(model: Transformer, line: PenLine) -> Reading:
    try:
        return model.read(line.picture)
    except InkError:
        return Reading.blank(torch.zeros(model.config.canvas_height, model.config.canvas_width))


def _exact_by(keys: list, true: list[str], read: list[str]) -> dict:
    """The share of lines exactly right, for each key."""
    groups = defaultdict(list)
    for key, a, b in zip(keys, true, read, strict=True):
        groups[key].append(a == b)
    return {key: sum(group) / len(group) for key, group in sorted(groups.items())}
