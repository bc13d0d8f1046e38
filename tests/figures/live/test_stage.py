"""The stage's data: what the browser is given is what was read."""

import base64
import json

import numpy as np
import pytest
import torch

from mnist_transformer import Reading, load_transformer
from mnist_transformer.figures.live import pack, stage_data
from tests import ROOT


@pytest.fixture(scope="module")
def example():
    return load_transformer().read(ROOT / "demo" / "examples" / "314159.png", attention=True)


def unpack(packed):
    """What maps.js makes of it."""
    numbers = np.frombuffer(base64.b64decode(packed["bytes"]), dtype=np.uint8).astype(float)
    scales = np.array(packed["scales"])[:, None]
    return (numbers.reshape(len(scales), -1) * scales).reshape(packed["shape"])


def test_packed_maps_keep_their_peaks_and_their_shape():
    maps = torch.rand(2, 3, 50, generator=torch.Generator().manual_seed(0)) ** 4
    maps[1, 2] = 1 / 112  # even
    maps[0, 0] = 0  # a head that is off
    maps[0, 1] *= 1e-3  # faint
    back = unpack(pack(maps))
    assert back.shape == maps.shape
    assert np.allclose(back.max(-1), maps.amax(-1), rtol=1e-4)
    assert (np.abs(back - maps.numpy()) <= maps.amax(-1, keepdim=True).numpy() / 500).all()


def test_the_stage_shows_the_readings_own_numbers(example):
    data = json.loads(json.dumps(stage_data(example)))
    assert data["digits"] == "314159"
    assert [step["name"] for step in data["steps"]] == [*"314159", "end"]
    assert [step["probability"] for step in data["steps"]][:-1] == example.probabilities
    assert np.allclose(data["distributions"], example.distributions, atol=1e-5)
    cross = example.maps.cross
    assert np.allclose(unpack(data["cross"]), cross, atol=float(cross.max()) / 500)
    assert np.allclose(unpack(data["mean"]), cross.mean((0, 1)), atol=0.002)
    assert data["heads"][5] == "cross 2, head 2"
    ink = np.frombuffer(base64.b64decode(data["canvas"]["ink"]), dtype=np.uint8)
    assert np.allclose(ink.reshape(example.canvas.shape) / 255, example.canvas, atol=1 / 500)


def test_every_digit_has_its_place_over_its_own_ink(example):
    """Six digits of about the same width, so each lies in its own sixth of the ink."""
    data = stage_data(example)
    left, right = data["ink"]
    width = example.canvas.shape[1]
    columns = [step["column"] * width for step in data["steps"][:-1]]
    assert [int(6 * (column - left) / (right - left)) for column in columns] == [*range(6)]


def test_doubt_is_that_of_the_page_which_knows_more_than_the_reading(example):
    data = stage_data(example, [0.9, 0.6, 0.9, 0.9, 0.2, 0.9], ["some ink was passed over"])
    doubtful = [step["doubtful"] for step in data["steps"]]
    assert doubtful == [False, True, False, False, True, False, False]
    assert data["hints"] == ["some ink was passed over"]


def test_an_empty_drawing_has_no_steps():
    data = stage_data(Reading.blank(torch.zeros(32, 224)))
    assert data["steps"] == [] and data["digits"] == ""
    assert data["ink"] == [0, 224]


def test_maps_that_were_not_asked_for_are_missed(example):
    reading = load_transformer().read(ROOT / "demo" / "examples" / "99.png")
    with pytest.raises(ValueError, match="attention=True"):
        stage_data(reading)


def test_a_stage_is_small(example):
    assert len(json.dumps(stage_data(example))) < 60_000
