"""The views that are one picture each."""

import dataclasses

import numpy as np
import pytest
import torch

from mnist_transformer import Classification, figures
from mnist_transformer.explain.heads import Head, HeadStep, all_heads


def test_all_figures_are_found_in_one_place():
    for name in figures.__all__:
        assert callable(getattr(figures, name))


def test_a_patch_s_attention_is_its_row_and_who_looks_at_it_its_column(reading):
    encoder = reading.attention.encoder
    looks = figures.encoder_attention_figure(reading, 7)
    looked_at = figures.encoder_attention_figure(reading, 7, looked_at=True)
    for n, head in enumerate(encoder.flatten(0, 1)):
        np.testing.assert_allclose(np.array(looks.data[n].z).flatten(), head[7], atol=1e-4)
        np.testing.assert_allclose(np.array(looked_at.data[n].z).flatten(), head[:, 7], atol=1e-4)
    with pytest.raises(ValueError, match="patch must be 0 to 47"):
        figures.encoder_attention_figure(reading, 48)


def test_the_future_is_blank_and_the_past_is_the_reading_s(reading):
    figure = figures.decoder_attention_figure(reading)
    decoder = reading.attention.decoder.flatten(0, 1)
    assert len(figure.data) == len(decoder)
    for trace, weights in zip(figure.data, decoder, strict=True):
        shown = np.array(trace.z, dtype=float)
        past = np.tril(np.ones_like(shown, dtype=bool))
        assert np.isnan(shown[~past]).all()
        np.testing.assert_allclose(shown[past], weights.numpy()[past])


def test_the_reading_order_is_the_share_of_each_column_of_patches(reading):
    (trace,) = figures.reading_order_figure(reading).data
    rows = np.array(trace.z)
    np.testing.assert_allclose(rows.sum(1), 1, atol=1e-5)
    mean = reading.attention.cross.mean((0, 1))
    np.testing.assert_allclose(rows[:, 2], mean[:, [2, 14, 26, 38]].sum(1), atol=1e-6)


@pytest.fixture
def inside():
    """The numbers of a head of two dimensions that looks at two keys."""
    query, key = torch.tensor([1.0, -3.0]), torch.tensor([2.0, 0.5])
    scores, weights = torch.tensor([0.35, -1.0]), torch.tensor([0.8, 0.2])
    output = torch.tensor([0.1, 0.2])
    return HeadStep(query, key, torch.zeros(2), query * key, 0.35, scores, weights, 0.8, output)


def test_a_head_s_numbers_are_shown_on_one_scale(inside):
    (trace,) = figures.head_step_figure(inside).data
    assert list(trace.y) == ["query", "key", "query × key", "value", "comes out"]
    np.testing.assert_allclose(
        np.array(trace.z), [[1, -3], [2, 0.5], [2, -1.5], [0, 0], [0.1, 0.2]]
    )
    assert (trace.zmin, trace.zmax) == (-3, 3)


def test_scores_are_shown_before_and_after_the_softmax(inside):
    before, after = figures.head_scores_figure(inside, ["left", "right"], key=1).data
    assert list(before.y) == inside.scores.tolist() and list(after.y) == inside.weights.tolist()
    assert list(before.customdata) == ["left", "right"]
    assert before.marker.color[1] != before.marker.color[0] == after.marker.color[0]


def test_a_head_that_is_off_is_grey_and_says_so_among_the_tokens_too(reading):
    decoder = reading.attention.decoder.clone()
    decoder[0, 1] = 0
    maps = dataclasses.replace(reading.attention, decoder=decoder)
    figure = figures.decoder_attention_figure(dataclasses.replace(reading, attention=maps))
    assert np.isnan(np.array(figure.data[1].z, float)).all()
    names = [annotation.text for annotation in figure.layout.annotations]
    assert names[:3] == ["self 1, head 1", "self 1, head 2: off", "self 1, head 3"]


def test_with_a_scale_of_its_own_a_matrix_of_tokens_ends_at_its_peak(reading):
    figure = figures.decoder_attention_figure(reading, own_scale=True)
    for trace, weights in zip(figure.data, reading.attention.decoder.flatten(0, 1), strict=True):
        assert trace.zmax == pytest.approx(float(weights.max()))


def test_a_part_that_hurts_is_shown_as_one_that_does_nothing():
    heads = [Head("encoder", 0, 0), Head("encoder", 0, 1)]
    heads += [Head(kind, 0, n) for kind in ("decoder", "cross") for n in range(2)]
    lost = {"encoder 1, head 1": -0.2, "encoder 1, head 2": 0.5, "all cross-attention": 0.04}
    data = figures.matrix_data(heads, lost, off=["encoder 1, head 2"])
    assert data["rows"] == ["encoder 1", "self 1", "cross 1", "together"]
    costs = {cell["name"]: cell["costs"] for cell in data["cells"]}
    assert costs["encoder 1, head 1"] == 0
    assert costs["encoder 1, head 2"] == pytest.approx(1 - np.exp(-0.5), abs=1e-4)
    assert costs["all cross-attention"] == pytest.approx(1 - np.exp(-0.04), abs=1e-4)
    assert costs["cross 1, head 1"] is None and data["off"] == ["encoder 1, head 2"]


def test_every_field_of_the_matrix_has_a_place_of_its_own(model):
    data = figures.matrix_data(all_heads(model.config), {})
    taken = [
        (cell["row"] + r, cell["column"] + c)
        for cell in data["cells"]
        for r in range(cell["rows"])
        for c in range(cell["columns"])
    ]
    assert len(taken) == len(set(taken)) == len(data["rows"]) * len(data["columns"])
    layers = {c["name"]: (c["row"], c["rows"]) for c in data["cells"] if c["name"] == "decoder 2"}
    assert layers == {"decoder 2": (data["rows"].index("self 2"), 2)}


def test_the_lens_names_the_likeliest_outcome_after_every_part(reading):
    lens = torch.zeros(3, reading.steps, 11)
    lens[0, :, 7], lens[1, :, 10], lens[2, :, 3] = 0.4, 0.6, 0.9
    names = ["token and place", "self 1", "MLP 2"]
    (trace,) = figures.lens_figure(reading, names, lens).data
    assert [row[0] for row in trace.text] == ["7", "end", "3"]
    assert list(trace.y) == [f"after {name}" for name in names]
    np.testing.assert_allclose(np.array(trace.z)[:, 0], [0.4, 0.6, 0.9], atol=1e-6)


def test_the_newest_run_is_in_colour_and_rare_numbers_have_marks():
    curves = {"1: old": [(1, 2.0), (2, 1.5)], "2: new": [(1, 2.5)]}
    figure = figures.curve_figure(curves, "2: new", "accuracy", 20)
    old, new = figure.data
    assert old.line.color != new.line.color
    assert (list(old.x), list(old.y)) == ([1, 2], [2.0, 1.5])
    assert tuple(figure.layout.xaxis.range) == (0, 20)
    checked = figures.curve_figure(curves, "2: new", "new lines right", 20, marks=True, shares=True)
    assert {trace.mode for trace in checked.data} == {"lines+markers"}
    assert checked.layout.yaxis.tickformat == ".0%"


def test_a_run_that_has_reported_nothing_is_an_empty_picture():
    figure = figures.curve_figure({"1: new": []}, "1: new", "loss", 1)
    assert len(figure.data[0].x) == 0


def test_the_likeliest_class_stands_out():
    (bars,) = figures.class_figure(Classification(2, [0.1, 0.2, 0.7, *[0.0] * 7])).data
    assert list(bars.x) == [*"0123456789"]
    assert [color == bars.marker.color[2] for color in bars.marker.color] == [
        n == 2 for n in range(10)
    ]


def test_the_drawing_is_dark_on_white(reading):
    picture = np.asarray(figures.drawing_image(reading.canvas, scale=1))
    np.testing.assert_allclose(picture, 255 * (1 - reading.canvas.numpy()), atol=0.51)


@pytest.mark.parametrize(
    "figure",
    [
        figures.timeline_figure,
        figures.encoder_attention_figure,
        figures.decoder_attention_figure,
        figures.reading_order_figure,
        lambda reading: figures.cross_attention_figure(reading, 0),
        lambda reading: figures.relevance_figure(reading, {}),
    ],
)
def test_without_maps_every_view_says_what_to_do(reading, figure):
    with pytest.raises(ValueError, match="attention=True"):
        figure(dataclasses.replace(reading, attention=None))


@pytest.mark.parametrize(
    "figure",
    [
        figures.timeline_figure,
        lambda reading: figures.cross_attention_figure(reading, 0),
        lambda reading: figures.distribution_figure(reading, 0),
        lambda reading: figures.relevance_figure(reading, {"none": torch.zeros(0, 48)}),
    ],
)
def test_of_a_blank_sheet_there_are_no_steps_to_show(model, figure):
    blank = model.read(np.full((20, 20), 255, np.uint8), attention=True)
    with pytest.raises(ValueError, match="nothing is drawn"):
        figure(blank)


def test_hatching_stays_within_its_boxes(reading):
    plain = np.asarray(figures.drawing_image(reading.canvas, scale=2).convert("RGB"))
    hatched = np.asarray(
        figures.drawing_image(reading.canvas, 2, [(10, 4, 20, 12), (30, 0, 32, 2)])
    )
    changed = (plain != hatched).any(2)
    rows, columns = np.nonzero(changed)
    assert changed[8:24, 20:40].mean() == pytest.approx(0.25, abs=0.1) and changed[:4, 60:64].any()
    changed[8:24, 20:40] = changed[:4, 60:64] = False
    assert len(rows) and not changed.any()
