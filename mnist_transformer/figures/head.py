"""The numbers of one attention head."""

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..explain.heads import HeadStep
from .style import ACCENT, MARGIN, QUIET, SIGNED


def head_step_figure(inside: HeadStep) -> go.Figure:
    """Query, key, their products, value and output of one head (see `inside_head`)."""
    rows = {
        "query": inside.query,
        "key": inside.key,
        "query × key": inside.products,
        "value": inside.value,
        "comes out": inside.output,
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
    return figure.update_layout(height=290, margin=MARGIN)


def head_scores_figure(inside: HeadStep, names: Sequence[str], key: int) -> go.Figure:
    """Every key's score, and below it what the softmax makes of it; one key stands out.

    Args:
        inside: as `inside_head` gives it.
        names: of the keys, for whoever hovers.
        key: the one that stands out.
    """
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.12)
    colors = [ACCENT if n == key else QUIET for n in range(len(inside.scores))]
    for row, numbers, number in ((1, inside.scores, "%{y:.2f}"), (2, inside.weights, "%{y:.1%}")):
        figure.add_bar(
            x=list(range(1, len(colors) + 1)),
            y=numbers.tolist(),
            customdata=list(names),
            marker={"color": colors, "line": {"width": 0}},
            hovertemplate="%{customdata}: " + number + "<extra></extra>",
            row=row,
            col=1,
        )
    figure.update_yaxes(title="score", nticks=4, row=1)
    figure.update_yaxes(title="softmax", tickformat=".0%", rangemode="tozero", nticks=4, row=2)
    figure.update_xaxes(showticklabels=False)
    return figure.update_layout(height=260, margin=MARGIN, showlegend=False, bargap=0.1)
