import numpy as np
import pytest

from mnist_transformer.ink import draw_strokes


def ink(*strokes, brush=10.0):
    return 1 - np.asarray(draw_strokes(strokes, (100, 60), brush), dtype=float) / 255


def test_a_stroke_is_as_wide_as_the_brush_and_round_at_its_ends():
    drawn = ink([(20, 30), (80, 30)])
    assert drawn.shape == (60, 100)
    assert drawn[:, 50].sum() == pytest.approx(10, abs=0.5)
    assert (drawn[30] > 0.5).sum() == pytest.approx(70, abs=1)  # half a brush beyond either end
    assert drawn[26, 15] < 0.1  # where a square end would be


def test_a_single_point_is_a_dot():
    drawn = ink(np.array([[50.0, 30.0]]))
    assert drawn.sum() == pytest.approx(np.pi * 25, rel=0.05)


def test_edges_are_smooth_and_strokes_do_not_wipe_each_other_out():
    one, other = [(20, 10), (80, 50)], [(20, 50), (80, 10)]
    both = ink(one, other)
    np.testing.assert_allclose(both, np.maximum(ink(one), ink(other)), atol=0.1)
    assert ((both > 0.2) & (both < 0.8)).any()
