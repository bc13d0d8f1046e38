import pytest
import torch

from mnist_transformer.explain.perturb import perturb


@pytest.fixture
def canvas(lines):
    return lines[0][0]


def test_nothing_changed_is_the_same(canvas):
    assert torch.equal(perturb(canvas), canvas)


def test_a_quarter_turn_is_a_quarter_turn():
    square = torch.zeros(32, 32)
    square[4:8, 10:14] = 1
    torch.testing.assert_close(perturb(square, rotation=90), square.rot90(-1), atol=1e-4, rtol=0)


def test_a_turn_keeps_the_form_on_a_wide_canvas():
    wide = torch.zeros(32, 224)
    wide[12:20, 108:116] = 1  # a square in the middle stays one
    turned = perturb(wide, rotation=90)
    torch.testing.assert_close(turned, wide, atol=1e-4, rtol=0)


def test_thickness_and_noise(canvas):
    ink = canvas.sum()
    assert perturb(canvas, thickness=-0.5).sum() < ink < perturb(canvas, thickness=0.5).sum()
    noisy = perturb(canvas, noise=0.3)
    assert noisy.min() >= 0 and noisy.max() <= 1
    assert torch.equal(noisy, perturb(canvas, noise=0.3))
    assert not torch.equal(noisy, perturb(canvas, noise=0.3, seed=1))


@pytest.mark.parametrize("change", [{"thickness": 1.5}, {"noise": -0.1}])
def test_out_of_range_is_refused(canvas, change):
    with pytest.raises(ValueError, match="thickness must be between -1 and 1"):
        perturb(canvas, **change)
