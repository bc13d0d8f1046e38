"""A page made ready to be read: what of reading needs no model."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..config import Config
from .canvas import picture_to_parts
from .picture import BlankDrawing, Drawing


@dataclass(frozen=True, eq=False)
class Prepared:
    """A page's ink, ready to be read; it may be sent to another process.

    Attributes:
        canvases: (n, height, width) float32, of each part of each row; or several of each, (n,
            looks, height, width).
        rows: of each row, how many parts it has, its box, and whether ink was left out (`Row`).
        reason: as in `Page`.
    """

    canvases: np.ndarray
    rows: list[tuple[int, tuple[int, int, int, int], bool]]
    reason: str = ""


def prepare_page(
    picture: Drawing,
    config: Config,
    to_canvas: Callable[[np.ndarray, Config], np.ndarray] | None = None,
) -> Prepared:
    """Find a picture's rows; as `picture_to_parts`, but a blank picture raises nothing."""
    try:
        rows = picture_to_parts(picture, config, to_canvas)
    except BlankDrawing as error:
        nothing = np.zeros((0, config.canvas_height, config.canvas_width), np.float32)
        return Prepared(nothing, [], str(error))
    canvases = np.array([part for row in rows for part in row.parts])
    return Prepared(canvases, [(len(r.parts), r.box, r.lacks_ink) for r in rows])
