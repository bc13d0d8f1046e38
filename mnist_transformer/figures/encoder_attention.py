"""Where the patches of the drawing looked in the drawing."""

import plotly.graph_objects as go

from ..reading import Reading
from .panels import head_panels, panels_figure


def encoder_attention_figure(
    reading: Reading,
    patch: int | None = None,
    looked_at: bool = False,
    own_scale: bool = False,
) -> go.Figure:
    """Where one patch looked, or how much every patch was looked at, by encoder layer and head.

    Args:
        reading: made with `attention=True`.
        patch: the patch that looks, counted row by row from 0; None means the mean over all.
        looked_at: whether to show, instead of where the patch looked, which patches looked at it.
        own_scale: whether every panel's colours end at its own peak, not at the largest of all.

    Raises:
        ValueError: if the reading has no maps or no such patch.
    """
    encoder = reading.maps.encoder
    if patch is None:
        panels = head_panels(encoder.mean(dim=2), "encoder")
        return panels_figure(reading, panels, own_scale=own_scale)
    if not 0 <= patch < encoder.shape[2]:
        raise ValueError(f"patch must be 0 to {encoder.shape[2] - 1}, not {patch}")
    weights = encoder[..., patch] if looked_at else encoder[:, :, patch]
    panels = head_panels(weights, "encoder")
    return panels_figure(reading, panels, marked=patch, own_scale=own_scale)
