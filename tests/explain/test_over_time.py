"""One drawing, and what heads do, from moment to moment."""

import pytest
from PIL import Image

from mnist_transformer import load_transformer
from mnist_transformer.explain.habits import NO_HABIT
from mnist_transformer.explain.over_time import found_at, given_probabilities
from tests import ROOT


@pytest.fixture(scope="module")
def model():
    return load_transformer()


@pytest.fixture(scope="module")
def reading(model):
    return model.read(Image.open(ROOT / "demo" / "examples" / "2026.png"), attention=True)


def test_of_what_was_read_the_probabilities_are_the_reading_s(model, reading):
    told = given_probabilities(model, reading.canvas, reading.digits)
    assert told[:-1] == pytest.approx(reading.probabilities, abs=1e-4)
    assert told[-1] == pytest.approx(reading.end_probability, abs=1e-4)


def test_of_other_digits_only_the_wrong_one_is_unlikely(model, reading):
    told = given_probabilities(model, reading.canvas, "2036")
    assert told[2] < 0.1
    assert [told[n] > 0.5 for n in (0, 1)] == [True, True]


def test_more_digits_than_the_model_reads_are_refused(model, reading):
    with pytest.raises(ValueError, match="the model reads 8"):
        given_probabilities(model, reading.canvas, "123456789")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a", "b", "b", "b"], 1),
        (["b", "a", "b"], 2),  # what was lost again was not found
        ([None, None, "b"], 2),
        (["b", "b"], 0),
        (["b", NO_HABIT], None),
        (["b", None], None),
        ([], None),
    ],
)
def test_a_habit_is_found_when_it_stays_to_the_end(names, found):
    assert found_at(names) == found
