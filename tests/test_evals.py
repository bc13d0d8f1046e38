import pytest
import torch

from mnist_transformer import Classifier
from mnist_transformer.evals import (
    align,
    centred_canvases,
    evaluate_classifier,
    evaluate_transformer,
    evaluation_lines,
    line_text,
    score_sequences,
)


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [("", "", 0), ("123", "", 3), ("", "12", 2), ("123", "123", 0), ("1234", "1243", 2)]
    + [("12345", "2345", 1), ("777", "77", 1), ("159", "1599", 1), ("8675309", "8615309", 1)],
)
def test_alignment_finds_the_fewest_changes(a, b, distance):
    pairs = align(a, b)
    assert sum(x != y for x, y in pairs) == distance
    assert "".join(x for x, _ in pairs) == a and "".join(y for _, y in pairs) == b


def test_a_missed_digit_is_paired_with_nothing():
    assert align("1593", "153") == [("1", "1"), ("5", "5"), ("9", ""), ("3", "3")]


def test_scores():
    score = score_sequences(["12", "34", "567"], ["12", "3", "568"])
    assert score.num_lines == 3
    assert score.line_accuracy == pytest.approx(1 / 3)
    assert score.digit_accuracy == pytest.approx(1 - 2 / 7)
    assert score.line_accuracy_by_length == {2: 0.5, 3: 0.0}
    assert score.misread == [("34", "3"), ("567", "568")]
    assert score.confusions == {("4", ""): 1, ("7", "8"): 1}


@pytest.mark.parametrize(("true", "read"), [([], []), (["1"], [])])
def test_nothing_to_compare_is_an_error(true, read):
    with pytest.raises(ValueError, match="cannot be compared"):
        score_sequences(true, read)


def test_evaluation_lines_are_fixed_and_complete(digits, small_config):
    first = list(evaluation_lines(digits, small_config, 300, seed=1))
    again = list(evaluation_lines(digits, small_config, 300, seed=1))
    assert sum(len(tokens) for _, tokens in first) == 300
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(first, again, strict=True))


def test_a_model_is_scored_by_what_it_reads(model, digits):
    score = evaluate_transformer(model, digits, num_lines=20, seed=3)
    true, read = [], []
    for canvases, tokens in evaluation_lines(digits, model.config, 20, seed=3):
        true += map(line_text, tokens)
        read += [reading.digits for reading in model.read_canvases(canvases)]
    assert score == score_sequences(true, read)


def test_classifier_accuracy_counts_right_answers(digits):
    classifier = Classifier().eval()
    with torch.no_grad():
        classifier.digit.weight.zero_()
        classifier.digit.bias[:] = torch.eye(10)[4]  # always "4": a tenth of the balanced digits
    assert evaluate_classifier(classifier, digits) == pytest.approx(0.1)


def test_single_digits_lie_in_the_middle_unchanged(digits):
    config = Classifier().config
    canvas = centred_canvases(digits.images[:3], config)
    assert canvas.shape == (3, 32, 32)
    torch.testing.assert_close(canvas[:, 2:30, 2:30], digits.images[:3] / 255)
    assert canvas[:, :2].max() == 0
