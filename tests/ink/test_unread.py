import numpy as np

from mnist_transformer.ink import unread_marks


def test_a_mark_is_unread_where_no_step_looked_on_its_own_canvas():
    grid = (4, 12)
    canvases, looked = np.zeros((3, 32, 96), np.float32), np.zeros((3, 2, 48), np.float32)
    canvases[0, 24:32, 8:24] = 1  # at the lower border, over the patches 37 and 38
    canvases[1, 0:16, 8:16] = 1  # at the upper border, over the patches 1 and 13
    canvases[1, 20:23, 40:43] = 1  # too small to be missed
    looked[1, 0, 37] = looked[1, 1, 38] = 1  # where the first canvas has its mark
    (first,), (second,), none = unread_marks(canvases, looked, grid)
    assert (first, second, none) == ((8, 24, 24, 32), (8, 0, 16, 16), [])
    looked[0, 1, 38] = 0.08
    looked[1, 0, [1, 13]] = 0.06  # of one step, together
    assert unread_marks(canvases, looked, grid) == [[], [], []]
    looked[1, 0, 1] = 0
    assert unread_marks(canvases, looked, grid) == [[], [second], []]
