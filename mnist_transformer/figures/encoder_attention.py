"""Where the patches of the drawing looked in the drawing."""

import plotly.graph_objects as go
from torch import Tensor

from ..reading import Reading
from .panels import Panel, head_panels, panels_figure, panels_traces, peak
from .style import BARE_AXIS, CLEAR, drawing_under_patches, patch_frame


def encoder_attention_figure(
    reading: Reading,
    patch: int | None = None,
    looked_at: bool = False,
    own_scale: bool = False,
    stacked: bool = False,
) -> go.Figure:
    """Where one patch looked, or how much every patch was looked at, by encoder layer and head.

    Args:
        reading: made with `attention=True`.
        patch: the patch that looks, counted row by row from 0; None means the mean over all.
        looked_at: whether to show, instead of where the patch looked, which patches looked at it.
        own_scale: whether every panel's colours end at its own peak, not at the largest of all.
        stacked: whether all panels stand in one column, for a narrow page.

    Raises:
        ValueError: if the reading has no maps or no such patch.
    """
    encoder = reading.maps.encoder
    if patch is None:
        panels = head_panels(encoder.mean(dim=2), "encoder", stacked)
        return panels_figure(reading, panels, own_scale=own_scale)
    if not 0 <= patch < encoder.shape[2]:
        raise ValueError(f"patch must be 0 to {encoder.shape[2] - 1}, not {patch}")
    weights = encoder[..., patch] if looked_at else encoder[:, :, patch]
    panels = head_panels(weights, "encoder", stacked)
    return panels_figure(reading, panels, marked=patch, own_scale=own_scale)


def patch_picker_figure(reading: Reading, patch: int, weights: Tensor | None = None) -> go.Figure:
    """The drawing, large, with a point to click on every patch; one patch is framed.

    Args:
        reading: made with `attention=True`.
        patch: the framed one, counted row by row from 0.
        weights: (patches,) to lay over the drawing, so that one sees where to aim.
    """
    grid = rows, columns = reading.maps.grid
    says = "column %{x}, row %{y}"
    figure = go.Figure(
        go.Scatter(
            x=[n % columns + 1 for n in range(rows * columns)],
            y=[n // columns + 1 for n in range(rows * columns)],
            customdata=None if weights is None else weights.tolist(),
            mode="markers",
            marker={"size": 24, "symbol": "square", "opacity": 0},
            hovertemplate=says
            + ("" if weights is None else ": %{customdata:.1%}")
            + "<extra></extra>",
        )
    )
    if weights is not None:
        panel = Panel("", weights, row=0, column=0)
        (trace,) = panels_traces(reading, [panel], peak([panel]))
        figure.add_trace(trace | {"hoverinfo": "skip", "hovertemplate": None})
    figure.update_xaxes(range=[0.5, columns + 0.5], tickvals=[], **BARE_AXIS)
    figure.update_yaxes(range=[rows + 0.5, 0.5], tickvals=[], **BARE_AXIS)
    return figure.update_layout(
        images=[drawing_under_patches(reading.canvas, grid) | {"xref": "x", "yref": "y"}],
        shapes=[patch_frame(patch, grid)],
        height=170,
        margin={"l": 1, "r": 1, "t": 1, "b": 1},
        plot_bgcolor=CLEAR,
        dragmode=False,
    )
