"""Train your own: what is said of a run."""

import pytest

from demo.train_view import time_left
from mnist_transformer.train import Progress


def reports(*points, steps=1000):
    """A run's reports at (step, seconds)."""
    return [Progress(step, steps, 0.0, 1.0, 0.5, 0.001, seconds) for step, seconds in points]


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([(1, 3.0)], "measuring its pace"),
        ([(1, 3.0), (11, 4.0)], "about 2 minutes left"),  # 989 steps of 0.1 s
        ([(1, 3.0), (801, 83.0)], "about 20 s left"),
        ([(1, 3.0), (401, 43.0)], "about 1 minute left"),
        ([(991, 90.0), (1000, 91.0)], "about 5 s left"),
    ],
)
def test_the_time_left_is_told_from_the_measured_pace(points, said):
    assert time_left(reports(*points)) == said


def test_the_pace_is_that_of_late():
    """Others come and go on the same cores."""
    slow = [(n, 10.0 * n) for n in range(1, 11)]
    fast = [(10 + 10 * n, 100.0 + n) for n in range(1, 11)]
    assert time_left(reports(*slow, *fast)) == "about 1 minute left"  # 890 steps of 0.1 s
