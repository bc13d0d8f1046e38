"""The answer before it is finished."""

from collections.abc import Sequence

import plotly.graph_objects as go
from torch import Tensor

from ..reading import Reading
from .distribution import OUTCOMES, step_names
from .style import BAR, MARGIN, SHARES


def lens_figure(reading: Reading, names: Sequence[str], distributions: Tensor) -> go.Figure:
    """The likeliest outcome at every step after every part of the decoder.

    Args:
        reading: whose steps they are.
        names: of the parts, from the first to the last (see `Lens`).
        distributions: (parts, steps, 11), the probabilities after each.
    """
    probability, token = distributions.max(-1)
    rows = [f"after {name}" for name in names]
    steps = list(range(reading.steps))
    figure = go.Figure(
        go.Heatmap(
            z=probability.tolist(),
            x=steps,
            y=rows,
            text=[[OUTCOMES[t] for t in row] for row in token.tolist()],
            texttemplate="%{text}",
            # Black is read on every share of the accent colour at 4.5 : 1 and more.
            textfont={"size": 18 if reading.steps <= 6 else 13, "color": "#000"},
            zmin=0,
            zmax=1,
            colorscale=SHARES,
            colorbar=BAR | {"title": BAR["title"] | {"text": "probability"}},
            xgap=2,
            ygap=2,
            hovertemplate="%{y}: %{text} with %{z:.1%}<extra></extra>",
        )
    )
    figure.update_xaxes(
        tickvals=steps,
        ticktext=step_names(reading),
        title="what was chosen in the end",
        tickangle=0,
        showgrid=False,
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure.update_layout(height=40 * len(rows) + 60, margin=MARGIN)
