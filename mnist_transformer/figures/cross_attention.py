"""Where every head of the decoder looked in the drawing while it chose a digit."""

import plotly.graph_objects as go

from ..explain.heads import Head
from ..reading import Reading
from .distribution import step_names
from .panels import Panel, head_panels, panels_figure
from .style import BAR, MARGIN, SHARES
from .timeline import timeline


def cross_attention_figure(reading: Reading, step: int, own_scale: bool = False) -> go.Figure:
    """Where each head of each decoder layer looked in the drawing at one decoding step.

    Args:
        reading: made with `attention=True`.
        step: 0 for the first token, up to `reading.steps - 1` for the end.
        own_scale: whether every panel's colours end at its own peak, not at the largest of all.

    Raises:
        ValueError: if the reading has no maps or no such step.
    """
    cross = reading.maps.cross
    reading.check_step(step)
    panels = head_panels(cross[:, :, step], "cross")
    return panels_figure(reading, panels, own_scale=own_scale)


def timeline_figure(
    reading: Reading,
    step: int = 0,
    head: Head | None = None,
    own_scale: bool = False,
) -> go.Figure:
    """The whole reading, one frame a decoding step, to play, pause and scrub in the browser alone.

    Each frame shows where every cross-attention head looked, and below how likely the model held
    each digit and the end.

    Args:
        reading: made with `attention=True`.
        step: the frame shown first.
        head: one cross-attention head, to be shown alone and large; None means all.
        own_scale: whether every panel's colours end at its own peak, not at the largest of all
            panels and steps.

    Raises:
        ValueError: if the reading has no maps or no such step.
    """
    cross = reading.maps.cross
    if head is None:
        steps = [head_panels(cross[:, :, n], "cross") for n in range(reading.steps)]
    else:
        alone = cross[head.layer, head.head]
        steps = [[Panel(head.name, weights, row=0, column=0)] for weights in alone]
    return timeline(reading, steps, step, own_scale)


def reading_order_figure(reading: Reading) -> go.Figure:
    """Step by step, which columns of the drawing all cross-attention heads looked at on average.

    Raises:
        ValueError: if the reading has no maps.
    """
    mean = reading.maps.cross.mean((0, 1))
    weights = mean.unflatten(1, reading.maps.grid).sum(1)
    steps = list(range(1, reading.steps + 1))
    figure = go.Figure(
        go.Heatmap(
            z=weights.tolist(),
            x0=1,
            y=steps,
            zmin=0,
            colorscale=SHARES,
            colorbar=BAR,
            hovertemplate="step %{y}, column %{x}: %{z:.1%}<extra></extra>",
        )
    )
    figure.update_xaxes(title="column of patches", tickangle=0, showgrid=False)
    figure.update_yaxes(
        tickvals=steps, ticktext=step_names(reading), autorange="reversed", showgrid=False
    )
    return figure.update_layout(height=220, margin=MARGIN)
