"""From attention to what it did: several maps of the same steps under one another."""

from collections.abc import Mapping

import plotly.graph_objects as go
from torch import Tensor

from ..reading import Reading
from .panels import Panel
from .timeline import timeline


def relevance_figure(reading: Reading, maps: Mapping[str, Tensor], step: int = 0) -> go.Figure:
    """Maps of every step under one another, as a timeline, each with a scale of its own.

    The maps measure different things, so that a weight in one says nothing about that in another.

    Args:
        reading: made with `attention=True`.
        maps: title -> (steps, patches), at least 0, such as `rollout` and `relevance` give.
        step: the frame shown first.

    Raises:
        ValueError: if the reading has no maps or no such step.
    """
    steps = [
        [Panel(title, rows[n], row, column=0) for row, (title, rows) in enumerate(maps.items())]
        for n in range(reading.steps)
    ]
    return timeline(reading, steps, step, own_scale=True)
