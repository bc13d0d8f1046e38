"""What heads do, over many lines."""

from collections.abc import Mapping

import plotly.graph_objects as go

from .style import MARGIN, SHARES


def habits_figure(shares: Mapping[str, Mapping[str, float]]) -> go.Figure:
    """A row a head: which share of its attention goes to what.

    Args:
        shares: head -> what it looks at -> share, such as `head_habits` gives for the heads of one
            kind; what is looked at is the same for all.
    """
    heads, places = list(shares), list(next(iter(shares.values()), {}))
    values = [list(of_head.values()) for of_head in shares.values()]
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=places,
            y=heads,
            text=[[f"{share:.0%}" for share in row] for row in values],
            texttemplate="%{text}",
            zmin=0,
            zmax=1,
            colorscale=SHARES,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="%{y}: %{z:.1%} to %{x}<extra></extra>",
        )
    )
    figure.update_xaxes(side="top", tickangle=0, showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure.update_layout(height=30 * len(heads) + 60, margin=MARGIN)
