import pytest
import torch

from mnist_transformer.dataset import DigitSet
from mnist_transformer.hands.forms import DIGIT_FORMS, LETTER_FORMS
from mnist_transformer.hands.non_digits import non_digits
from mnist_transformer.hands.rerender import font_digits, rerender_digits, uci_digits
from mnist_transformer.hands.sources import mix_sources
from mnist_transformer.hands.synthetic import draw_variations, form_curves, synthetic_digits


def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("draw", [synthetic_digits, non_digits, uci_digits, font_digits])
def test_drawings_look_like_mnist_images(draw):
    drawn = draw(150, generator())
    assert drawn.images.shape == (150, 28, 28) and drawn.images.dtype == torch.uint8
    assert set(drawn.labels.tolist()) == set(range(10))
    width, height = drawn.boxes[:, 2] - drawn.boxes[:, 0], drawn.boxes[:, 3] - drawn.boxes[:, 1]
    longer = torch.maximum(width, height)
    assert longer.min() >= 17 and longer.max() <= 25  # MNIST's longer side is 20
    assert torch.equal(drawn.images, draw(150, generator()).images)


@pytest.mark.parametrize("digit", DIGIT_FORMS)
def test_every_form_is_drawn_within_its_box_in_one_piece_a_stroke(digit):
    for form in DIGIT_FORMS[digit]:
        curve = form_curves(form)
        assert curve.shape == (len(form), 32, 2)
        assert curve.min() > -0.15 and curve.max() < 1.15  # smooth curves may lean out a little
        drawn = draw_variations([curve], 20, (0.5, 0.9), generator())
        assert drawn[:, [0, 1, -2, -1]].max() == 0 and drawn[:, :, [0, 1, -2, -1]].max() == 0
        ink = (drawn > 127).float().mean((1, 2))
        assert ink.min() > 0.02 and ink.max() < 0.45


def test_forms_are_many_and_vary_freely():
    assert all(len(forms) >= 7 for forms in DIGIT_FORMS.values())
    curves = [form_curves(form) for form in DIGIT_FORMS[7]]
    drawn = draw_variations(curves, 50, (0.5, 0.9), generator())
    assert len({image.numpy().tobytes() for image in drawn}) == 50


def test_letters_are_no_forms_of_digits():
    letters = [form_curves(form) for form in LETTER_FORMS]
    digits = [form_curves(form) for forms in DIGIT_FORMS.values() for form in forms]
    for letter in letters:
        for digit in digits:
            if letter.shape == digit.shape:
                assert (letter - digit).norm(dim=-1).mean() > 0.1


def test_the_classifier_knows_the_forms_drawn_by_code():
    from mnist_transformer import load_classifier
    from mnist_transformer.evals import evaluate_classifier

    # It learned from MNIST alone, so a form it does not know would be drawn wrongly.
    model = load_classifier()
    assert evaluate_classifier(model, synthetic_digits(1000, generator())) > 0.85
    assert evaluate_classifier(model, font_digits(300, generator())) > 0.9
    assert evaluate_classifier(model, uci_digits(300, generator())) > 0.8


def test_redrawn_digits_keep_their_place_and_label(digits):
    redrawn = rerender_digits(digits, 40, generator())
    chosen = torch.randint(len(digits), (40,), generator=generator())
    assert torch.equal(redrawn.labels, digits.labels[chosen])
    for image, original in zip(redrawn.images, digits.images[chosen], strict=True):
        image, original = image.float(), original.float()
        overlap = torch.minimum(image, original).sum() / torch.minimum(image.sum(), original.sum())
        assert overlap > 0.7


def test_shares_are_shares_of_the_whole(digits):
    few = DigitSet(digits.images[::5], digits.labels[::5], digits.boxes[::5], "few")
    mixed = mix_sources(few, rerendered=0.1, synthetic=0.1, non_digits=0.05, uci=0.05, fonts=0.05)
    assert len(few) / len(mixed) == pytest.approx(0.65, abs=0.01)
    assert torch.equal(mixed.images[: len(few)], few.images)
    assert mix_sources(few) is few


def test_several_rounds_draw_the_others_anew_each_time_and_the_same_in_every_run(digits):
    few = DigitSet(digits.images[::25], digits.labels[::25], digits.boxes[::25], "few")
    torch.manual_seed(7)
    twice = mix_sources(few, rounds=2, rerendered=0.3, synthetic=0.3)
    assert torch.initial_seed() == 7 and torch.rand(1) == _first_random_number(7)
    once = mix_sources(few, rerendered=0.3, synthetic=0.3)
    assert len(twice) == 2 * len(once)
    others = len(once) - len(few)
    first, second = twice.images[2 * len(few) :].split(others)
    assert torch.equal(first, once.images[len(few) :])
    assert not torch.equal(first, second)
    again = mix_sources(few, rounds=2, rerendered=0.3, synthetic=0.3)
    assert torch.equal(twice.images, again.images)


def _first_random_number(seed: int) -> torch.Tensor:
    return torch.rand(1, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "shares", [{"rerendered": -0.1}, {"rerendered": 0.5, "synthetic": 0.5}, {"fonts": 1.0}]
)
def test_shares_that_leave_nothing_are_refused(digits, shares):
    with pytest.raises(ValueError, match="shares"):
        mix_sources(digits, **shares)
