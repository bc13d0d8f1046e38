"""Which earlier tokens every step of the decoder looked back at."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..explain.heads import Head
from ..reading import Reading
from .distribution import step_names
from .style import BAR, HIDDEN, SHARES


def decoder_attention_figure(reading: Reading, own_scale: bool = False) -> go.Figure:
    """Which earlier token each step looked at, by decoder layer and head.

    The future, which no step sees, stays grey, and so does a head that is off.

    Args:
        reading: made with `attention=True`.
        own_scale: whether every head's colours end at its own peak, not at 100 %.

    Raises:
        ValueError: if the reading has no maps, or nothing is drawn.
    """
    decoder = reading.maps.decoder.numpy()
    reading.check_step()
    layers, heads, steps, _ = decoder.shape
    places = [(layer, head) for layer in range(layers) for head in range(heads)]
    future = np.triu(np.ones((steps, steps), dtype=bool), k=1)
    read, chosen = ["start", *reading.digits], step_names(reading)
    figure = make_subplots(
        layers,
        heads,
        subplot_titles=[_title(place, decoder[place]) for place in places],
        horizontal_spacing=0.06,
        vertical_spacing=0.4 / layers,
    )
    for n, place in enumerate(places):
        weights = decoder[place]
        figure.add_heatmap(
            z=np.where(future | ~weights.any(), np.nan, weights),
            zmin=0,
            zmax=max(weights.max(), 1e-6) if own_scale else 1,
            colorscale=SHARES,
            showscale=n == 0 and not own_scale,
            colorbar=BAR,
            customdata=[[(c, r) for r in read] for c in chosen],
            hovertemplate="choosing %{customdata[0]}, looked at %{customdata[1]}: "
            "%{z:.1%}<extra></extra>",
            hoverongaps=False,
            xgap=1,
            ygap=1,
            row=place[0] + 1,
            col=place[1] + 1,
        )
    ticks = {"tickvals": list(range(steps)), "showgrid": False, "zeroline": False}
    figure.update_xaxes(ticktext=read, tickangle=0, **ticks)
    figure.update_yaxes(ticktext=chosen, autorange="reversed", **ticks)
    figure.update_xaxes(title="looked at", row=layers)
    figure.update_yaxes(title="choosing", col=1)
    figure.update_annotations(font_size=16, yshift=4)
    return figure.update_layout(
        height=260 * layers, margin={"l": 10, "r": 10, "t": 30, "b": 10}, plot_bgcolor=HIDDEN
    )


def _title(place: tuple[int, int], weights: np.ndarray) -> str:
    return Head("decoder", *place).name + ("" if weights.any() else ": off")
