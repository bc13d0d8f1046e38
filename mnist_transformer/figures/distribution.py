"""How likely the model held each outcome."""

import plotly.graph_objects as go

from ..reading import Classification, Reading
from .style import ACCENT, MARGIN, QUIET

OUTCOMES = [*"0123456789", "end"]


def step_names(reading: Reading) -> list[str]:
    """What each decoding step chose, e.g. ["4", "2", "end"]."""
    return [*reading.digits, "end"][: reading.steps]


def distribution_figure(reading: Reading, step: int) -> go.Figure:
    """How likely the model held each digit, and the end, at one decoding step.

    Raises:
        ValueError: if there is no such step.
    """
    reading.check_step(step)
    return _bars(outcome_bars(reading, step), height=220)


def class_figure(classification: Classification) -> go.Figure:
    """How likely the classifier held each digit."""
    return _bars(_bar_trace(OUTCOMES[:10], classification.probabilities), height=200)


def outcome_bars(reading: Reading, step: int) -> dict:
    """The trace of `distribution_figure`."""
    return _bar_trace(OUTCOMES, reading.distributions[step].tolist())


def _bar_trace(names: list[str], probabilities: list[float]) -> dict:
    best = max(probabilities, default=0)
    return {
        "type": "bar",
        "x": names,
        "y": probabilities,
        "marker": {"color": [ACCENT if p == best else QUIET for p in probabilities]},
        "hovertemplate": "%{x}: %{y:.2%}<extra></extra>",
    }


def _bars(trace: dict, height: int) -> go.Figure:
    figure = go.Figure([trace])
    figure.update_yaxes(range=[0, 1], tickformat=".0%", title="probability")
    figure.update_xaxes(type="category", tickangle=0)
    return figure.update_layout(height=height, margin=MARGIN)
