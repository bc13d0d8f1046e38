import numpy as np
import pytest

from mnist_transformer.ink.rules import FILLED, Dark


@pytest.mark.parametrize("width", [300, 700, 1500, 2048])
def test_a_strip_is_crossed_where_most_of_a_row_or_of_the_rows_beside_it_is_dark(width):
    mask = np.random.default_rng(width).random((40, width)) < 0.5
    dark = Dark.of(mask)
    strips = width // dark.strip
    padded = np.pad(mask, ((1, 1), (0, 0)))
    near = (padded[:-2] | mask | padded[2:])[:, : strips * dark.strip]
    share = near.reshape(40, strips, dark.strip).mean(2)
    assert dark.crossed.T.tolist() == (share >= FILLED).astype(int).tolist()
    assert 0 < dark.crossed.mean() < 1
