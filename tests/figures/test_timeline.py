import numpy as np
import pytest
import torch

from mnist_transformer import figures
from mnist_transformer.explain.heads import Head
from mnist_transformer.figures.distribution import OUTCOMES


def buttons(figure):
    return [button for menu in figure.layout.updatemenus for button in menu.buttons]


def test_neither_play_nor_pause_nor_the_slider_takes_time_for_a_transition(reading):
    # Plotly takes 500 ms otherwise, during which it shows no heat map at all.
    figure = figures.timeline_figure(reading)
    stops = figure.layout.sliders[0].steps
    assert len(buttons(figure)) == 2 and len(stops) == reading.steps
    for control in (*buttons(figure), *stops):
        assert control.args[1]["transition"] == {"duration": 0}
        assert control.args[1]["frame"]["redraw"] is True


def test_play_goes_on_from_the_current_step(reading):
    play, pause = buttons(figures.timeline_figure(reading, reading.steps - 1))
    assert play.args[1]["fromcurrent"] is True and play.args[1]["frame"]["duration"] > 500
    assert list(pause.args[0]) == [None] and pause.args[1]["mode"] == "immediate"


def test_a_frame_has_the_titles_of_its_own_step(reading):
    figure = figures.timeline_figure(reading, reading.steps - 1)
    for n, frame in enumerate(figure.frames):
        shown = figures.cross_attention_figure(reading, n)
        texts = [annotation.text for annotation in shown.layout.annotations]
        assert [annotation["text"] for annotation in frame.layout.annotations] == texts
    assert frame.layout.annotations == figure.layout.annotations  # at the same places, too


def test_the_steps_bars_stand_below_the_panels_on_axes_of_their_own(reading):
    figure = figures.timeline_figure(reading)
    *panels, bars = figure.data
    assert list(bars.x) == OUTCOMES and bars.type == "bar"
    assert bars.xaxis not in {trace.xaxis for trace in panels}
    top = figure.layout[bars.yaxis.replace("y", "yaxis")].domain[1]
    bottoms = [figure.layout[t.yaxis.replace("y", "yaxis")].domain[0] for t in panels]
    assert top < min(bottoms)


def test_bars_and_what_the_panels_axes_say_do_not_meet(reading):
    """Of one head, large, the axis's title was printed over the bars."""
    for head in (None, Head("cross", 0, 0)):
        figure = figures.timeline_figure(reading, head=head)
        *panels, bars = figure.data
        inside = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
        top = figure.layout[bars.yaxis.replace("y", "yaxis")].domain[1]
        bottom = min(figure.layout[t.yaxis.replace("y", "yaxis")].domain[0] for t in panels)
        assert (bottom - top) * inside > 55 and top * inside > 90


def test_a_head_that_is_off_stays_grey_in_every_frame(off):
    figure = figures.timeline_figure(off)
    top = pytest.approx(float(off.attention.cross.max()))
    layout_and_frames = [(figure.data, figure.layout)]
    layout_and_frames += [(frame.data, frame.layout) for frame in figure.frames]
    for data, layout in layout_and_frames:
        assert data[1].zmax == top and np.array(data[1].z).max() == 0
        assert [a["text"] for a in layout.annotations][1] == "cross 1, head 2: off"
        assert [s["xref"] for s in layout.shapes] == ["x2 domain"]


def test_all_steps_share_one_scale_unless_each_panel_has_its_own(off):
    cross, shared = off.attention.cross, figures.timeline_figure(off)
    own = figures.timeline_figure(off, own_scale=True)
    for n in range(off.steps):
        heads = cross[:, :, n].flatten(0, 1)
        for trace in shared.frames[n].data[:-1]:
            assert trace.zmax == pytest.approx(float(cross.max()))
        for trace, weights in zip(own.frames[n].data[:-1], heads, strict=True):
            assert trace.zmax == pytest.approx(max(float(weights.max()), 1e-6))


def test_one_head_alone_is_the_only_panel(reading):
    figure = figures.timeline_figure(reading, 1, Head("cross", 1, 3))
    panel, _ = figure.data
    expected = reading.attention.cross[1, 3, 1].unflatten(0, (4, 12))
    np.testing.assert_allclose(np.array(panel.z), expected, atol=1e-4)
    assert figure.layout.annotations[0].text == "cross 2, head 4"


def test_relevance_shows_the_maps_it_is_given_under_one_another(reading):
    generator = torch.Generator().manual_seed(0)
    maps = {name: torch.rand(reading.steps, 48, generator=generator) for name in ("one", "two")}
    figure = figures.relevance_figure(reading, maps, step=1)
    for title, trace, rows in zip(
        figure.layout.annotations, figure.data[:-1], maps.items(), strict=True
    ):
        assert title.text.startswith(f"{rows[0]}, up to ")
        np.testing.assert_allclose(np.array(trace.z), rows[1][1].unflatten(0, (4, 12)), atol=1e-4)
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[0]


@pytest.mark.parametrize("step", [-1, 99])
def test_a_timeline_does_not_start_at_a_step_that_was_not_taken(reading, step):
    with pytest.raises(ValueError, match="step must be"):
        figures.timeline_figure(reading, step)
