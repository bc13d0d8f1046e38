"""The answer before it is finished."""

import plotly.graph_objects as go
from torch import Tensor

from ..reading import Reading
from .distribution import OUTCOMES, step_names
from .style import BAR, MARGIN, SHARES


def lens_figure(reading: Reading, lens: Tensor) -> go.Figure:
    """The likeliest outcome at every step after every layer.

    Args:
        reading: whose steps they are.
        lens: (layers + 1, steps, 11) probabilities, as `logit_lens` gives them.
    """
    probability, token = lens.max(-1)
    rows = ["embedding", *(f"after decoder {n}" for n in range(1, len(lens)))]
    steps = list(range(reading.steps))
    figure = go.Figure(
        go.Heatmap(
            z=probability.tolist(),
            x=steps,
            y=rows,
            text=[[OUTCOMES[t] for t in row] for row in token.tolist()],
            texttemplate="%{text}",
            textfont={"size": 18 if reading.steps <= 6 else 13},
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
    return figure.update_layout(height=50 * len(rows) + 60, margin=MARGIN)
