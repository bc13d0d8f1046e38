"""Does the model know when it does not know?

`reliability` holds the probabilities a model gave against how often it was right;
`evaluate_rejection` shows it letters and scribbles, which no honest reader takes for digits without
a doubt.
"""

import math
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..evals import align
from ..ink import InkError, draw_strokes
from ..reading import Reading
from ..transformer import Transformer

SIZE = (400, 190)  # width and height of the pictures in pixels
# Written alone, these are digits to any eye.
LOOK_LIKE_DIGITS = set("BDGIJOQSZabdgijloqsyz")
LETTERS = "".join(c for c in string.ascii_letters if c not in LOOK_LIKE_DIGITS)


@dataclass(frozen=True)
class ConfidenceBin:
    """The digits read with a probability between `low` and `high`.

    Attributes:
        count: how many.
        confidence: the mean of their probabilities.
        right: the share of them that were right.
    """

    low: float
    high: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True)
class Reliability:
    """Probabilities against the truth, and the expected calibration error (Guo et al. 2017):
    the mean distance between confidence and share of right digits, weighted by the bins' counts."""

    bins: list[ConfidenceBin]
    error: float


def reliability(readings: Iterable[tuple[str, Reading]], bins: int = 10) -> Reliability:
    """Hold every digit that was read against the true line, paired as `align` does.

    Args:
        readings: (true digits, reading).
        bins: number of equal steps of probability.

    Raises:
        ValueError: if no digit was read.
    """
    probabilities, right = [], []
    for true, reading in readings:
        read = [pair for pair in align(true, reading.digits) if pair[1]]
        right += [float(expected == digit) for expected, digit in read]
        probabilities += reading.probabilities
    if not probabilities:
        raise ValueError("no digit was read, so there is no confidence to measure")
    count, edges = np.histogram(probabilities, bins, (0, 1))  # the last bin holds 1 too
    confidence, _ = np.histogram(probabilities, edges, weights=probabilities)
    hits, _ = np.histogram(probabilities, edges, weights=right)
    filled = [
        ConfidenceBin(
            low=float(edges[n]),
            high=float(edges[n + 1]),
            count=int(count[n]),
            confidence=float(confidence[n] / count[n]),
            right=float(hits[n] / count[n]),
        )
        for n in np.flatnonzero(count)
    ]
    return Reliability(filled, float(np.abs(confidence - hits).sum() / count.sum()))


def evaluate_rejection(
    model: Transformer, count: int = 500, seed: int = 40_000
) -> dict[str, float]:
    """The share of pictures that hold no digit and are flagged, by kind: letters and scribbles.

    A picture is flagged where it is refused, nothing is read, or any digit that is read is
    doubtful.

    Args:
        model: in evaluation mode.
        count: pictures of each kind.
        seed: fixes them.
    """
    shares = {}
    for name, pictures in (("letters", letter_pictures), ("scribbles", scribble_pictures)):
        flagged = [_flagged(model, picture) for _, picture in pictures(count, seed)]
        shares[name] = sum(flagged) / count
    return shares


def _flagged(model: Transformer, picture: Image.Image) -> bool:
    try:
        reading = model.read(picture)
    except InkError:
        return True
    return not reading.digits or any(reading.uncertain)


def letter_pictures(count: int, seed: int) -> Iterator[tuple[str, Image.Image]]:
    """Single printed letters that look like no digit, thin to bold, upright to turned."""
    generator = np.random.default_rng(seed)
    for n in range(count):
        letter = LETTERS[n % len(LETTERS)]
        sheet = Image.new("L", SIZE, 255)
        font = ImageFont.load_default(size=float(generator.uniform(80, 140)))
        bold = int(generator.integers(0, 7))
        middle = (SIZE[0] / 2, SIZE[1] / 2)
        ImageDraw.Draw(sheet).text(middle, letter, 0, font, anchor="mm", stroke_width=bold)
        yield letter, sheet.rotate(float(generator.normal(0, 7)), fillcolor=255)


def scribble_pictures(count: int, seed: int) -> Iterator[tuple[str, Image.Image]]:
    """Scribbles: a pen that wanders over the sheet, turning at random and lifted now and then."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        strokes = []
        brush = int(generator.integers(4, 19))
        for _ in range(generator.integers(1, 4)):
            x, y = generator.uniform(100, 300), generator.uniform(40, 150)
            angle, bend = generator.uniform(0, 2 * math.pi), 0.0
            points = [(x, y)]
            for _ in range(generator.integers(25, 70)):
                bend = 0.8 * bend + generator.normal(0, 0.35)
                angle += bend
                x, y = x + 12 * math.cos(angle), y + 12 * math.sin(angle)
                if not (60 < x < 340 and 25 < y < 165):
                    angle += math.pi / 2
                x, y = min(max(x, 60), 340), min(max(y, 25), 165)
                points.append((x, y))
            strokes.append(points)
        yield "scribble", draw_strokes(strokes, SIZE, brush)
