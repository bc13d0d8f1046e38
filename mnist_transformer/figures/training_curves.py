"""How training runs went."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from .style import ACCENT, MARGIN, QUIET

Points = Sequence[tuple[int, float]]  # (step, value), in order


def curve_figure(
    curves: Mapping[str, Points],
    newest: str,
    title: str,
    steps: int,
    *,
    marks: bool = False,
    shares: bool = False,
) -> go.Figure:
    """One number of training runs over their steps: the newest in colour, the others grey.

    Args:
        curves: run -> what it measured.
        newest: which run that is.
        title: what the number is.
        steps: where the axis of steps ends.
        marks: whether every point has a mark, as befits numbers measured now and then.
        shares: whether the numbers lie in [0, 1] and are shown in per cent.
    """
    figure = go.Figure()
    for run, points in curves.items():
        figure.add_scatter(
            x=[step for step, _ in points],
            y=[value for _, value in points],
            mode="lines+markers" if marks else "lines",
            name=run,
            line={"color": ACCENT if run == newest else QUIET},
        )
    figure.update_xaxes(range=[0, steps], title="step", tickangle=0)
    # A small learning rate is 0.0004, not 400µ.
    figure.update_yaxes(title=title, rangemode="tozero", exponentformat="none")
    if shares:
        figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    return figure.update_layout(height=240, margin=MARGIN, showlegend=False, uirevision="keep")
