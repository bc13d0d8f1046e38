"""The swapped thought: how far each part of the model would carry an answer over."""

from collections.abc import Mapping

import plotly.graph_objects as go
from torch import Tensor

from ..reading import Reading
from .on_drawing import drawing_over_bars


def swap_figure(reading: Reading, patches: Tensor, parts: Mapping[str, float]) -> go.Figure:
    """The share of the way to the donor's answer, for every patch and for other parts.

    Args:
        reading: with maps, of the drawing into which something was carried.
        patches: (patches,), 0 = nothing changes, 1 = all the way (see `SwapMap`).
        parts: the same by the name of a head or a layer, from top to bottom.

    Raises:
        ValueError: if the reading has no maps.
    """
    return drawing_over_bars(reading, patches, list(parts.items()), "+.0%", "of the way")
