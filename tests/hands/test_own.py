import json

import numpy as np
import pytest
import torch

from mnist_transformer.hands.own import (
    OwnDigitsError,
    digits_from_json,
    digits_to_json,
    own_digit,
    own_digit_set,
    stroke_digit,
)

SEVEN = [[[0, 0], [90, 0], [30, 160]], [[20, 80], [80, 75]]]


def test_a_digit_is_fitted_as_mnists_are():
    picture = np.zeros((50, 200), np.float32)
    picture[10:40, 90:100] = 0.6
    image = own_digit(1, picture).image
    rows, columns = (np.flatnonzero(image.any(axis)) for axis in (1, 0))
    assert image.shape == (28, 28) and image.dtype == np.uint8 and image.max() == 255
    assert (rows[0], rows[-1]) == (4, 23) and 5 <= len(columns) <= 8


def test_strokes_in_any_unit_make_the_same_digit():
    small = [[[x / 1000, y / 1000] for x, y in stroke] for stroke in SEVEN]
    digit = stroke_digit(7, SEVEN)
    assert digit.label == 7 and (digit.image > 127).sum() > 20
    assert np.array_equal(digit.image, stroke_digit(7, small).image)


def test_digits_come_back_from_their_file():
    digits = [stroke_digit(7, SEVEN), stroke_digit(1, SEVEN[:1])]
    again = digits_from_json(digits_to_json(digits))
    assert [digit.label for digit in again] == [7, 1]
    for digit, same in zip(digits, again, strict=True):
        difference = np.abs(digit.image.astype(int) - same.image.astype(int))
        assert difference.mean() < 1 and difference.max() < 40


def file(**digit):
    return json.dumps({"format": "digits of one's own", "version": 1, "digits": [digit]})


IMAGE = stroke_digit(7, SEVEN).image.tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no file of digits"),
        ("[1, 2]", "no file of digits"),
        ("[" * 100_000, "no file of digits"),
        (b"\xff\xfe\x00", "no file of digits"),
        (json.dumps({"digits": []}), "no file of digits"),
        (file().replace("[{}]", "[]"), "holds 0 digits, not 1 to 1,000"),
        (" " * 6_000_000, "larger than 5 MB"),
        (file(), "digit 1 of 1: a digit has a label, and an image or strokes"),
        (file(label=10, image=IMAGE), "digit 1 of 1: a digit's label must be"),
        (file(label="7", image=IMAGE), "a digit's label must be a whole number from 0 to 9"),
        (file(label=True, image=IMAGE), "a digit's label must be a whole number from 0 to 9"),
        (file(label=7, image=IMAGE[:20]), "its image must be 28 rows of 28 numbers"),
        (file(label=7, image="a picture"), "its image must be 28 rows of 28 numbers"),
        (file(label=7, image=[[300] * 28] * 28), "from 0 to 255"),
        (file(label=7, image=[[float("nan")] * 28] * 28), "from 0 to 255"),
        (file(label=7, image=[[0] * 28] * 28), "nothing is drawn that could be a 7"),
        (file(label=7, strokes=[]), "strokes must be lists of points"),
        (file(label=7, strokes=[[1, 2, 3]]), "strokes must be lists of points"),
        (file(label=7, strokes=[[[1, 2], ["a", 3]]]), "strokes must be lists of points"),
        (file(label=7, strokes=[[[1e400, 2], [3, 4]]]), "strokes must be lists of points"),
        (file(label=7, strokes=[[[5, 5], [5, 5]]]), "nothing is drawn that could be a 7"),
    ],
)
def test_what_is_no_digit_is_refused_with_a_reason(text, message):
    with pytest.raises(OwnDigitsError, match=message):
        digits_from_json(text)


def test_variations_are_many_of_each_example_and_fixed_by_the_seed():
    digits = [stroke_digit(7, SEVEN), stroke_digit(1, SEVEN[:1])]
    varied = own_digit_set(digits, 40, torch.Generator().manual_seed(0))
    assert varied.labels.tolist() == [7, 1] * 20
    assert len({image.numpy().tobytes() for image in varied.images}) == 40
    assert ((varied.images > 127).float().mean((1, 2)) > 0.02).all()
    again = own_digit_set(digits, 40, torch.Generator().manual_seed(0))
    assert torch.equal(varied.images, again.images)
