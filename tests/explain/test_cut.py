import numpy as np
import pytest
import torch

from mnist_transformer import load_transformer
from mnist_transformer.explain.cut import cut_digits
from mnist_transformer.hands.own import own_digit
from mnist_transformer.reading import Reading
from tests import ROOT


@pytest.fixture(scope="module")
def shipped():
    return load_transformer()


@pytest.mark.parametrize("digits", ["2026", "314159", "8675309"])
def test_every_digit_that_is_cut_out_is_read_as_what_it_was(shipped, digits):
    reading = shipped.read(ROOT / "demo" / "examples" / f"{digits}.png", attention=True)
    pictures = cut_digits(reading)
    assert len(pictures) == len(digits)
    alone = shipped.read_many([1 - picture for picture in pictures])
    assert "".join(r.digits for r in alone) == digits
    assert all(own_digit(int(d), p) for d, p in zip(digits, pictures, strict=True))


def test_all_ink_goes_to_some_digit_and_none_to_two(shipped):
    reading = shipped.read(ROOT / "demo" / "examples" / "314159.png", attention=True)
    canvas, pictures = reading.canvas.numpy(), cut_digits(reading)
    assert np.array_equal(sum(pictures), np.where(canvas > 0.1, canvas, 0))


def test_digits_that_touch_are_cut_apart(shipped):
    reading = shipped.read(ROOT / "demo" / "examples" / "314159.png", attention=True)
    joined = reading.canvas.clone()
    middle = joined.shape[0] // 2
    columns = (joined > 0.1).any(0).nonzero().flatten()
    joined[middle, int(columns[0]) : int(columns[-1])] = 1.0
    read = shipped.read_canvases(joined[None], attention=True)[0]
    pictures = cut_digits(read)
    assert len(pictures) == read.steps - 1 and all(picture.any() for picture in pictures)


def test_a_blank_drawing_has_no_digits(model, small_config):
    canvas = torch.zeros(1, small_config.canvas_height, small_config.canvas_width)
    assert cut_digits(model.read_canvases(canvas, attention=True)[0]) == []


def test_a_reading_without_maps_is_refused(reading):
    bare = Reading(
        reading.digits, reading.probabilities, 0.5, reading.distributions, reading.canvas
    )
    with pytest.raises(ValueError, match="no attention maps"):
        cut_digits(bare)
