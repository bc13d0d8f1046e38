"""Which heads a reading needs."""

from collections.abc import Mapping

import plotly.graph_objects as go

from ..explain.heads import Head
from .style import MARGIN, SHARES

NAMES = {"encoder": "Encoder", "decoder": "Decoder self", "cross": "Cross"}


def importance_figure(importance: Mapping[Head, float]) -> go.Figure:
    """Every head as a field, the darker the more the reading needs it (see `head_importance`).

    A head that hurts is shown as one that does nothing; its number is there on hover.
    """
    layers = list(dict.fromkeys((head.attention, head.layer) for head in importance))
    heads = sorted({head.head for head in importance})
    values = [
        [importance[Head(attention, layer, head)] for head in heads] for attention, layer in layers
    ]
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=[f"Head {head + 1}" for head in heads],
            y=[f"{NAMES[attention]} {layer + 1}" for attention, layer in layers],
            text=[[f"{max(0.0, value):.2f}" for value in row] for row in values],
            texttemplate="%{text}",
            zmin=0,
            zmax=max(0.1, max(map(max, values))),
            colorscale=SHARES,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="%{y}, %{x} off: %{z:.3f} nats of log probability lost<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(side="top", tickangle=0, showgrid=False)
    return figure.update_layout(height=40 * len(layers) + 50, margin=MARGIN | {"t": 30})
