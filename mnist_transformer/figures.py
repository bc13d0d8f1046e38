"""Plotly figures of a reading: every head's attention, laid over the drawing.

The page draws with these, and so can a notebook:
`cross_attention_figure(model.read(image, attention=True), step=0).show()`.
"""

import base64
import copy
import functools
import io

import numpy as np
import plotly.graph_objects as go
import torch
from PIL import Image
from plotly.subplots import make_subplots
from torch import Tensor

from .explain.interventions import Head
from .explain.relevance import HeadStep, mean_cross_attention, relevance, rollout
from .reading import Classification, Reading
from .train import Progress
from .transformer import Transformer

ACCENT = "#d9480f"
# From clear to the accent colour, so that the drawing shows wherever a head does not look.
_OVERLAY = [[0, "rgba(217,72,15,0)"], [0.15, "rgba(217,72,15,0.25)"], [1, "rgba(217,72,15,0.85)"]]
_MATRIX = [[0, "#fff4e6"], [1, ACCENT]]
_SIGNED = [[0, "#1971c2"], [0.5, "#ffffff"], [1, ACCENT]]
_PANEL_HEIGHT = 112


def cross_attention_figure(reading: Reading, step: int) -> go.Figure:
    """Where each head of each decoder layer looked in the drawing at one decoding step.

    Args:
        reading: made with `attention=True`.
        step: 0 for the first token, up to `reading.steps - 1` for the end.

    Raises:
        ValueError: if the reading has no maps or no such step.
    """
    cross = _maps(reading).cross
    if not 0 <= step < reading.steps:
        raise ValueError(f"step must be 0 to {reading.steps - 1}, not {step}")
    return _over_drawing(reading, cross[:, :, step])


def timeline_figure(reading: Reading, step: int = 0, head: Head | None = None) -> go.Figure:
    """The whole reading, one frame a decoding step, to play, pause and scrub in the browser alone.

    Each frame shows where every cross-attention head looked, and below how likely the model held
    each digit and the end.

    Args:
        reading: made with `attention=True`.
        step: the frame shown first.
        head: one cross-attention head, to be shown alone and large; None means all.

    Raises:
        ValueError: if the reading has no maps or no such step.
    """
    weights = _maps(reading).cross
    if head is None:
        return _timeline(reading, weights, None, step)
    title = f"Layer {head.layer + 1}, head {head.head + 1}"
    return _timeline(reading, weights[head.layer, head.head][None, None], [title], step)


def relevance_figure(model: Transformer, reading: Reading, step: int = 0) -> go.Figure:
    """Raw attention, rollout and relevance (see `relevance`) under one another, as a timeline.

    Args:
        model: what made the reading.
        reading: made with `attention=True`.
        step: the frame shown first.

    Raises:
        ValueError: if the reading has no maps or no such step.
    """
    _maps(reading)
    panels = {
        "Raw: the mean of all cross-attention heads": mean_cross_attention(reading),
        "Rollout: followed back through the encoder": rollout(reading),
        "Relevance: what spoke for this choice": relevance(model, reading),
    }
    return _timeline(reading, torch.stack(list(panels.values()))[None], [*panels], step)


def _timeline(reading: Reading, weights: Tensor, titles: list[str] | None, step: int) -> go.Figure:
    """Panels of (layers, heads, steps, patches) weights, a frame a step, over bars of outcomes."""
    if not 0 <= step < reading.steps:
        raise ValueError(f"step must be 0 to {reading.steps - 1}, not {step}")
    data, layout = _panels(reading, weights[:, :, step], titles)
    heads = weights.shape[1]
    # The bars take a strip below the panels, which move up.
    strip = 0.24
    for name, axis in layout.items():
        if name.startswith("yaxis"):
            axis["domain"] = [strip + (1 - strip) * end for end in axis["domain"]]
    for title in layout["annotations"]:
        title["y"] = strip + (1 - strip) * title["y"]
    data.append(_outcome_bars(reading, step) | {"xaxis": "x99", "yaxis": "y99"})
    layout["showlegend"] = False
    layout["xaxis99"] = {"anchor": "y99", "domain": [0, 1], "type": "category", "tickangle": 0}
    layout["yaxis99"] = {
        "anchor": "x99",
        "domain": [0, strip - 0.12],
        "range": [0, 1],
        "tickformat": ".0%",
        "nticks": 3,
        "title": {"text": "probability"},
    }
    frames = []
    for n in range(reading.steps):
        bars = _outcome_bars(reading, n)
        changes = [{"type": "heatmap", "z": grid} for grid in _grids(reading, weights[:, :, n])]
        changes.append({name: bars[name] for name in ("type", "y", "marker")})
        # A frame replaces titles whole: the text is this step's, the place the timeline's.
        texts = titles or _titles(weights[:, :, n])
        annotations = [
            title | {"text": text} for title, text in zip(layout["annotations"], texts, strict=True)
        ]
        frames.append(
            {
                "name": str(n),
                "data": changes,
                "traces": list(range(len(data))),
                "layout": {"annotations": annotations},
            }
        )
    instantly = {"frame": {"duration": 0, "redraw": True}, "mode": "immediate"}
    steadily = {"frame": {"duration": 900, "redraw": True}, "fromcurrent": True}
    names = step_names(reading)
    layout |= dict(
        height=_PANEL_HEIGHT * heads + 310,
        margin={"l": 10, "r": 10, "t": 105, "b": 10, "pad": 0},
        sliders=[
            {
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
                    {"label": names[n], "method": "animate", "args": [[str(n)], instantly]}
                    for n in range(reading.steps)
                ],
            }
        ],
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "showactive": False,
                "x": 0,
                "xanchor": "left",
                "y": 1,
                "yanchor": "bottom",
                "pad": {"t": 0, "b": 52},
                "buttons": [
                    {"label": "▶ Play", "method": "animate", "args": [None, steadily]},
                    {"label": "❚❚", "method": "animate", "args": [[None], instantly]},
                ],
            }
        ],
    )
    return go.Figure(data, layout, frames)


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
    encoder = _maps(reading).encoder
    if patch is None:
        return _over_drawing(reading, encoder.mean(dim=2))
    if not 0 <= patch < encoder.shape[2]:
        raise ValueError(f"patch must be 0 to {encoder.shape[2] - 1}, not {patch}")
    weights = encoder[..., patch] if looked_at else encoder[:, :, patch]
    return _over_drawing(reading, weights, marked=patch)


def patch_picker_figure(reading: Reading, patch: int) -> go.Figure:
    """The drawing, large, with a point to click on every patch; one patch is framed."""
    rows, columns = patch_grid(reading)
    figure = go.Figure(
        go.Scatter(
            x=[n % columns for n in range(rows * columns)],
            y=[n // columns for n in range(rows * columns)],
            mode="markers",
            marker={"size": 24, "symbol": "square", "opacity": 0},
            hovertemplate="patch column %{x}, row %{y}<extra></extra>",
        )
    )
    figure.add_layout_image(
        source=_drawing_source(reading), xref="x", yref="y", **_under(rows, columns)
    )
    _frame_patch(figure, patch, columns, {})
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": ""}
    figure.update_xaxes(range=[-0.5, columns - 0.5], tickvals=[], **bare)
    figure.update_yaxes(range=[rows - 0.5, -0.5], tickvals=[], **bare)
    figure.update_layout(
        height=170, margin={"l": 1, "r": 1, "t": 1, "b": 1}, plot_bgcolor="white", dragmode=False
    )
    return figure


def patch_grid(reading: Reading) -> tuple[int, int]:
    """Rows and columns of the patches of a reading made with `attention=True`."""
    height, width = reading.canvas.shape
    side = round((height * width / _maps(reading).cross.shape[-1]) ** 0.5)
    return height // side, width // side


def head_step_figure(inside: HeadStep) -> go.Figure:
    """Query, key, their products and value of one head, number by number (see `inside_head`)."""
    rows = {
        "query": inside.query,
        "key": inside.key,
        "query × key": inside.products,
        "value": inside.value,
    }
    values = [row.tolist() for row in rows.values()]
    top = max(abs(v) for row in values for v in row)
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=[str(n + 1) for n in range(len(inside.query))],
            y=list(rows),
            text=[[f"{v:.1f}" for v in row] for row in values],
            texttemplate="%{text}",
            zmin=-top,
            zmax=top,
            colorscale=_SIGNED,
            showscale=False,
            xgap=2,
            ygap=6,
            hovertemplate="%{y}, dimension %{x}: %{z:.3f}<extra></extra>",
        )
    )
    figure.update_xaxes(title="dimension of the head", tickangle=0, showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_layout(height=240, margin={"l": 10, "r": 10, "t": 10, "b": 10})
    return figure


def decoder_attention_figure(reading: Reading) -> go.Figure:
    """Which earlier token each step looked at, by decoder layer and head; the future stays blank.

    Raises:
        ValueError: if the reading has no maps.
    """
    decoder = _maps(reading).decoder.numpy()
    layers, heads, steps, _ = decoder.shape
    future = np.triu(np.ones((steps, steps), dtype=bool), k=1)
    read = ["start", *reading.digits]
    chosen = step_names(reading)
    figure = make_subplots(
        layers,
        heads,
        subplot_titles=[
            f"Layer {layer + 1}, head {head + 1}"
            for layer in range(layers)
            for head in range(heads)
        ],
        horizontal_spacing=0.06,
        vertical_spacing=0.2,
    )
    for layer in range(layers):
        for head in range(heads):
            weights = np.where(future, np.nan, decoder[layer, head])
            figure.add_heatmap(
                z=weights,
                zmin=0,
                zmax=1,
                colorscale=_MATRIX,
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
    ticks = list(range(steps))
    figure.update_xaxes(tickvals=ticks, ticktext=read, tickangle=0, showgrid=False, zeroline=False)
    figure.update_yaxes(
        tickvals=ticks, ticktext=chosen, autorange="reversed", showgrid=False, zeroline=False
    )
    figure.update_xaxes(title="looked at", row=layers)
    figure.update_yaxes(title="choosing", col=1)
    figure.update_annotations(font_size=16, yshift=4)
    figure.update_layout(
        height=260 * layers, margin={"l": 10, "r": 10, "t": 30, "b": 10}, plot_bgcolor="#e9ecef"
    )
    return figure


def step_names(reading: Reading) -> list[str]:
    """What each decoding step chose, e.g. ["4", "2", "end"]."""
    return [*reading.digits, "end"][: reading.steps]


def distribution_figure(reading: Reading, step: int) -> go.Figure:
    """How likely the model held each digit, and the end, at one decoding step.

    Raises:
        ValueError: if there is no such step.
    """
    if not 0 <= step < reading.steps:
        raise ValueError(f"step must be 0 to {reading.steps - 1}, not {step}")
    return _bars(_outcome_bars(reading, step))


def _outcome_bars(reading: Reading, step: int) -> dict:
    return _bar_trace([*"0123456789", "end"], reading.distributions[step].tolist())


def importance_figure(importance: dict[Head, float]) -> go.Figure:
    """Every head as a field, the darker the more the reading needs it (see `head_importance`).

    A head that is in the way counts as one that does nothing; its number is there on hover.
    """
    names = {"encoder": "Encoder", "decoder": "Decoder self", "cross": "Cross"}
    layers = list(dict.fromkeys((head.attention, head.layer) for head in importance))
    heads = sorted({head.head for head in importance})
    values = [
        [importance[Head(attention, layer, head)] for head in heads] for attention, layer in layers
    ]
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=[f"Head {head + 1}" for head in heads],
            y=[f"{names[attention]} {layer + 1}" for attention, layer in layers],
            text=[[f"{max(0.0, value):.2f}" for value in row] for row in values],
            texttemplate="%{text}",
            zmin=0,
            zmax=max(0.1, max(map(max, values))),
            colorscale=_MATRIX,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="%{y}, %{x} off: %{z:.3f} nats of log probability lost<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(side="top", tickangle=0, showgrid=False)
    figure.update_layout(height=40 * len(layers) + 50, margin={"l": 10, "r": 10, "t": 30, "b": 10})
    return figure


def lens_figure(reading: Reading, lens: Tensor) -> go.Figure:
    """The likeliest outcome at every step after every layer (see `logit_lens`)."""
    probability, token = lens.max(-1)
    outcomes = [*"0123456789", "end"]
    rows = ["Embedding", *(f"After layer {n}" for n in range(1, len(lens)))]
    figure = go.Figure(
        go.Heatmap(
            z=probability.tolist(),
            x=list(range(reading.steps)),
            y=rows,
            text=[[outcomes[t] for t in row] for row in token.tolist()],
            texttemplate="%{text}",
            textfont={"size": 18},
            zmin=0,
            zmax=1,
            colorscale=_MATRIX,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="%{y}: %{text} with %{z:.1%}<extra></extra>",
        )
    )
    figure.update_xaxes(
        tickvals=list(range(reading.steps)),
        ticktext=step_names(reading),
        title="what was chosen in the end",
        tickangle=0,
        showgrid=False,
    )
    figure.update_yaxes(showgrid=False)
    figure.update_layout(height=50 * len(rows) + 60, margin={"l": 10, "r": 10, "t": 10, "b": 10})
    return figure


def reading_order_figure(reading: Reading) -> go.Figure:
    """Step by step, which columns of the drawing all cross-attention heads looked at on average."""
    rows, columns = patch_grid(reading)
    weights = mean_cross_attention(reading).unflatten(1, (rows, columns)).sum(1)
    figure = go.Figure(
        go.Heatmap(
            z=weights.tolist(),
            y=list(range(reading.steps)),
            zmin=0,
            colorscale=_MATRIX,
            showscale=False,
            hovertemplate="step %{y}, patch column %{x}: %{z:.1%}<extra></extra>",
        )
    )
    figure.update_xaxes(title="patch column", tickangle=0, showgrid=False)
    figure.update_yaxes(
        tickvals=list(range(reading.steps)),
        ticktext=step_names(reading),
        autorange="reversed",
        showgrid=False,
    )
    figure.update_layout(height=220, margin={"l": 10, "r": 10, "t": 10, "b": 10})
    return figure


def curve_figure(histories: dict[str, list[Progress]], newest: str, name: str) -> go.Figure:
    """One number of training runs over their steps: "loss", "accuracy" or "lr".

    The newest run is in colour, the earlier ones grey; with "accuracy" comes what validation found.
    """
    figure = go.Figure()
    for run, history in histories.items():
        steps, values = [p.step for p in history], [getattr(p, name) for p in history]
        color = ACCENT if run == newest else "#adb5bd"
        figure.add_scatter(x=steps, y=values, mode="lines", name=run, line={"color": color})
        checked = [p for p in history if p.validation_accuracy is not None]
        if name == "accuracy":
            figure.add_scatter(
                x=[p.step for p in checked],
                y=[p.validation_accuracy for p in checked],
                mode="lines+markers",
                name=f"{run}: new drawings read wholly right",
                line={"color": "#1971c2" if run == newest else "#adb5bd"},
            )
    steps = max((h[-1].steps for h in histories.values() if h), default=1)
    figure.update_xaxes(range=[0, steps], title="step", tickangle=0)
    titles = {"loss": "loss", "accuracy": "tokens right, lines right", "lr": "learning rate"}
    figure.update_yaxes(title=titles[name], rangemode="tozero")
    if name == "accuracy":
        figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    margin = {"l": 10, "r": 10, "t": 10, "b": 10}
    figure.update_layout(height=240, margin=margin, showlegend=False, uirevision="keep")
    return figure


def class_figure(classification: Classification) -> go.Figure:
    """How likely the classifier held each digit."""
    bars = _bar_trace(list("0123456789"), classification.probabilities)
    return _bars(bars).update_layout(height=200)


def _bar_trace(names: list[str], probabilities: list[float]) -> dict:
    best = max(probabilities, default=0)
    return {
        "type": "bar",
        "x": names,
        "y": probabilities,
        "marker": {"color": [ACCENT if p == best else "#adb5bd" for p in probabilities]},
        "hovertemplate": "%{x}: %{y:.2%}<extra></extra>",
    }


def _bars(trace: dict) -> go.Figure:
    figure = go.Figure([trace])
    figure.update_yaxes(range=[0, 1], tickformat=".0%", title="probability")
    figure.update_xaxes(type="category", tickangle=0)
    figure.update_layout(height=220, margin={"l": 10, "r": 10, "t": 10, "b": 10})
    return figure


def drawing_image(canvas: Tensor, scale: int = 4) -> Image.Image:
    """The model's canvas, (height, width) in [0, 1], as a picture: dark ink on white."""
    pixels = (255 - canvas.numpy() * 255).round().astype(np.uint8)
    picture = Image.fromarray(pixels)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def _maps(reading: Reading):
    if reading.attention is None:
        raise ValueError("this reading has no attention maps: read with attention=True")
    return reading.attention


def _over_drawing(reading: Reading, weights: Tensor, marked: int | None = None) -> go.Figure:
    """Panels of (layers, heads, patches) weights over the drawing, one patch framed if `marked`."""
    figure = go.Figure(*_panels(reading, weights))
    if marked is not None:
        _, columns = patch_grid(reading)
        for trace in figure.data:
            _frame_patch(figure, marked, columns, {"xref": trace.xaxis, "yref": trace.yaxis})
    return figure


def _panels(
    reading: Reading, weights: Tensor, titles: list[str] | None = None
) -> tuple[list[dict], dict]:
    """Traces and layout of (layers, heads, patches) weights over the drawing.

    Layers stand side by side, heads under one another. Without `titles`, row by row, every panel
    is named by its layer and head. Plain dictionaries, as Plotly's own objects are four
    times as slow.
    """
    layers, heads, _ = weights.shape
    rows, columns = patch_grid(reading)
    layout = copy.deepcopy(_empty_panels(layers, heads, rows, columns))
    for title, text in zip(layout["annotations"], titles or _titles(weights), strict=True):
        title["text"] = text
    grids = iter(_grids(reading, weights))
    drawing = {"source": _drawing_source(reading), **_under(rows, columns)}
    traces, layout["images"] = [], []
    for layer in range(layers):
        for head in range(heads):
            number = head * layers + layer + 1  # of the panel, counted row by row
            x, y = (f"{axis}{number if number > 1 else ''}" for axis in "xy")
            layout["images"].append(drawing | {"xref": x, "yref": y})
            traces.append(
                {
                    "type": "heatmap",
                    "z": next(grids),
                    "zmin": 0,
                    "colorscale": _OVERLAY,
                    "showscale": False,
                    "hovertemplate": "column %{x}, row %{y}: %{z:.1%}<extra></extra>",
                    "xaxis": x,
                    "yaxis": y,
                }
            )
    return traces, layout


@functools.cache
def _empty_panels(layers: int, heads: int, rows: int, columns: int) -> dict:
    """The layout of panels without a drawing: the same for every reading, and slow to make."""
    figure = make_subplots(
        heads,
        layers,
        subplot_titles=[" "] * (heads * layers),
        horizontal_spacing=0.03,
        vertical_spacing=0.36 / heads,
    )
    bottom = {"row": heads}
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": ""}
    outline = {"showline": True, "mirror": True, "linecolor": "#ced4da"}
    figure.update_xaxes(range=[-0.5, columns - 0.5], **bare, **outline)
    figure.update_xaxes(showticklabels=True, dtick=4, title="patch column", tickangle=0, **bottom)
    figure.update_yaxes(range=[rows - 0.5, -0.5], **bare, **outline)
    figure.update_yaxes(showticklabels=True, dtick=1, title="row", col=1)
    figure.update_annotations(font_size=16, yshift=3)
    figure.update_layout(
        height=_PANEL_HEIGHT * heads + 50,
        margin={"l": 10, "r": 10, "t": 26, "b": 10, "pad": 0},
        plot_bgcolor="white",
    )
    return figure.layout.to_plotly_json()


def _grids(reading: Reading, weights: Tensor) -> list[np.ndarray]:
    """(layers, heads, patches) -> one (rows, columns) grid a panel, layer by layer."""
    return list(weights.flatten(0, 1).unflatten(1, patch_grid(reading)).numpy().round(4))


def _titles(weights: Tensor) -> list[str]:
    """The names of the panels of (layers, heads, patches) weights, row by row."""
    layers, heads, _ = weights.shape
    return [
        f"Layer {layer + 1}, head {head + 1} · peak {weights[layer, head].max():.0%}"
        for head in range(heads)
        for layer in range(layers)
    ]


def _under(rows: int, columns: int) -> dict:
    """Where a picture lies under a panel: as wide and high as its patches."""
    corner = {"x": -0.5, "y": -0.5, "sizex": columns, "sizey": rows}
    return {"sizing": "stretch", "layer": "below", **corner}


def _frame_patch(figure: go.Figure, patch: int, columns: int, place: dict) -> None:
    x, y = patch % columns, patch // columns
    line = {"color": "#1971c2", "width": 2}
    box = {"x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5}
    figure.add_shape(type="rect", line=line, **box, **place)


def _drawing_source(reading: Reading) -> str:
    """The drawing as Plotly takes it; encoded once for all panels of a figure."""
    buffer = io.BytesIO()
    drawing_image(reading.canvas, scale=2).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
