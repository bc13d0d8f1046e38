from dataclasses import replace

import numpy as np
import pytest
import torch

from mnist_transformer import load_transformer
from mnist_transformer.hands.pages import KINDS
from mnist_transformer.hands.pairs import Sheets
from mnist_transformer.hands.pen import load_pen_digits
from mnist_transformer.lab import pages
from mnist_transformer.lab.pages import PairScore, evaluate_pages, evaluate_pairs
from mnist_transformer.page import Page, Row
from mnist_transformer.reading import Reading
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


def test_pairs_are_scored_from_left_to_right_and_in_any_order(model, digits):
    score = evaluate_pairs(model, digits, num_lines=40, seed=1)
    assert 0.6 < score.line_accuracy <= score.level_in_any_order <= score.in_any_order <= 1


def test_a_swapped_pair_counts_in_any_order_and_in_order_only_where_neither_is_left(monkeypatch):
    labels = np.array([[2, 1], [3, 4], [5, 6]])  # the first pair's first digit lies to the right
    middles = np.array([[20.5, 20], [10, 11], [50, 59]])
    sheets = Sheets(np.zeros((3, 100, 100), np.uint8), labels, np.stack([middles] * 2, 2))
    monkeypatch.setattr(pages, "make_pairs", lambda *_: sheets)
    monkeypatch.setattr(pages, "read_or_empty", lambda *_: Page([Row([reading], [], (0, 0, 1, 1))]))
    reading = Reading("21", [], None, torch.zeros(0, 11), torch.zeros(32, 224))
    assert evaluate_pairs(None, None, 3) == PairScore(0, 1 / 3, 1 / 3)
    reading = replace(reading, digits="43")
    assert evaluate_pairs(None, None, 3) == PairScore(0, 0, 1 / 3)
    reading = replace(reading, digits="56")
    assert evaluate_pairs(None, None, 3) == PairScore(1 / 3, 1 / 3, 1 / 3)
