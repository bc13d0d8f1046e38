import re

import numpy as np
import pytest

from mnist_transformer.figures.panels import Panel, head_panels, panels_figure


def titles(figure):
    return [annotation.text for annotation in figure.layout.annotations]


def axis(figure, trace):
    """The x and y axis of a trace."""
    layout = figure.layout
    return layout[trace.xaxis.replace("x", "xaxis")], layout[trace.yaxis.replace("y", "yaxis")]


def test_a_panel_s_trace_title_and_drawing_stand_at_the_same_place(reading, weights):
    figure = panels_figure(reading, head_panels(weights, "encoder"))
    assert len(figure.data) == len(figure.layout.images) == 3 * 2
    for trace, title, image in zip(
        figure.data, figure.layout.annotations, figure.layout.images, strict=True
    ):
        across, up = (side.domain for side in axis(figure, trace))
        assert title.x == pytest.approx(sum(across) / 2) and title.y == pytest.approx(up[1])
        assert (image.xref, image.yref) == (trace.xaxis, trace.yaxis)


def test_layers_stand_side_by_side_and_heads_under_one_another(reading, weights):
    figure = panels_figure(reading, head_panels(weights, "encoder"))
    places = {}
    for trace, title in zip(figure.data, titles(figure), strict=True):
        x, y = axis(figure, trace)
        name = title
        places[name] = (x.domain[0], y.domain[0])
        layer, head = (int(digit) - 1 for digit in re.findall(r"\d", name))
        grid = weights[layer, head].reshape(4, 12)
        np.testing.assert_allclose(np.array(trace.z), grid, atol=1e-4)
    lefts = [places[f"encoder {n}, head 1"][0] for n in (1, 2, 3)]
    assert lefts == sorted(set(lefts)) and lefts[0] == 0
    assert places["encoder 2, head 1"][0] == places["encoder 2, head 2"][0]
    assert places["encoder 2, head 1"][1] > places["encoder 2, head 2"][1]


def test_panels_do_not_overlap_and_fill_the_figure(reading, weights):
    figure = panels_figure(reading, head_panels(weights, "encoder"))
    boxes = [tuple(side.domain for side in axis(figure, trace)) for trace in figure.data]
    for n, (across, up) in enumerate(boxes):
        for other_across, other_up in boxes[n + 1 :]:
            apart = across[1] < other_across[0] or other_across[1] < across[0]
            assert apart or up[1] < other_up[0] or other_up[1] < up[0]
    ends = np.array(boxes)
    assert ends.min() == pytest.approx(0, abs=1e-9) and ends.max() == pytest.approx(1)


def test_a_panel_may_stand_anywhere(reading, weights):
    panels = [
        Panel("below", weights[0, 0], row=1, column=0),
        Panel("right", weights[0, 1], row=0, column=1),
    ]
    figure = panels_figure(reading, panels)
    below, right = figure.data
    assert titles(figure) == ["below", "right"]
    assert axis(figure, below)[0].domain[0] < axis(figure, right)[0].domain[0]
    assert axis(figure, below)[1].domain[0] < axis(figure, right)[1].domain[0]


def test_the_marked_patch_is_framed_in_every_panel(reading, weights):
    figure = panels_figure(reading, head_panels(weights, "encoder"), marked=15)
    frames = [(s.x0, s.x1, s.y0, s.y1, s.xref, s.yref) for s in figure.layout.shapes]
    assert frames == [(3.5, 4.5, 1.5, 2.5, t.xaxis, t.yaxis) for t in figure.data]


def test_all_panels_share_one_scale_of_colours_and_a_bar(reading, weights):
    figure = panels_figure(reading, head_panels(weights, "encoder"))
    for trace in figure.data:
        assert trace.zmin == 0 and trace.zmax == pytest.approx(float(weights.max()))
    assert [trace.showscale for trace in figure.data] == [True, *[False] * 5]


def test_with_scales_of_their_own_every_panel_s_colours_end_at_its_own_peak(reading, weights):
    figure = panels_figure(reading, head_panels(weights, "encoder"), own_scale=True)
    for trace, title, panel in zip(
        figure.data, titles(figure), head_panels(weights, "encoder"), strict=True
    ):
        top = float(panel.weights.max())
        assert trace.zmin == 0 and trace.zmax == pytest.approx(top)
        assert title == f"{panel.title}, up to {top:.0%}" and not trace.showscale


def test_rows_and_columns_of_patches_count_from_one(reading, weights):
    figure = panels_figure(reading, head_panels(weights, "cross"), marked=0)
    for trace, frame, image in zip(
        figure.data, figure.layout.shapes, figure.layout.images, strict=True
    ):
        x, y = axis(figure, trace)
        assert (trace.x0, trace.y0) == (1, 1) and (frame.x0, frame.x1) == (0.5, 1.5)
        assert (x.range, y.range) == ((0.5, 12.5), (4.5, 0.5))
        assert (image.x, image.y) == (0.5, 0.5)


def test_a_head_that_is_off_is_grey_and_says_so(reading, weights):
    weights[1, 0] = 0
    figure = panels_figure(reading, head_panels(weights, "encoder"))
    assert [t for t in titles(figure) if t.endswith("off")] == ["encoder 2, head 1: off"]
    trace = figure.data[titles(figure).index("encoder 2, head 1: off")]
    # Without a scale Plotly would take -1 to 1, and paint 0 half orange.
    assert trace.zmax == pytest.approx(float(weights.max())) and np.array(trace.z).max() == 0
    alone = panels_figure(reading, head_panels(weights, "encoder"), own_scale=True)
    assert 0 < alone.data[titles(alone).index("encoder 2, head 1: off")].zmax < 1e-3
    (veil,) = figure.layout.shapes
    assert (veil.xref, veil.yref) == (f"{trace.xaxis} domain", f"{trace.yaxis} domain")
