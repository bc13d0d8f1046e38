import numpy as np
import pytest

from mnist_transformer.ink.chains import find_chains
from mnist_transformer.ink.light import median
from mnist_transformer.ink.rules import FILLED, Dark


@pytest.mark.parametrize("width", [300, 700, 1500, 2048])
def test_a_strip_is_crossed_where_most_of_a_row_or_of_the_rows_beside_it_is_dark(width):
    mask = np.random.default_rng(width).random((40, width)) < 0.5
    dark = Dark(mask)
    strips = width // dark.strip
    padded = np.pad(mask, ((1, 1), (0, 0)))
    near = (padded[:-2] | mask | padded[2:])[:, : strips * dark.strip]
    share = near.reshape(40, strips, dark.strip).mean(2)
    assert dark.crossed.tolist() == (share >= FILLED).astype(int).tolist()
    assert 0 < dark.crossed.mean() < 1


def test_a_chain_follows_a_tilted_line_over_a_gap_and_leaves_what_is_thicker():
    crossed = np.zeros((40, 20), bool)
    for place in range(20):
        row = 10 + place // 4
        crossed[row : row + 2, place] = place not in (8, 9)
        crossed[row + 6 : row + 16, place] = True
    thin, thick = sorted(find_chains(crossed), key=lambda chain: chain.thickness)
    assert thin.places == [place for place in range(20) if place not in (8, 9)]
    assert thin.rows == [10.5 + place // 4 for place in thin.places]
    assert thick.places == list(range(20))


@pytest.mark.parametrize("numbers", [[3], [9, 1], [4.5, 2, 8], [1, 2, 2, 10]])
def test_the_median_of_a_few_numbers_is_numpys(numbers):
    assert median(numbers) == np.median(numbers)
