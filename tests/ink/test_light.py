import numpy as np
import pytest

from mnist_transformer.ink.light import median


@pytest.mark.parametrize("numbers", [[3], [9, 1], [4.5, 2, 8], [1, 2, 2, 10]])
def test_the_median_of_a_few_numbers_is_numpys(numbers):
    assert median(numbers) == np.median(numbers)
