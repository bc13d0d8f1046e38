import math

import pytest
import torch

from mnist_transformer.hands.warp import Warp, change_stroke_width, paste_windows, warp_digits

HEIGHT = 32


def warp(**changes: float) -> Warp:
    values = dict(scale=1.0, aspect=1.0, slant=0.0, turn=0.0, offset=0.0) | changes
    tensors = {name: torch.tensor([value]) for name, value in values.items()}
    return Warp(**tensors, bend=torch.zeros(1, 2, 4, 4))


def bar(rows: slice, columns: slice) -> tuple[torch.Tensor, torch.Tensor]:
    """One image of a solid block, and its box."""
    image = torch.zeros(1, 1, 28, 28)
    image[..., rows, columns] = 1
    box = torch.tensor([[columns.start, rows.start, columns.stop, rows.stop]]).float()
    return image, box


def middle(window: torch.Tensor, rows: slice, axis: int = 1) -> float:
    """The mean column (or, with axis 0, row) of the ink in some rows of a window."""
    ink = window[rows]
    places = torch.arange(ink.shape[axis]).float()
    return float((ink.sum(1 - axis) * places).sum() / ink.sum())


UPRIGHT = bar(slice(4, 24), slice(12, 16))


def test_an_unchanged_digit_stands_in_the_middle_as_it_was():
    window = warp_digits(*UPRIGHT, warp(), height=HEIGHT)[0]
    assert window.shape == (HEIGHT, 48)
    torch.testing.assert_close(window[6:26, 22:26], torch.ones(20, 4))
    assert window.sum() == pytest.approx(80, rel=1e-3)


def test_a_slant_above_0_leans_to_the_right_by_that_much_for_each_pixel_up():
    window = warp_digits(*UPRIGHT, warp(slant=0.3), height=HEIGHT)[0]
    top, bottom = middle(window, slice(8, 10)), middle(window, slice(22, 24))
    assert top - bottom == pytest.approx(0.3 * 14, abs=0.3)


def test_a_turn_above_0_is_clockwise():
    window = warp_digits(*UPRIGHT, warp(turn=0.2), height=HEIGHT)[0]
    top, bottom = middle(window, slice(8, 10)), middle(window, slice(22, 24))
    assert top - bottom == pytest.approx(math.tan(0.2) * 14, abs=0.4)
    flat = bar(slice(12, 16), slice(4, 24))
    window = warp_digits(*flat, warp(turn=0.2), height=HEIGHT)[0]
    left = middle(window[:, 16:18], slice(None), axis=0)
    right = middle(window[:, 30:32], slice(None), axis=0)
    assert right - left == pytest.approx(math.tan(0.2) * 14, abs=0.4)


def test_scale_aspect_and_offset_are_in_pixels_of_the_canvas():
    window = warp_digits(*UPRIGHT, warp(scale=0.5, aspect=3.0, offset=4.0), height=HEIGHT)[0]
    ink = window > 0.5
    assert int(ink.any(1).sum()) == 10 and int(ink.any(0).sum()) == 6
    assert middle(window, slice(None), axis=0) == pytest.approx(HEIGHT / 2 - 0.5 + 4, abs=0.1)


def test_the_box_not_the_image_is_set_in_the_middle():
    corner = bar(slice(0, 10), slice(0, 6))
    window = warp_digits(*corner, warp(), height=HEIGHT)[0]
    assert middle(window, slice(None)) == pytest.approx(23.5, abs=0.1)
    assert middle(window, slice(None), axis=0) == pytest.approx(15.5, abs=0.1)


def test_a_bend_moves_the_part_of_the_digit_that_it_names():
    bent = warp()
    bent.bend[0, 0, 0] = 3.0  # look further right in the upper part: its ink moves left
    window = warp_digits(*UPRIGHT, bent, height=HEIGHT)[0]
    assert middle(window, slice(7, 9)) < middle(window, slice(23, 25)) - 1


def test_strokes_grow_and_shrink_by_up_to_a_pixel_a_side():
    image, _ = UPRIGHT
    for amount, width in ((1.0, 6), (0.0, 4), (-1.0, 2)):
        changed = change_stroke_width(image, torch.tensor(amount))
        assert int((changed[0, 0, 14] > 0.5).sum()) == width


def test_windows_are_pasted_at_their_columns_the_darker_ink_winning():
    windows = torch.zeros(1, 2, 4, 6)
    windows[0, 0, :, 2:4] = 0.5
    windows[0, 1, :, 2:4] = 0.9
    canvas = paste_windows(windows, torch.tensor([[-1, 0]]), width=10)[0]
    assert canvas.shape == (4, 10)
    torch.testing.assert_close(canvas[0, :5], torch.tensor([0, 0.5, 0.9, 0.9, 0]))
