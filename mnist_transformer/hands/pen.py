"""Real pen strokes as a test: lines of real writers' digits, drawn by the page's brush.

The strokes come from a file of JSON lines, one digit a line: `label` (0-9), `writer`, and
`strokes`, a list of pen-down strokes, each a list of `[x, y]` points, y pointing down. They
measure; they are never trained on.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..ink.brush import SHEET, draw_strokes

BRUSHES = (4, 8, 12, 18)  # diameters in pixels of the page's sheet


@dataclass(frozen=True)
class PenDigit:
    """One written digit: `strokes` are (points, 2) arrays of x and y."""

    label: int
    writer: str
    strokes: list[np.ndarray]


@dataclass(frozen=True)
class PenLine:
    """Several digits of one writer, side by side on the page's sheet."""

    picture: Image.Image
    digits: str
    writer: str
    brush: int


def load_pen_digits(path: str | Path) -> list[PenDigit]:
    """Read the digits in a file of JSON lines.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a line is no digit as described above; the message gives its number.
    """
    digits = []
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        try:
            record = json.loads(line)
            strokes = [np.array(stroke, dtype=float).reshape(-1, 2) for stroke in record["strokes"]]
            if not strokes or not 0 <= int(record["label"]) <= 9:
                raise ValueError("no strokes, or a label that is no digit")
            digits.append(PenDigit(int(record["label"]), str(record["writer"]), strokes))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}, line {number}, holds no pen digit: {error}") from error
    if not digits:
        raise ValueError(f"{path} holds no pen digits")
    return digits


def by_writer(digits: list[PenDigit]) -> dict[str, list[PenDigit]]:
    """The digits of every writer, the writers in alphabetical order."""
    groups = defaultdict(list)
    for digit in digits:
        groups[digit.writer].append(digit)
    return dict(sorted(groups.items()))


def pen_lines(digits: list[PenDigit], count: int, seed: int, longest: int = 8) -> Iterator[PenLine]:
    """Write fixed lines of 1 to 8 digits, writers and brushes taking turns.

    A line keeps its writer's own proportions: all its digits are scaled alike. Gaps, height and the
    drift of the baseline vary as on a sheet of paper.

    Args:
        digits: of any writers.
        count: how many lines.
        seed: fixes them.
        longest: how many digits a line has at most.
    """
    own_digits = by_writer(digits)
    writers = list(own_digits)
    generator = np.random.default_rng(seed)
    for number in range(count):
        writer = writers[number % len(writers)]
        brush = BRUSHES[number // len(writers) % len(BRUSHES)]
        own = own_digits[writer]
        chosen = [
            own[i] for i in generator.integers(len(own), size=generator.integers(longest) + 1)
        ]
        picture = _draw_line(chosen, brush, generator)
        yield PenLine(picture, "".join(str(digit.label) for digit in chosen), writer, brush)


def _draw_line(digits: list[PenDigit], brush: int, generator: np.random.Generator) -> Image.Image:
    """Side by side on the page's sheet, by its brush."""
    corners = [(np.min(points, 0), np.max(points, 0)) for points in map(_points, digits)]
    heights = [max(high[1] - low[1], 1) for low, high in corners]
    scale = generator.uniform(60, 120) / np.median(heights)
    gaps = (
        generator.uniform(0.1, 0.5) * np.median(heights) * generator.uniform(0.6, 1.4, len(digits))
    )
    widths = [high[0] - low[0] for low, high in corners]
    room_x, room_y = SHEET[0] - 2 * brush - 20, SHEET[1] - 2 * brush - 10
    scale = min(scale, room_x / (sum(widths) + sum(gaps[1:]) + 1), room_y / max(heights))
    drift = generator.normal(0, 0.02) * np.arange(len(digits)) + generator.normal(
        0, 0.04, len(digits)
    )
    gap_pixels = np.maximum(gaps * scale, brush * 1.2)
    strokes = []
    x = brush + 5.0
    for digit, (low, high), height, gap, shift in zip(
        digits, corners, heights, gap_pixels, drift - drift.mean(), strict=True
    ):
        top = (SHEET[1] - height * scale) / 2 + shift * SHEET[1]
        top = np.clip(top, brush, SHEET[1] - brush - height * scale)
        strokes += [(points - low) * scale + (x, top) for points in digit.strokes]
        x += (high[0] - low[0]) * scale + gap
    return draw_strokes(strokes, SHEET, brush)


def _points(digit: PenDigit) -> np.ndarray:
    return np.concatenate(digit.strokes)
