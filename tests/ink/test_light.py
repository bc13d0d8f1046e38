import numpy as np
import pytest

from mnist_transformer.ink.light import median, runs


@pytest.mark.parametrize("numbers", [[3], [9, 1], [4.5, 2, 8], [1, 2, 2, 10]])
def test_the_median_of_a_few_numbers_is_numpys(numbers):
    assert median(numbers) == np.median(numbers)


def test_runs_are_found_at_both_ends_of_a_line_and_between():
    starts, stops = runs(np.array([1, 1, 0, 1, 0, 0, 1], bool))
    assert (starts.tolist(), stops.tolist()) == ([0, 3, 6], [2, 4, 7])
    assert not len(runs(np.zeros(3, bool))[0])
