import pytest
import torch

from mnist_transformer import InkError, Reading
from mnist_transformer.lab import confidence
from mnist_transformer.reading import DOUBT, PASSED_OVER, is_doubtful, trust, trust_in


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


def look(digits, sure, end=1.0, unread=()):
    """A reading that gives each of its digits the probability `sure`, all others an equal share."""
    steps = torch.full((len(digits) + 1, 11), (1 - sure) / 10)
    for step, digit in enumerate(digits):
        steps[step, int(digit)] = sure
    return Reading(
        digits, [sure] * len(digits), end, steps, torch.zeros(32, 224), unread=list(unread)
    )


def test_a_digit_is_trusted_as_far_as_all_looks_find_it_likely():
    sure, unsure, other = look("12", 0.99), look("12", 0.6, end=0.8), look("13", 0.99)
    assert trust_in(sure, [sure, sure]) == pytest.approx([trust(0.99**2)] * 2)
    assert trust_in(sure, [sure, unsure]) == pytest.approx([trust(0.99 * 0.6 * 0.8)] * 2)
    first, second = trust_in(sure, [sure, sure, other])
    assert not is_doubtful(first) and second == pytest.approx(trust(0.99**2 * 0.001))


def test_ink_passed_over_or_left_out_or_another_length_makes_every_digit_doubtful():
    sure = look("12", 1.0)
    passed_over, longer = look("12", 1.0, unread=[(0, 0, 8, 8)]), look("127", 1.0)
    for trusted in (
        trust_in(passed_over, [passed_over, sure]),
        trust_in(sure, [sure, longer]),
        trust_in(sure, [sure, sure], lacks_ink=True),
    ):
        assert trusted == [PASSED_OVER] * 2 and all(map(is_doubtful, trusted))


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
