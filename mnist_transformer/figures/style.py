"""What all figures share: colours, margins, and the drawing as a picture."""

import base64
import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

ACCENT = "#d9480f"
SECOND = "#1971c2"  # what stands beside the accent: a framed patch, validation, negative numbers
QUIET = "#adb5bd"  # what is there to compare with
CLEAR = "rgba(0,0,0,0)"  # the ground under panels, whose drawings bring their own paper
HIDDEN = "#e9ecef"  # what may not be seen, or is off

# From clear to the accent colour, so that the drawing shows wherever a head does not look.
OVERLAY = [[0, "rgba(217,72,15,0)"], [0.15, "rgba(217,72,15,0.25)"], [1, "rgba(217,72,15,0.85)"]]
SHARES = [[0, "#fff4e6"], [1, ACCENT]]
SIGNED = [[0, SECOND], [0.5, "#ffffff"], [1, ACCENT]]

MARGIN = {"l": 10, "r": 10, "t": 10, "b": 10}
# Of a colour bar beside panels, which has white paper under it as they have.
BAR_TEXT = {"color": "#343a40"}
# On paper of its own, as some of its colours let through what is below.
BAR: dict[str, Any] = {
    "title": {"text": "attention", "side": "right", "font": BAR_TEXT},
    "tickformat": ".0%",
    "tickfont": BAR_TEXT,
    "thickness": 12,
    "bgcolor": "#ffffff",
    "outlinewidth": 0,
}
BARE_AXIS = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": ""}


def drawing_image(
    canvas: Tensor, scale: int = 4, hatched: Iterable[tuple[int, int, int, int]] = ()
) -> Image.Image:
    """The model's canvas as a picture: dark ink on white.

    Args:
        canvas: (height, width), 0 = paper, 1 = ink.
        scale: pixels of the picture a pixel of canvas.
        hatched: boxes to hatch: left, top, right, bottom in pixels of the canvas, right and bottom
            exclusive.
    """
    pixels = (255 - canvas.numpy() * 255).round().astype(np.uint8)
    picture = Image.fromarray(pixels)
    size = (picture.width * scale, picture.height * scale)
    picture = picture.resize(size, Image.Resampling.NEAREST)
    for box in hatched:
        left, top, right, bottom = (edge * scale for edge in box)
        rows, columns = np.mgrid[top:bottom, left:right]
        stripes = (rows + columns) % (4 * scale) < scale
        picture = picture.convert("RGB")
        picture.paste(ACCENT, (left, top), Image.fromarray(stripes))
    return picture


def data_url(picture: Image.Image) -> str:
    """The picture itself as an address, as Plotly and HTML take it."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def drawing_under_patches(canvas: Tensor, grid: tuple[int, int]) -> dict:
    """The canvas as a Plotly image under a grid of (rows, columns) patches, one unit a patch.

    Here as wherever patches are shown, rows and columns count from 1.
    """
    rows, columns = grid
    return {
        "source": data_url(drawing_image(canvas, scale=2)),
        "sizing": "stretch",
        "layer": "below",
        "x": 0.5,
        "y": 0.5,
        "sizex": columns,
        "sizey": rows,
    }


def patch_frame(patch: int, grid: tuple[int, int], x: str = "x", y: str = "y") -> dict:
    """A Plotly shape that frames one patch.

    Args:
        patch: from 0, row by row.
        grid: rows and columns of the patches.
        x, y: the axes that it stands on.
    """
    row, column = divmod(patch, grid[1])
    return {
        "type": "rect",
        "line": {"color": SECOND, "width": 2},
        "x0": column + 0.5,
        "x1": column + 1.5,
        "y0": row + 0.5,
        "y1": row + 1.5,
        "xref": x,
        "yref": y,
    }
