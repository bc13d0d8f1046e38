import pytest
import torch

from mnist_transformer import InkError, Reading
from mnist_transformer.lab import confidence
from mnist_transformer.reading import DOUBT, is_doubtful, trust


def reading(digits, *probabilities):
    return Reading(digits, list(probabilities), 0.9, torch.zeros(0, 11), torch.zeros(32, 224))


def test_reliability_of_a_known_case():
    score = confidence.reliability(
        [
            ("12", reading("12", 0.95, 0.85)),
            ("3", reading("8", 0.95)),
            ("456", reading("46", 0.95, 0.95)),  # a missed digit has no confidence
        ]
    )
    low, high = score.bins
    assert (low.low, low.count, low.right) == (0.8, 1, 1.0)
    assert (high.count, high.right) == (4, 0.75)
    assert high.confidence == pytest.approx(0.95)
    assert score.error == pytest.approx((1 * 0.15 + 4 * 0.2) / 5)


def test_certainty_belongs_to_the_last_bin():
    (only,) = confidence.reliability([("1", reading("1", 1.0))]).bins
    assert (only.low, only.high) == (0.9, 1.0)


def test_no_digits_no_reliability():
    with pytest.raises(ValueError, match="no digit was read"):
        confidence.reliability([("12", reading(""))])


def test_digits_below_the_threshold_are_uncertain():
    assert [is_doubtful(p) for p in (DOUBT - 0.01, DOUBT)] == [True, False]
    assert reading("12", DOUBT - 0.01, 1.0).uncertain == [True, False]


def test_an_end_that_is_unsure_makes_every_digit_uncertain():
    unsure = Reading("12", [1.0, 1.0], 0.5, torch.zeros(0, 11), torch.zeros(32, 224))
    assert unsure.uncertain == [True, True]


def test_trust_keeps_the_order_and_what_is_certain():
    levels = [trust(p / 20) for p in range(21)]
    assert levels == sorted(levels) and len(set(levels)) == 21
    assert levels[0] == 0 and levels[-1] == 1


@pytest.mark.parametrize("pictures", [confidence.letter_pictures, confidence.scribble_pictures])
def test_what_is_no_digit_is_fixed_and_never_blank(pictures):
    first, again = (list(pictures(40, 7)) for _ in range(2))
    for (name, a), (_, b) in zip(first, again, strict=True):
        assert a.tobytes() == b.tobytes()
        assert a.getextrema() == (0, 255), name


def test_what_is_no_digit_is_flagged_when_nothing_or_something_doubtful_is_read(monkeypatch):
    class Stub:
        answers = [reading(""), reading("1", 0.99), reading("12", 0.99, 0.4), reading("7", 1.0)]

        def read(self, picture):
            return self.answers[picture]

    for name in ("letter_pictures", "scribble_pictures"):
        monkeypatch.setattr(confidence, name, lambda count, seed: [("", n) for n in range(count)])
    assert confidence.evaluate_rejection(Stub(), 4) == {"letters": 0.5, "scribbles": 0.5}


def test_what_is_refused_is_flagged(monkeypatch):
    class Stub:
        def read(self, picture):
            raise InkError("the drawing has 2 rows of digits")

    assert confidence.evaluate_rejection(Stub(), 2) == {"letters": 1.0, "scribbles": 1.0}
