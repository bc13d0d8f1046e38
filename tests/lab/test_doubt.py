import pytest
import torch

from mnist_transformer import InkError, Page, Reading
from mnist_transformer.config import TRANSFORMER_CONFIG
from mnist_transformer.evals import evaluation_lines, line_text
from mnist_transformer.lab import doubt
from mnist_transformer.page import Row
from mnist_transformer.reading import CAUTION, DOUBT


def test_wrong_rows_without_a_doubt_and_right_ones_with_one_are_counted():
    score = doubt.score_doubt(
        [(True, False)] * 6 + [(True, True)] * 2 + [(False, False), (False, True)]
    )
    assert (score.num_right, score.num_wrong) == (8, 2)
    assert (score.silent, score.doubted) == (0.5, 0.25)
    assert doubt.score_doubt([(True, False)]).silent == 0


class Stub:
    """Gives the texts it was told, as sure of each as it was told; refuses where that is None."""

    config = TRANSFORMER_CONFIG

    def __init__(self, texts, trusted):
        self.answers = iter(zip(texts, trusted, strict=True))

    def read_page(self, picture):
        assert picture.min() == 0 and picture.max() == 1
        assert picture[[0, -1]].min() == 1 and picture[:, [0, -1]].min() == 1  # a rim of paper
        text, trusted = next(self.answers)
        if trusted is None:
            raise InkError("no picture")
        reading = Reading(text, [1.0], 1.0, torch.zeros(0, 11), torch.zeros(32, 224))
        return Page([Row([reading], [trusted], (0, 0, 1, 1))])


@pytest.fixture
def texts(digits):
    lines = evaluation_lines(digits, TRANSFORMER_CONFIG, 100, doubt.SEED)
    return [line_text(tokens) for _, batch in lines for tokens in batch]


def test_the_fitting_caution_gives_as_many_right_rows_a_doubt_as_are_allowed(digits, texts):
    trusted = [0.005 + n / 100 for n in range(100)]
    score, caution = doubt.evaluate_doubt(Stub(texts, trusted), digits, 100)
    assert (score.num_right, score.doubted) == (100, 0.7)
    # What is trusted to t now would be trusted to t ** (caution / CAUTION).
    again = [p ** (caution / CAUTION) < DOUBT for p in trusted]
    assert sum(again) == pytest.approx(100 * doubt.RIGHT_DOUBTED, abs=1)


def test_a_line_that_is_refused_is_wrong_and_not_without_a_doubt(digits, texts):
    trusted = [None, *[0.9] * 99]
    score, _ = doubt.evaluate_doubt(Stub(["", "no", *texts[2:]], trusted), digits, 100)
    assert (score.num_wrong, score.num_right) == (2, 98)
    assert (score.silent, score.doubted) == (0.5, 0)
