import numpy as np
import pytest
import torch

from mnist_transformer import load_transformer
from mnist_transformer.explain.pen_time import pen_time
from mnist_transformer.ink.brush import BRUSH, SHEET, draw_strokes


@pytest.fixture(scope="module")
def model():
    return load_transformer()


def line(*corners, points=20):
    """A stroke along some corners, evenly."""
    corners = np.array(corners, dtype=float)
    lengths = np.hypot(*np.diff(corners, axis=0).T)
    way = np.concatenate([[0], np.cumsum(lengths)])
    places = np.linspace(0, way[-1], points)
    return np.stack([np.interp(places, way, corners[:, n]) for n in (0, 1)], 1)


ONE = line((500, 40), (500, 150))
# A seven: along the top and down.
SEVEN = line((560, 40), (630, 40), (590, 150), points=30)


def test_the_last_moment_is_the_whole_drawings(model):
    moments = pen_time(model, [ONE, SEVEN], SHEET, BRUSH, every=4)
    whole = model.read(draw_strokes([ONE, SEVEN], SHEET, BRUSH))
    assert moments[-1].reading.digits == whole.digits == "17"
    torch.testing.assert_close(
        moments[-1].reading.distributions, whole.distributions, atol=1e-5, rtol=1e-4
    )
    assert (moments[-1].stroke, moments[-1].point) == (1, 29)


def test_moments_follow_the_pen(model):
    moments = pen_time(model, [ONE, SEVEN], SHEET, BRUSH, every=7)
    places = [(moment.stroke, moment.point) for moment in moments]
    assert places == [(0, 6), (0, 13), (0, 19), (1, 6), (1, 13), (1, 20), (1, 27), (1, 29)]
    for moment in moments:
        drawn = (
            [ONE[: moment.point + 1]] if moment.stroke == 0 else [ONE, SEVEN[: moment.point + 1]]
        )
        alone = model.read(draw_strokes(drawn, SHEET, BRUSH))
        assert moment.reading.digits == alone.digits
        assert moment.said == int(moment.reading.digits[moment.step])
        row = moment.reading.distributions[moment.step]
        assert torch.equal(moment.distribution, row)


def test_what_is_said_is_of_the_digit_under_the_pen(model):
    """Back at the left digit, after a second one to its right, the pen is at the first step."""
    moments = pen_time(model, [SEVEN, SEVEN + (120, 0), line((570, 95), (615, 95))], SHEET, BRUSH)
    assert moments[-1].reading.digits == "77"
    assert [moment.step for moment in moments if moment.stroke == 2][-1] == 0
    assert [moment.step for moment in moments if moment.stroke == 1][-1] == 1


def test_a_stroke_changes_what_is_said_on_its_way(model):
    said = [moment.said for moment in pen_time(model, [SEVEN], SHEET, BRUSH, every=2)]
    assert said[-1] == 7 and len(set(said)) > 1


def test_progress_reaches_its_end(model):
    shares = []
    pen_time(model, [line((500, 40), (500, 150), points=50)], SHEET, BRUSH, 1, shares.append)
    assert len(shares) == 4 and shares == sorted(shares) and shares[-1] == 1


def test_what_cannot_be_read_yet_says_nothing(model):
    """Two rows are no line: there is no digit under the pen then."""
    rows = [line((300, 10), (300, 60)), line((300, 130), (300, 180))]
    moments = pen_time(model, rows, SHEET, 8, every=20)
    assert moments[0].said is not None
    assert moments[-1].said is None and moments[-1].step is None
    assert not moments[-1].distribution.any() and moments[-1].reading.digits == ""


@pytest.mark.parametrize(
    ("strokes", "every", "message"),
    [
        ([], 3, "at least one stroke"),
        ([[]], 3, "at least one point"),
        ([[(1, 2)]], 0, "at least 1 point"),
    ],
)
def test_strokes_that_are_none_are_refused(model, strokes, every, message):
    with pytest.raises(ValueError, match=message):
        pen_time(model, strokes, SHEET, BRUSH, every)
