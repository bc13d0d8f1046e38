"""A whole reading as one figure, a frame a decoding step, to play, pause and scrub."""

from collections.abc import Sequence

import plotly.graph_objects as go

from ..reading import Reading
from .distribution import outcome_bars, step_names
from .panels import (
    Panel,
    axes,
    panels_changes,
    panels_height,
    panels_layout,
    panels_titles,
    panels_traces,
    panels_veils,
    peak,
)
from .style import ACCENT

BARS, BARS_GAP = 110, 70  # pixels: the bars, and above them what the panels' axes say
CONTROLS = (
    145  # pixels above the panels: the buttons, under them the slider, so that a phone has room
)
# Without a transition of 0 Plotly takes half a second for it, and drops every heat map meanwhile.
NO_TRANSITION = {"duration": 0}
AT_ONCE = {
    "frame": {"duration": 0, "redraw": True},
    "transition": NO_TRANSITION,
    "mode": "immediate",
}
STEADILY = {
    "frame": {"duration": 900, "redraw": True},
    "transition": NO_TRANSITION,
    "fromcurrent": True,
}


def timeline(
    reading: Reading,
    steps: Sequence[Sequence[Panel]],
    step: int,
    own_scale: bool = False,
) -> go.Figure:
    """Panels over the drawing and, below them, how likely each outcome was.

    Args:
        reading: what the panels belong to.
        steps: of every decoding step the panels, the same ones at the same places.
        step: the one shown first.
        own_scale: whether every panel has colours of its own at every step; else all steps of all
            panels share one scale.

    Raises:
        ValueError: if there is no such step.
    """
    reading.check_step(step)
    top = None if own_scale else max(map(peak, steps))
    inside = panels_height(steps[step]) + BARS_GAP + BARS
    bottom = (BARS_GAP + BARS) / inside
    layout = panels_layout(reading, steps[step], top, bottom)
    x, y = axes(len(steps[step]))  # of the bars: the first that no panel has
    layout[x.replace("x", "xaxis")] = {"anchor": y, "type": "category", "tickangle": 0}
    layout[y.replace("y", "yaxis")] = {
        "anchor": x,
        "domain": [0, BARS / inside],
        "range": [0, 1],
        "tickformat": ".0%",
        "nticks": 3,
        "title": {"text": "probability"},
    }
    layout |= {
        "height": inside + CONTROLS + 40,
        "margin": {"l": 10, "r": 10, "t": CONTROLS, "b": 10, "pad": 0},
        "showlegend": False,
        "sliders": [_slider(reading, step)],
        "updatemenus": [_buttons()],
    }
    traces = panels_traces(reading, steps[step], top)
    traces.append(outcome_bars(reading, step) | {"xaxis": x, "yaxis": y})
    frames = [_frame(reading, panels, n, top, bottom) for n, panels in enumerate(steps)]
    return go.Figure(traces, layout, frames)


def _frame(
    reading: Reading, panels: Sequence[Panel], step: int, top: float | None, bottom: float
) -> dict:
    """What one step changes. A frame replaces titles and shapes whole, with their places."""
    bars = outcome_bars(reading, step)
    changes = panels_changes(reading, panels, top)
    changes.append({name: bars[name] for name in ("type", "y", "marker")})
    titles = panels_titles(panels, top, bottom)
    return {
        "name": str(step),
        "data": changes,
        "traces": list(range(len(changes))),
        "layout": {"annotations": titles, "shapes": panels_veils(panels)},
    }


def _slider(reading: Reading, step: int) -> dict:
    return {
        "active": step,
        "x": 0,
        "len": 1,
        "y": 1,
        "yanchor": "bottom",
        "pad": {"t": 0, "b": 36},
        "font": {"size": 15},
        "currentvalue": {"visible": False},
        "activebgcolor": ACCENT,
        "steps": [
            {"label": name, "method": "animate", "args": [[str(n)], AT_ONCE]}
            for n, name in enumerate(step_names(reading))
        ],
    }


def _buttons() -> dict:
    return {
        "type": "buttons",
        "direction": "left",
        "showactive": False,
        "x": 0,
        "xanchor": "left",
        "y": 1,
        "yanchor": "bottom",
        "pad": {"t": 0, "b": 100},
        "buttons": [
            {
                "label": "▶ Play",
                "method": "animate",
                "args": [None, STEADILY],
            },
            {"label": "❚❚", "method": "animate", "args": [[None], AT_ONCE]},
        ],
    }
