import torch

from mnist_transformer.hands.remains import add_remains


def test_remains_lie_on_some_canvases_and_leave_the_others_alone():
    canvases = torch.zeros(400, 32, 224)
    canvases[:, 8:24, 100:104] = 1
    before = canvases.clone()
    changed = add_remains(canvases, 0.1, torch.Generator().manual_seed(0))
    assert torch.equal(canvases, before)  # what was given stays as it is
    assert changed.min() >= 0 and changed.max() <= 1
    touched = (changed != before).any(2).any(1).float().mean()
    assert 0.2 < touched < 0.45
    assert (changed > before).any() and (changed < before).any()  # ink is left, and ink is cut
    assert torch.equal(add_remains(canvases, 0.0, None), before)


def test_remains_fit_a_canvas_of_any_width():
    changed = add_remains(torch.zeros(50, 32, 30), 1.0, torch.Generator().manual_seed(0))
    assert changed.shape == (50, 32, 30)
    sides = changed[:, :, :5].amin(1).amax(1) + changed[:, :, -5:].amin(1).amax(1)
    assert (sides > 0.3).all()  # a frame's side runs from top to bottom, at the edge
