"""The page's sheet and brush: pen strokes as a picture."""

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw

SHEET = (1100, 190)  # width and height of the page's sheet in pixels
BRUSH = 12  # the diameter of its brush
_FINE = 4  # strokes are drawn this many times larger, then averaged down


def draw_strokes(
    strokes: Iterable[Sequence[Sequence[float]] | np.ndarray],
    size: tuple[int, int],
    brush: float,
) -> Image.Image:
    """Draw strokes with a round brush: dark on white, with smooth edges.

    Args:
        strokes: each (points, 2), x and y in pixels from the sheet's upper left corner; a single
            point is a dot.
        size: (width, height) of the sheet in pixels.
        brush: the brush's diameter in pixels.
    """
    sheet = Image.new("L", (size[0] * _FINE, size[1] * _FINE), 255)
    pen = ImageDraw.Draw(sheet)
    radius = brush * _FINE / 2
    for stroke in strokes:
        points = [(float(x) * _FINE, float(y) * _FINE) for x, y in stroke]
        if len(points) > 1:
            pen.line(points, 0, round(2 * radius), joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)
    return sheet.reduce(_FINE)
