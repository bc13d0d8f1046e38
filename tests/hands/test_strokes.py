import pytest
import torch

from mnist_transformer import strokes


def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("draw", [strokes.synthetic_digits, strokes.scribbles])
def test_drawings_look_like_mnist_images(draw):
    drawn = draw(300, generator())
    assert drawn.images.shape == (300, 28, 28) and drawn.images.dtype == torch.uint8
    assert set(drawn.labels.tolist()) == set(range(10))
    width, height = drawn.boxes[:, 2] - drawn.boxes[:, 0], drawn.boxes[:, 3] - drawn.boxes[:, 1]
    longer = torch.maximum(width, height)
    assert longer.min() >= 17 and longer.max() <= 22  # MNIST's longer side is 20
    assert torch.equal(drawn.images, draw(300, generator()).images)


def test_the_classifier_knows_the_forms_drawn_by_code():
    from mnist_transformer import load_classifier
    from mnist_transformer.evals import evaluate_classifier

    # It learned from MNIST alone, so a form it does not know would be drawn wrongly.
    assert (
        evaluate_classifier(load_classifier(), strokes.synthetic_digits(2000, generator())) > 0.85
    )


def test_redrawn_digits_keep_their_place_and_label(digits):
    redrawn = strokes.rerender_digits(digits, 40, generator())
    chosen = torch.randint(len(digits), (40,), generator=generator())
    assert torch.equal(redrawn.labels, digits.labels[chosen])
    for image, original in zip(redrawn.images, digits.images[chosen], strict=True):
        image, original = image.float(), original.float()
        overlap = torch.minimum(image, original).sum() / torch.minimum(image.sum(), original.sum())
        assert overlap > 0.7


def test_shares_are_shares_of_the_whole(digits):
    mixed = strokes.mix_sources(digits, 0.1, 0.2, 0.05)
    assert len(digits) / len(mixed) == pytest.approx(0.65, abs=0.01)
    assert torch.equal(mixed.images[: len(digits)], digits.images)
    assert strokes.mix_sources(digits, 0, 0, 0) is digits


@pytest.mark.parametrize("shares", [(-0.1, 0, 0), (0.5, 0.5, 0)])
def test_shares_that_leave_nothing_are_refused(digits, shares):
    with pytest.raises(ValueError, match="shares"):
        strokes.mix_sources(digits, *shares)
