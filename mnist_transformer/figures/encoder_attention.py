"""Where the patches of the drawing looked in the drawing."""

import plotly.graph_objects as go

from ..reading import Reading
from .panels import head_panels, panels_figure
from .style import BARE_AXIS, CLEAR, drawing_under_patches, patch_frame


def encoder_attention_figure(
    reading: Reading, patch: int | None = None, looked_at: bool = False
) -> go.Figure:
    """Where one patch looked, or how much every patch was looked at, by encoder layer and head.

    Args:
        reading: made with `attention=True`.
        patch: the patch that looks, counted row by row; None means the mean over all patches.
        looked_at: whether to show, instead of where the patch looked, which patches looked at it.

    Raises:
        ValueError: if the reading has no maps or no such patch.
    """
    encoder = reading.maps.encoder
    if patch is None:
        return panels_figure(reading, head_panels(encoder.mean(dim=2)))
    if not 0 <= patch < encoder.shape[2]:
        raise ValueError(f"patch must be 0 to {encoder.shape[2] - 1}, not {patch}")
    weights = encoder[..., patch] if looked_at else encoder[:, :, patch]
    return panels_figure(reading, head_panels(weights), marked=patch)


def patch_picker_figure(reading: Reading, patch: int) -> go.Figure:
    """The drawing, large, with a point to click on every patch; one patch is framed."""
    grid = rows, columns = reading.maps.grid
    figure = go.Figure(
        go.Scatter(
            x=[n % columns for n in range(rows * columns)],
            y=[n // columns for n in range(rows * columns)],
            mode="markers",
            marker={"size": 24, "symbol": "square", "opacity": 0},
            hovertemplate="patch column %{x}, row %{y}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[-0.5, columns - 0.5], tickvals=[], **BARE_AXIS)
    figure.update_yaxes(range=[rows - 0.5, -0.5], tickvals=[], **BARE_AXIS)
    return figure.update_layout(
        images=[drawing_under_patches(reading.canvas, grid) | {"xref": "x", "yref": "y"}],
        shapes=[patch_frame(patch, grid)],
        height=170,
        margin={"l": 1, "r": 1, "t": 1, "b": 1},
        plot_bgcolor=CLEAR,
        dragmode=False,
    )
