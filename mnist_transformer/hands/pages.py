"""Pages of pen digits as people hand them over: rows and gaps of all kinds, paper in any light.

A page is written with the strokes of one writer (`hands/pen.py`), then photographed: every kind
changes one thing that makes pages hard to read, and `note` several at once.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from ..ink import draw_strokes
from .pen import PenDigit, by_writer

MARGIN = 0.5  # of a digit's height, around what is written


@dataclass(frozen=True)
class PenPage:
    """A picture of a page: its `kind`, and the digits of its `rows` from top to bottom."""

    picture: Image.Image
    rows: list[str]
    kind: str


@dataclass(frozen=True)
class _Layout:
    """How a page is written; lengths in digits' heights, the height itself in pixels."""

    counts: list[int]
    gap: tuple[float, float] = (0.12, 0.5)
    leading: tuple[float, float] = (1.5, 2.0)
    slope: float = 0.0
    brush: tuple[float, float] = (0.06, 0.14)


def pen_pages(digits: list[PenDigit], count: int, seed: int) -> Iterator[PenPage]:
    """Write `count` fixed pages of every kind, each by one of the writers.

    Args:
        digits: from `load_pen_digits`.
        count: of each kind.
        seed: fixes the pages.
    """
    writers = list(by_writer(digits).values())
    for kind, (layout, paper) in KINDS.items():
        for number in range(count):
            generator = np.random.default_rng([seed, number, *kind.encode()])
            own = writers[generator.integers(len(writers))]
            sheet, rows = _write(own, layout(generator), generator)
            picture = Image.fromarray(np.clip(paper(sheet, generator), 0, 255).astype(np.uint8))
            yield PenPage(picture, rows, kind)


def _write(
    own: list[PenDigit], layout: _Layout, generator: np.random.Generator
) -> tuple[np.ndarray, list[str]]:
    """The page as (height, width) float, 0 = ink, 255 = paper, and the digits of its rows."""
    height = generator.uniform(55, 120)
    strokes, rows = [], []
    top = 0.0
    for count in layout.counts:
        chosen = [own[i] for i in generator.integers(len(own), size=count)]
        left = generator.uniform(0, 0.8) * height
        for digit in chosen:
            points = np.concatenate(digit.strokes)
            corner, size = points.min(0), np.ptp(points, 0)
            scale = height * generator.uniform(0.85, 1.1) / max(size[1], size[0] / 2, 1)
            shift = top + layout.slope * left + generator.uniform(-0.06, 0.06) * height
            strokes += [(stroke - corner) * scale + (left, shift) for stroke in digit.strokes]
            left += size[0] * scale + generator.uniform(*layout.gap) * height
        rows.append("".join(str(digit.label) for digit in chosen))
        top += generator.uniform(*layout.leading) * height
    points = np.concatenate(strokes)
    corner = points.min(0) - MARGIN * height
    size = np.ceil(np.ptp(points, 0) + 2 * MARGIN * height).astype(int)
    brush = generator.uniform(*layout.brush) * height
    sheet = draw_strokes([stroke - corner for stroke in strokes], tuple(size.tolist()), brush)
    return np.asarray(sheet).astype(float), rows


def _one_row(generator: np.random.Generator) -> _Layout:
    return _Layout([int(generator.integers(3, 9))])


def _rows(generator: np.random.Generator) -> _Layout:
    return _Layout(generator.integers(1, 9, size=generator.integers(2, 6)).tolist())


def _clean(sheet: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return sheet


def _in_light(sheet: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Photographed with a shadow across it, grain, and the blocks of a JPEG file."""
    height, width = sheet.shape
    y, x = np.mgrid[0:height, 0:width]
    angle = generator.uniform(0, 2 * np.pi)
    along = np.cos(angle) * x / width + np.sin(angle) * y / height
    along = (along - along.min()) / np.ptp(along)
    edge = 1 / (1 + np.exp(-(along - generator.uniform(0.3, 0.7)) * generator.uniform(5, 50)))
    light = generator.uniform(0.35, 0.6) + 0.45 * edge
    pale = 255 - generator.uniform(0.5, 0.9) * (255 - sheet)
    seen = pale * light + generator.normal(0, 4, sheet.shape)
    seen = cv2.GaussianBlur(seen, (0, 0), generator.uniform(0.5, 1.0))
    file = io.BytesIO()
    Image.fromarray(np.clip(seen, 0, 255).astype(np.uint8)).save(
        file, "JPEG", quality=int(generator.integers(40, 85))
    )
    return np.asarray(Image.open(file)).astype(float)


def _pencil(sheet: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return _in_light(255 - 0.45 * (255 - sheet), generator)


def _ruled(sheet: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """With lines across it, a little tilted."""
    step, thickness = generator.uniform(30, 70), generator.uniform(1, 3)
    y, x = np.mgrid[0 : sheet.shape[0], 0 : sheet.shape[1]]
    place = (y + generator.uniform(-0.02, 0.02) * x + generator.uniform(0, step)) % step
    rule = np.clip(thickness - np.abs(place - thickness) + 0.5, 0, 1)
    return np.minimum(sheet, 255 - generator.uniform(60, 150) * rule)


def _squared(sheet: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.minimum(_ruled(sheet, generator), _ruled(sheet.T, generator).T)


def _framed(sheet: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    width = int(generator.integers(2, 8))
    framed = np.pad(sheet, width, constant_values=generator.uniform(0, 100))
    return np.pad(framed, int(generator.integers(0, 20)), constant_values=255)


def _on_desk(sheet: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """On a dark, grainy desk, turned a little."""
    rim = int(generator.integers(40, 120))
    desk = generator.normal(generator.uniform(40, 110), 12, np.add(sheet.shape, 2 * rim))
    turn = cv2.getRotationMatrix2D(
        (sheet.shape[1] / 2, sheet.shape[0] / 2), generator.uniform(-3, 3), 1
    )
    turn[:, 2] += rim
    size = desk.shape[::-1]
    paper = cv2.warpAffine(0.9 * sheet, turn, size, borderValue=-1)
    covered = cv2.warpAffine(np.ones_like(sheet), turn, size)
    return covered * paper + (1 - covered) * desk


def _ruled_in_light(sheet: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return _in_light(_ruled(sheet, generator), generator)


_Writing = Callable[[np.random.Generator], _Layout]
_Paper = Callable[[np.ndarray, np.random.Generator], np.ndarray]
# How each kind is written, and on what paper.
KINDS: dict[str, tuple[_Writing, _Paper]] = {
    "gaps": (lambda g: _Layout([int(g.integers(3, 7))], gap=(0.5, 2.2)), _clean),
    "long": (lambda g: _Layout([int(g.integers(9, 17))]), _clean),
    "rows": (_rows, _clean),
    "square": (lambda g: _Layout([2, 2], gap=(0.3, 1.2), leading=(1.2, 1.8)), _clean),
    "slope": (lambda g: _Layout([int(g.integers(3, 9))], slope=g.uniform(-0.25, 0.25)), _clean),
    "light": (_one_row, _in_light),
    "pencil": (lambda g: _Layout([int(g.integers(3, 9))], brush=(0.025, 0.04)), _pencil),
    "ruled": (_one_row, _ruled),
    "squared": (_one_row, _squared),
    "frame": (_one_row, _framed),
    "desk": (_one_row, _on_desk),
    "note": (_rows, _ruled_in_light),
}
