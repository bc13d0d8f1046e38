import copy
import dataclasses
import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from mnist_transformer import Classifier, InkError, Reading, figures
from mnist_transformer.explain.decoding import beam_search, sample_lines
from mnist_transformer.explain.interventions import (
    Head,
    Intervention,
    head_importance,
    read_changed,
)
from mnist_transformer.explain.lens import lens
from mnist_transformer.explain.relevance import (
    inside_head,
    mean_cross_attention,
    relevance,
    rollout,
)
from tests import ROOT


@pytest.fixture
def blank(model):
    return model.read(Image.new("L", (50, 20), 255), attention=True)


def test_a_reading_is_told_in_a_line(reading):
    long = Reading("31415926", [1 / 3] * 8, 0.5, reading.distributions, reading.canvas)
    for each in (reading, long, reading.attention):
        assert len(repr(each)) <= 150
    assert repr(long).startswith("Reading('31415926', probabilities=[0.33, 0.33,")


def test_a_notebook_shows_each_digit_with_its_probability(reading):
    shown = dataclasses.replace(reading, attention=None)._repr_html_()
    cells = re.findall(r"<td>(\d)<br><small>(\d+)%</small></td>", shown)
    assert "".join(digit for digit, _ in cells) == reading.digits
    assert [int(p) for _, p in cells] == [round(100 * p) for p in reading.probabilities]
    assert 'src="data:image/png;base64,' in shown


def test_a_notebook_shows_the_stage_of_a_reading_with_maps(reading):
    """In one piece: nothing is loaded from anywhere, and two of them are two."""
    first, second = reading._repr_html_(), reading._repr_html_()
    assert f'"digits":"{reading.digits}"' in first and "function drawStage(" in first
    assert "src=" not in first and "http" not in first and "import" not in first
    name = re.search(r'<div id="([^"]+)">', first)[1]
    assert f'getElementById("{name}")' in first and name not in second


def test_readings_are_told_apart_by_identity(reading):
    same = copy.copy(reading)
    assert reading == reading and reading != same
    assert len({reading, same, reading}) == 2
    assert len({reading.attention, copy.copy(reading.attention)}) == 2


def test_what_a_reading_holds_may_be_used_like_any_tensor(reading):
    maps = reading.maps
    for tensor in (reading.distributions, reading.canvas, maps.encoder, maps.decoder, maps.cross):
        assert not tensor.is_inference() and not tensor.requires_grad
        (tensor.clone().requires_grad_() * tensor).sum().backward()
        tensor += 1


def test_a_model_of_another_type_reads_what_it_is_given_and_answers_in_floats(model, lines):
    expected = model.read_canvases(lines[0], attention=True)
    readings = copy.deepcopy(model).double().read_canvases(lines[0].half(), attention=True)
    for ours, theirs in zip(readings, expected, strict=True):
        assert ours.distributions.dtype == ours.canvas.dtype == ours.maps.cross.dtype
        assert ours.canvas.dtype == torch.float32
        torch.testing.assert_close(ours.distributions, theirs.distributions, atol=1e-3, rtol=1e-2)
    reading = readings[0]
    assert relevance(model.double(), reading).dtype == lens(model, reading).distributions.dtype
    assert beam_search(model, reading.canvas) and head_importance(model, reading)
    assert sample_lines(model.bfloat16(), reading.canvas, count=3)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64, torch.int16])
def test_a_drawing_may_be_a_tensor_of_any_type(model, kind):
    picture = torch.ones(40, 60)
    picture[10:30, 20:24] = picture[10:30, 40:44] = 0
    expected = model.read((picture * 255).to(torch.uint8))
    given = (picture * 255).to(kind) if kind == torch.int16 else picture.to(kind)
    assert model.read(given).digits == expected.digits


@pytest.mark.parametrize("layout", [lambda t: t.to_sparse(), lambda t: t.to("meta")])
def test_a_tensor_that_holds_no_picture_is_refused_in_words(model, layout):
    with pytest.raises(InkError, match="is no picture"):
        model.read(layout(torch.ones(40, 60)))


def test_of_many_drawings_the_one_that_is_refused_is_named(model, tmp_path):
    fine = np.zeros((9, 9))
    with pytest.raises(InkError, match="drawing 2 of 3: .*NaN"):
        model.read_many([fine, np.full((9, 9), np.nan), fine])
    (tmp_path / "text.png").write_text("none")
    with pytest.raises(InkError, match=r"text\.png: not a readable image"):
        model.read_many([fine, tmp_path / "text.png"])
    with pytest.raises(TypeError, match="drawing 1 of 2: .*not list"):
        model.read_many([[1, 2], fine])


def test_pages_rows_and_classifications_may_be_kept_in_sets(model):
    path = ROOT / "demo" / "examples" / "99.png"
    page, again = model.read_page(path), model.read_page(path)
    assert page == page and page != again and len({page, again, page}) == 2
    assert len({*page.rows, *page.rows}) == len(page.rows)
    assert repr(page).startswith(f"Page({page.digits!r}, ") and len(repr(page)) < 80
    classifier = Classifier().eval()
    assert len({classifier.read(path), classifier.read(path)}) == 1


def test_a_drawing_is_read_from_its_file(model):
    path = ROOT / "demo" / "examples" / "99.png"
    read = [model.read(drawing).distributions for drawing in (path, str(path), Image.open(path))]
    assert torch.equal(read[0], read[1]) and torch.equal(read[0], read[2])
    with pytest.raises(FileNotFoundError, match="none.png"):
        model.read("none.png")
    with pytest.raises(InkError, match="readable image"):
        model.read(__file__)
    classifier = Classifier().eval()
    assert classifier.read(path) == classifier.read(Image.open(path))


def test_many_drawings_are_read_in_one_batch_as_one_by_one(model):
    path = ROOT / "demo" / "examples" / "99.png"
    picture = Image.open(path)
    first = picture.crop((0, 0, picture.width // 2, picture.height))
    drawings = [path, np.zeros((20, 30)), first]
    readings = model.read_many(drawings, attention=True)
    for reading, drawing in zip(readings, drawings, strict=True):
        alone = model.read(drawing, attention=True)
        assert reading.digits == alone.digits
        torch.testing.assert_close(reading.distributions, alone.distributions)
        torch.testing.assert_close(reading.maps.cross, alone.maps.cross)
    assert [reading.steps > 0 for reading in readings] == [True, False, True]
    assert model.read_many([]) == []


def test_the_grid_lies_over_the_drawing(reading, model):
    assert reading.maps.grid == (model.config.patch_rows, model.config.patch_columns) == (4, 12)


def test_a_blank_drawing_has_maps_of_no_steps(blank, model):
    assert (blank.digits, blank.probabilities, blank.end_probability) == ("", [], None)
    assert blank.steps == 0 and not blank.truncated
    assert blank.maps.cross.shape == (2, 4, 0, 48)
    assert blank.maps.decoder.shape == (2, 4, 0, 0)
    # What the encoder makes of bare paper.
    torch.testing.assert_close(blank.maps.encoder.sum(-1), torch.ones(1, 4, 48))
    assert model.read(np.zeros((9, 9))).attention is None


def test_an_empty_canvas_is_not_read_as_digits(model, lines):
    canvases = torch.stack([lines[0][0], torch.zeros(32, 96), lines[0][1]])
    readings = model.read_canvases(canvases)
    assert [reading.steps > 0 for reading in readings] == [True, False, True]
    assert readings[1].digits == ""
    for reading, canvas in zip(readings, canvases, strict=True):
        assert torch.equal(reading.canvas, canvas)


def test_a_blank_drawing_explains_itself_without_a_trap(blank, model):
    assert mean_cross_attention(blank).shape == rollout(blank).shape == (0, 48)
    for decode in (beam_search, sample_lines):
        assert decode(model, blank.canvas) == [("", 1.0)]
    change = Intervention(ablated_heads=frozenset({Head("encoder", 0, 0)}))
    changed = read_changed(model, blank.canvas, change)
    assert changed.steps == 0 and (changed.maps.encoder[0, 0] == 0).all()
    assert blank.plot_encoder_attention().data
    refused = [
        blank.plot_cross_attention,
        lambda: blank.plot_cross_attention(0),
        blank.plot_decoder_attention,
        lambda: blank.plot_distribution(0),
        lambda: relevance(model, blank),
        lambda: head_importance(model, blank),
        lambda: lens(model, blank),
        lambda: inside_head(model, blank, Head("cross", 0, 0), 0, 0),
    ]
    for explain in refused:
        with pytest.raises(ValueError, match="nothing is drawn"):
            explain()


def test_what_needs_maps_says_how_to_get_them(model, lines):
    plain = model.read_canvases(lines[0][:1])[0]
    for explain in (rollout, mean_cross_attention, lambda reading: reading.maps):
        with pytest.raises(ValueError, match="attention=True"):
            explain(plain)


def test_nothing_is_read_or_explained_in_training_mode(model, reading):
    model.train()
    refused = [
        lambda: model.read(np.zeros((9, 9))),
        lambda: beam_search(model, reading.canvas),
        lambda: sample_lines(model, reading.canvas),
        lambda: read_changed(model, reading.canvas, Intervention()),
        lambda: relevance(model, reading),
        lambda: head_importance(model, reading),
        lambda: lens(model, reading),
        lambda: inside_head(model, reading, Head("cross", 0, 0), 0, 0),
        lambda: Classifier().read(np.zeros((9, 9))),
    ]
    for explain in refused:
        with pytest.raises(ValueError, match=r"model\.eval"):
            explain()


def test_a_reading_travels_as_json(reading):
    saved = json.loads(json.dumps(reading.to_dict()))
    assert saved["digits"] == reading.digits
    assert len(saved["distributions"]) == reading.steps


def test_a_reading_travels_as_arrays(reading):
    file = io.BytesIO()
    reading.save_npz(file)
    file.seek(0)
    arrays = np.load(file)
    assert str(arrays["digits"]) == reading.digits
    for name in ("encoder", "decoder", "cross"):
        assert np.array_equal(arrays[name], getattr(reading.attention, name).numpy())


def test_the_plots_are_the_pages_figures(reading):
    pairs = [
        (reading.plot_cross_attention(), figures.timeline_figure(reading)),
        (reading.plot_cross_attention(1), figures.cross_attention_figure(reading, 1)),
        (reading.plot_encoder_attention(3), figures.encoder_attention_figure(reading, 3)),
        (reading.plot_decoder_attention(), figures.decoder_attention_figure(reading)),
        (reading.plot_distribution(0), figures.distribution_figure(reading, 0)),
    ]
    for plotted, shown in pairs:
        assert plotted.to_json() == shown.to_json()


def test_the_timeline_holds_every_step(reading):
    figure = reading.plot_cross_attention()
    assert [frame.name for frame in figure.frames] == [str(n) for n in range(reading.steps)]
    for n, frame in enumerate(figure.frames):
        weights = np.stack([np.array(trace.z) for trace in frame.data[:-1]])
        expected = reading.attention.cross[:, :, n].flatten(0, 1).unflatten(1, (4, 12))
        np.testing.assert_allclose(weights, expected, atol=1e-4)
        np.testing.assert_allclose(frame.data[-1].y, reading.distributions[n], atol=1e-6)


@pytest.mark.parametrize("plot", ["plot_cross_attention", "plot_decoder_attention"])
def test_without_maps_there_is_no_picture(model, lines, plot):
    plain = model.read_canvases(lines[0][:1])[0]
    with pytest.raises(ValueError, match="attention=True"):
        getattr(plain, plot)()


def test_without_the_package_that_draws_a_plot_names_the_extra(tmp_path):
    script = (
        "import sys; sys.modules['plotly'] = None\n"
        "import torch; from mnist_transformer import Reading\n"
        "reading = Reading.blank(torch.zeros(32, 96))\n"
        "assert reading._repr_html_() is None\n"
        "reading.plot_cross_attention()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "pip install 'mnist-transformer[demo]'" in run.stderr.splitlines()[-1]


@pytest.mark.parametrize("step", [-1, 99])
def test_a_step_that_was_not_taken_is_refused(reading, step):
    for plot in (reading.plot_cross_attention, reading.plot_distribution):
        with pytest.raises(ValueError, match="step must be"):
            plot(step)
