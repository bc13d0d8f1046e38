import io
import json

import numpy as np
import pytest

from mnist_transformer import figures


@pytest.fixture
def reading(model, lines):
    return model.read_canvases(lines[0][:1], attention=True)[0]


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


@pytest.mark.parametrize("step", [-1, 99])
def test_a_step_that_was_not_taken_is_refused(reading, step):
    for plot in (reading.plot_cross_attention, reading.plot_distribution):
        with pytest.raises(ValueError, match="step must be"):
            plot(step)
