"""A whole reading as one figure, a frame a decoding step, to play, pause and scrub."""

from collections.abc import Sequence

import plotly.graph_objects as go

from ..reading import Reading
from .distribution import outcome_bars, step_names
from .panels import (
    Panel,
    axes,
    panels_changes,
    panels_layout,
    panels_titles,
    panels_traces,
    panels_veils,
)
from .style import ACCENT

# The bars' share of the figure's height, below the panels, and that of the panels' tick labels.
STRIP, STRIP_GAP = 0.24, 0.12
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


def timeline(reading: Reading, steps: Sequence[Sequence[Panel]], step: int) -> go.Figure:
    """Panels over the drawing and, below them, how likely each outcome was.

    Args:
        reading: what the panels belong to.
        steps: of every decoding step the panels, the same ones at the same places.
        step: the one shown first.

    Raises:
        ValueError: if there is no such step.
    """
    reading.check_step(step)
    layout = panels_layout(reading, steps[step], bottom=STRIP)
    x, y = axes(len(steps[step]))  # of the bars: the first that no panel has
    layout[x.replace("x", "xaxis")] = {"anchor": y, "type": "category", "tickangle": 0}
    layout[y.replace("y", "yaxis")] = {
        "anchor": x,
        "domain": [0, STRIP - STRIP_GAP],
        "range": [0, 1],
        "tickformat": ".0%",
        "nticks": 3,
        "title": {"text": "probability"},
    }
    layout |= {
        "height": layout["height"] + 260,
        "margin": {"l": 10, "r": 10, "t": 105, "b": 10, "pad": 0},
        "showlegend": False,
        "sliders": [_slider(reading, step)],
        "updatemenus": [_buttons()],
    }
    traces = panels_traces(reading, steps[step])
    traces.append(outcome_bars(reading, step) | {"xaxis": x, "yaxis": y})
    frames = [_frame(reading, panels, n) for n, panels in enumerate(steps)]
    return go.Figure(traces, layout, frames)


def _frame(reading: Reading, panels: Sequence[Panel], step: int) -> dict:
    """What one step changes. A frame replaces titles and shapes whole, with their places."""
    bars = outcome_bars(reading, step)
    changes = panels_changes(reading, panels)
    changes.append({name: bars[name] for name in ("type", "y", "marker")})
    return {
        "name": str(step),
        "data": changes,
        "traces": list(range(len(changes))),
        "layout": {"annotations": panels_titles(panels, STRIP), "shapes": panels_veils(panels)},
    }


def _slider(reading: Reading, step: int) -> dict:
    return {
        "active": step,
        "x": 0.16,
        "len": 0.84,
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
        "pad": {"t": 0, "b": 52},
        "buttons": [
            {
                "label": "▶ Play",
                "method": "animate",
                "args": [None, STEADILY],
            },
            {"label": "❚❚", "method": "animate", "args": [[None], AT_ONCE]},
        ],
    }
