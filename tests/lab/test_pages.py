import pytest

from mnist_transformer import load_transformer
from mnist_transformer.hands.pages import KINDS
from mnist_transformer.hands.pen import load_pen_digits
from mnist_transformer.lab.pages import evaluate_pages, evaluate_pairs, make_pairs
from tests.pen import write_ink


@pytest.fixture(scope="module")
def model():
    return load_transformer()


def test_the_score_counts_pages_of_every_kind(model, tmp_path):
    digits = load_pen_digits(write_ink(tmp_path / "ink.jsonl"))
    score = evaluate_pages(model, digits, num_pages=2, seed=5)
    assert score.num_pages == 2 * len(KINDS) and set(score.accuracy_by_kind) == set(KINDS)
    wrong = score.num_pages - round(score.accuracy * score.num_pages)
    assert len(score.misread) == wrong
    assert score.accuracy > 0.7 and score.silent <= wrong / score.num_pages
    assert score.rows.num_right > score.rows.num_wrong


def test_pairs_lie_anywhere_and_are_named_from_left_to_right(model, digits):
    sheets, texts = make_pairs(digits, 40, seed=1)
    assert sheets.shape == (40, 100, 100) and all(len(text) == 2 for text in texts)
    again, _ = make_pairs(digits, 40, seed=1)
    assert (sheets == again).all()
    assert (sheets[:, :30].any(), sheets[:, 70:].any()) == (True, True)
    assert 0.6 < evaluate_pairs(model, digits, num_lines=40, seed=1) <= 1
