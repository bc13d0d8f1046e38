"""Which earlier tokens every step of the decoder looked back at."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..reading import Reading
from .distribution import step_names
from .style import HIDDEN, SHARES


def decoder_attention_figure(reading: Reading) -> go.Figure:
    """Which earlier token each step looked at, by decoder layer and head; the future stays blank.

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
        subplot_titles=[f"Layer {layer + 1}, head {head + 1}" for layer, head in places],
        horizontal_spacing=0.06,
        vertical_spacing=0.2,
    )
    for layer, head in places:
        figure.add_heatmap(
            z=np.where(future, np.nan, decoder[layer, head]),
            zmin=0,
            zmax=1,
            colorscale=SHARES,
            showscale=layer == head == 0,
            colorbar={"title": "attention", "tickformat": ".0%", "thickness": 12},
            customdata=[[(c, r) for r in read] for c in chosen],
            hovertemplate="choosing %{customdata[0]}, looked at %{customdata[1]}: "
            "%{z:.1%}<extra></extra>",
            hoverongaps=False,
            xgap=1,
            ygap=1,
            row=layer + 1,
            col=head + 1,
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
