"""How training runs went."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from .style import ACCENT, MARGIN, QUIET, SECOND

Points = Sequence[tuple[int, float]]  # (step, value), in order


def curve_figure(
    curves: Mapping[str, Points],
    newest: str,
    title: str,
    steps: int,
    *,
    validation: Mapping[str, Points] | None = None,
    shares: bool = False,
) -> go.Figure:
    """One number of training runs over their steps: the newest in colour, the others grey.

    Args:
        curves: run -> what it measured while it trained.
        newest: which run that is.
        title: what the number is.
        steps: where the axis of steps ends.
        validation: run -> what it measured on new drawings, shown with a mark each.
        shares: whether the numbers lie in [0, 1] and are shown in per cent.
    """
    figure = go.Figure()
    for run, points in curves.items():
        _add(figure, run, points, ACCENT if run == newest else QUIET)
    for run, points in (validation or {}).items():
        name = f"{run}: new drawings read exactly right"
        _add(figure, name, points, SECOND if run == newest else QUIET, marks=True)
    figure.update_xaxes(range=[0, steps], title="step", tickangle=0)
    # A small learning rate is 0.0004, not 400µ.
    figure.update_yaxes(title=title, rangemode="tozero", exponentformat="none")
    if shares:
        figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    return figure.update_layout(height=240, margin=MARGIN, showlegend=False, uirevision="keep")


def _add(figure: go.Figure, name: str, points: Points, color: str, marks: bool = False) -> None:
    figure.add_scatter(
        x=[step for step, _ in points],
        y=[value for _, value in points],
        mode="lines+markers" if marks else "lines",
        name=name,
        line={"color": color},
    )
