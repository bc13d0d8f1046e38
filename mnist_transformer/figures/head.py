"""The numbers of one attention head."""

import plotly.graph_objects as go

from ..explain.heads import HeadStep
from .style import MARGIN, SIGNED


def head_step_figure(inside: HeadStep) -> go.Figure:
    """Query, key, their products and value of one head, number by number (see `inside_head`)."""
    rows = {
        "query": inside.query,
        "key": inside.key,
        "query × key": inside.products,
        "value": inside.value,
    }
    values = [row.tolist() for row in rows.values()]
    top = max(abs(v) for row in values for v in row)
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=[str(n + 1) for n in range(len(inside.query))],
            y=list(rows),
            text=[[f"{v:.1f}" for v in row] for row in values],
            texttemplate="%{text}",
            zmin=-top,
            zmax=top,
            colorscale=SIGNED,
            showscale=False,
            xgap=2,
            ygap=6,
            hovertemplate="%{y}, dimension %{x}: %{z:.3f}<extra></extra>",
        )
    )
    figure.update_xaxes(title="dimension of the head", tickangle=0, showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure.update_layout(height=240, margin=MARGIN)
