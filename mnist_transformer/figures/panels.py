"""Small multiples: one panel a head, its weights laid over the drawing.

A view says what its panels are, as a list of `Panel`; traces, titles and shapes all come from that
one list. Traces and layouts are plain dictionaries: Plotly's own objects are four times as slow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from torch import Tensor

from ..explain.heads import Head
from ..reading import Reading
from .style import (
    BAR,
    BARE_AXIS,
    CLEAR,
    HIDDEN,
    OVERLAY,
    drawing_under_patches,
    patch_frame,
)

PANEL_HEIGHT = 112  # pixels, its title included
LARGE_HEIGHT = 200  # of a panel that stands alone
GAP_ACROSS = 0.03  # between two panels, as a share of the figure's width
GAP_DOWN = 0.36  # between two rows of panels, as a share of the height that one row has


@dataclass(frozen=True)
class Panel:
    """One picture among the small multiples.

    Attributes:
        title: what stands above it.
        weights: (patches,), at least 0; where all are 0, the panel is grey.
        row, column: its place, counted from the top left.
    """

    title: str
    weights: Tensor
    row: int
    column: int

    @property
    def is_off(self) -> bool:
        """Whether it shows a head that is off: any other always looks somewhere."""
        return not self.weights.any()


def head_panels(weights: Tensor, attention: str) -> list[Panel]:
    """Panels of (layers, heads, patches) weights: a layer a column, a head a row.

    Args:
        weights: where each head looked.
        attention: which heads these are: "encoder", "decoder" or "cross".
    """
    return [
        Panel(Head(attention, n, m).name, head, row=m, column=n)
        for n, layer in enumerate(weights)
        for m, head in enumerate(layer)
    ]


def peak(panels: Iterable[Panel]) -> float:
    """Where a scale of colours common to the panels ends: at the largest weight in any."""
    return max(max(float(panel.weights.max()) for panel in panels), 1e-6)


def panels_figure(
    reading: Reading,
    panels: Sequence[Panel],
    marked: int | None = None,
    own_scale: bool = False,
) -> go.Figure:
    """The panels over the drawing, on one scale of colours with a colour bar.

    Args:
        reading: what was drawn.
        panels: at least one.
        marked: a patch that is framed in each, from 0.
        own_scale: whether each has a scale that ends at its own peak, which its title names.
    """
    top = None if own_scale else peak(panels)
    layout = panels_layout(reading, panels, top)
    if marked is not None:
        grid = reading.maps.grid
        layout["shapes"] += [patch_frame(marked, grid, *axes(n)) for n in range(len(panels))]
    return go.Figure(panels_traces(reading, panels, top), layout)


def panels_traces(reading: Reading, panels: Sequence[Panel], top: float | None) -> list[dict]:
    """One heat map a panel, in the panels' order; None as the scale's `top` means each its own."""
    traces = []
    for n, change in enumerate(panels_changes(reading, panels, top)):
        x, y = axes(n)
        traces.append(
            change
            | {
                "x0": 1,
                "y0": 1,
                "zmin": 0,
                "colorscale": OVERLAY,
                "showscale": n == 0 and top is not None,
                "colorbar": BAR,
                "hovertemplate": "column %{x}, row %{y}: %{z:.1%}<extra></extra>",
                "xaxis": x,
                "yaxis": y,
            }
        )
    return traces


def panels_changes(reading: Reading, panels: Sequence[Panel], top: float | None) -> list[dict]:
    """What another step changes in each panel's trace: its weights and their scale."""
    grid = reading.maps.grid
    return [
        {
            "type": "heatmap",
            "z": panel.weights.unflatten(0, grid).numpy().round(4),
            # Without a scale of its own a panel of zeros would be painted as if it were full.
            "zmax": peak([panel]) if top is None else top,
        }
        for panel in panels
    ]


def panels_layout(
    reading: Reading, panels: Sequence[Panel], top: float | None, bottom: float = 0.0
) -> dict:
    """Axes, titles, drawings and shapes of the panels.

    Args:
        reading, panels: as in `panels_figure`.
        top: where all their scales of colours end; None gives each its own.
        bottom: share of the figure's height that is left free below them.
    """
    grid = rows, columns = reading.maps.grid
    drawing = drawing_under_patches(reading.canvas, grid)
    last_row = max(panel.row for panel in panels)
    outline = {"showline": True, "mirror": True, "linecolor": "#ced4da"}
    images: list[dict] = []
    layout = {
        "height": panels_height(panels) + 50,
        "margin": {"l": 10, "r": 10, "t": 26, "b": 10, "pad": 0},
        "plot_bgcolor": CLEAR,
        "images": images,
        "annotations": panels_titles(panels, top, bottom),
        "shapes": panels_veils(panels),
    }
    for n, panel in enumerate(panels):
        x, y = axes(n)
        across, down = _domains(panel, panels, bottom)
        images.append(drawing | {"xref": x, "yref": y})
        x_axis = {"anchor": y, "domain": across, "range": [0.5, columns + 0.5]} | outline
        y_axis = {"anchor": x, "domain": down, "range": [rows + 0.5, 0.5]} | outline
        x_axis |= BARE_AXIS
        y_axis |= BARE_AXIS
        if panel.row == last_row:
            ticks = {"showticklabels": True, "tick0": 4, "dtick": 4, "tickangle": 0}
            x_axis |= ticks | {"title": {"text": "column of patches"}}
        if panel.column == 0:
            y_axis |= {"showticklabels": True, "dtick": 1, "title": {"text": "row"}}
        layout[x.replace("x", "xaxis")] = x_axis
        layout[y.replace("y", "yaxis")] = y_axis
    return layout


def panels_height(panels: Sequence[Panel]) -> int:
    """Pixels that the panels take, with their titles, without the figure's margins."""
    if len(panels) == 1:
        return LARGE_HEIGHT
    return PANEL_HEIGHT * (1 + max((panel.row for panel in panels), default=0))


def panels_titles(panels: Sequence[Panel], top: float | None, bottom: float = 0.0) -> list[dict]:
    """The panels' titles, as annotations: each over the middle of its panel."""
    titles = []
    for panel in panels:
        across, down = _domains(panel, panels, bottom)
        titles.append(
            {
                "text": _title(panel, top),
                "x": sum(across) / 2,
                "y": down[1],
                "xref": "paper",
                "yref": "paper",
                "xanchor": "center",
                "yanchor": "bottom",
                "yshift": 3,
                "font": {"size": 16},
                "showarrow": False,
            }
        )
    return titles


def _title(panel: Panel, top: float | None) -> str:
    if panel.is_off:
        return f"{panel.title}: off"
    # With colours of its own, faint attention looks like strong, unless the title says so.
    return panel.title if top is not None else f"{panel.title}, up to {peak([panel]):.0%}"


def panels_veils(panels: Sequence[Panel]) -> list[dict]:
    """Grey over every panel in which nothing is looked at."""
    veil = {"type": "rect", "x0": 0, "x1": 1, "y0": 0, "y1": 1, "line": {"width": 0}}
    veil |= {"fillcolor": HIDDEN, "opacity": 0.8, "layer": "above"}
    return [
        veil | {"xref": f"{x} domain", "yref": f"{y} domain"}
        for (x, y), panel in zip(map(axes, range(len(panels))), panels, strict=True)
        if panel.is_off
    ]


def axes(n: int) -> tuple[str, str]:
    """Plotly's names of the axes of the n-th panel, or of what follows the panels."""
    number = str(n + 1) if n else ""
    return f"x{number}", f"y{number}"


def _domains(
    panel: Panel, panels: Sequence[Panel], bottom: float
) -> tuple[list[float], list[float]]:
    """From where to where the panel reaches, across and up, as shares of the figure."""
    rows = 1 + max(other.row for other in panels)
    columns = 1 + max(other.column for other in panels)
    gap_down = GAP_DOWN / rows
    width = (1 - GAP_ACROSS * (columns - 1)) / columns
    height = (1 - gap_down * (rows - 1)) / rows
    left = panel.column * (width + GAP_ACROSS)
    top = 1 - panel.row * (height + gap_down)
    # Rounded, as Plotly refuses a share that computing made a hair less than 0 or more than 1.
    across = [round(end, 9) for end in (left, left + width)]
    return across, [round(bottom + (1 - bottom) * end, 9) for end in (top - height, top)]
