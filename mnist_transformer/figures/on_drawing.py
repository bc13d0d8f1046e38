"""Numbers on the drawing: each patch's own, in colour and in figures."""

from collections.abc import Sequence

import plotly.graph_objects as go
from torch import Tensor

from ..reading import Reading
from .style import ACCENT, BARE_AXIS, CLEAR, MARGIN, QUIET, SECOND, drawing_under_patches

# From blue for what speaks against, through clear, to orange for what speaks for.
SIGNED_OVERLAY = [
    [0, "rgba(25,113,194,0.85)"],
    [0.5, "rgba(25,113,194,0)"],
    [0.5, "rgba(217,72,15,0)"],
    [1, "rgba(217,72,15,0.85)"],
]
SAID = 0.08  # of the largest: a smaller number is not written out
HEIGHT = 200  # pixels that the drawing has
LINE = 22  # and a bar


def drawing_over_bars(
    reading: Reading, numbers: Tensor, bars: Sequence[tuple[str, float]], digits: str, unit: str
) -> go.Figure:
    """Numbers on the drawing, and below it other numbers of the same unit as bars.

    Args:
        reading: with maps, whose grid the patches are of.
        numbers: (patches,), of either sign.
        bars: names and numbers from top to bottom; one called "total" is grey.
        digits: how numbers are written, as Python's and Plotly's format, e.g. "+.1f".
        unit: what they are of.

    Raises:
        ValueError: if the reading has no maps.
    """
    names, values = [name for name, _ in bars], [value for _, value in bars]
    colors = [QUIET if name == "total" else ACCENT if value > 0 else SECOND for name, value in bars]
    figure = go.Figure()
    _numbers_on_drawing(figure, reading, numbers, digits)
    figure.add_bar(
        x=values,
        y=names,
        orientation="h",
        marker={"color": colors, "line": {"width": 0}},
        text=[format(value, digits) for value in values],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:" + digits + "}<extra></extra>",
        xaxis="x2",
        yaxis="y2",
    )
    height = HEIGHT + LINE * len(bars) + 60
    bottom = 1 - HEIGHT / height
    return figure.update_layout(
        yaxis={"domain": [bottom, 1]},
        xaxis2={"anchor": "y2", "tickformat": digits, "title": unit, "zeroline": True},
        yaxis2={"anchor": "x2", "domain": [0, bottom - 0.03], "autorange": "reversed"},
        height=height,
        margin=MARGIN,
        showlegend=False,
    )


def _numbers_on_drawing(figure: go.Figure, reading: Reading, numbers: Tensor, digits: str) -> None:
    """Lay numbers over the drawing, on the figure's first axes."""
    grid = rows, columns = reading.maps.grid
    top = max(float(numbers.abs().max()), 1e-6)
    values = numbers.unflatten(0, grid)
    texts = [
        [format(value, digits) if abs(value) >= SAID * top else "" for value in row]
        for row in values.tolist()
    ]
    figure.add_heatmap(
        z=values.tolist(),
        x0=1,
        y0=1,
        text=texts,
        texttemplate="%{text}",
        zmin=-top,
        zmax=top,
        colorscale=SIGNED_OVERLAY,
        showscale=False,
        hovertemplate="row %{y}, column %{x}: %{z:" + digits + "}<extra></extra>",
        xaxis="x",
        yaxis="y",
    )
    figure.add_layout_image(
        drawing_under_patches(reading.canvas, grid) | {"xref": "x", "yref": "y"}
    )
    figure.update_layout(
        xaxis=BARE_AXIS | {"range": [0.5, columns + 0.5]},
        yaxis=BARE_AXIS | {"range": [rows + 0.5, 0.5]},
        plot_bgcolor=CLEAR,
    )
