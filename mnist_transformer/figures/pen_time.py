"""Pen time: what was said while one was still writing."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from .style import BARE_AXIS, CLEAR, MARGIN, QUIET

# One colour for each digit, apart for most kinds of colour blindness when beside each other.
DIGITS = "#1971c2 #d9480f #2f9e44 #9c36b5 #f08c00 #0c8599 #e03131 #5f3dc4 #66a80f #846358".split()
SHEET_SHARE = 0.5  # of the height


def pen_time_figure(
    strokes: Sequence[np.ndarray],
    moments: Sequence[tuple[int, int]],
    said: Sequence[int | None],
    distributions: Tensor,
) -> go.Figure:
    """The strokes, each piece in the colour of the digit said at its end, over a curve a digit.

    Args:
        strokes: each (points, 2), x and y in pixels of the sheet, y downwards.
        moments: of each reading the stroke and the point at which the pen then was, from 0.
        said: of each, the digit under the pen; None if there was none.
        distributions: (moments, 11), how likely each digit was there (see `Moment`).
    """
    figure = go.Figure()
    before = (-1, 0)
    for (stroke, point), digit in zip(moments, said, strict=True):
        first = before[1] if before[0] == stroke else 0
        before = (stroke, point)
        piece = np.asarray(strokes[stroke])[first : point + 1]
        figure.add_scatter(
            x=piece[:, 0].tolist(),
            y=piece[:, 1].tolist(),
            mode="lines",
            line={"color": QUIET if digit is None else DIGITS[digit], "width": 9},
            hovertemplate=f"{'nothing' if digit is None else digit} was read<extra></extra>",
            showlegend=False,
            xaxis="x2",
            yaxis="y2",
        )
    numbers = list(range(1, len(moments) + 1))
    for digit in sorted({digit for digit in said if digit is not None}):
        figure.add_scatter(
            x=numbers,
            y=distributions[:, digit].tolist(),
            mode="lines+markers",
            name=str(digit),
            line={"color": DIGITS[digit]},
            hovertemplate=f"moment %{{x}}: {digit} with %{{y:.1%}}<extra></extra>",
        )
    return figure.update_layout(
        xaxis={"title": "moments of the pen", "anchor": "y"},
        yaxis={"tickformat": ".0%", "range": [-0.02, 1.02], "domain": [0, 1 - SHEET_SHARE - 0.05]},
        xaxis2=BARE_AXIS | {"anchor": "y2"},
        yaxis2=BARE_AXIS
        | {
            "anchor": "x2",
            "domain": [1 - SHEET_SHARE, 1],
            "autorange": "reversed",
            "scaleanchor": "x2",
        },
        plot_bgcolor=CLEAR,
        height=420,
        margin=MARGIN,
    )
