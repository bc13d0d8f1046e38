import numpy as np

from mnist_transformer.ink.chains import find_chains


def test_a_chain_follows_a_tilted_line_over_a_gap_and_leaves_what_is_thicker():
    crossed = np.zeros((40, 20), bool)
    for place in range(20):
        row = 10 + place // 4
        crossed[row : row + 2, place] = place not in (8, 9)
        crossed[row + 6 : row + 16, place] = True
    thin, thick = sorted(find_chains(crossed.T), key=lambda chain: chain.thickness)
    assert thin.places == [place for place in range(20) if place not in (8, 9)]
    assert thin.rows == [10.5 + place // 4 for place in thin.places]
    assert thick.places == list(range(20))
