import numpy as np
import pytest
import torch

from mnist_transformer import InkError, Reading
from mnist_transformer.config import END, LOOKS, TRANSFORMER_CONFIG
from mnist_transformer.evals import evaluation_lines, line_text
from mnist_transformer.lab import doubt
from mnist_transformer.page import Prepared
from mnist_transformer.reading import CAUTION, DOUBT, SURE


def test_wrong_rows_without_a_doubt_and_right_ones_with_one_are_counted():
    score = doubt.score_doubt(
        [(True, False)] * 6 + [(True, True)] * 2 + [(False, False), (False, True)]
    )
    assert (score.num_right, score.num_wrong) == (8, 2)
    assert (score.silent, score.doubted) == (0.5, 0.25)
    assert doubt.score_doubt([(True, False)]).silent == 0


class Stub:
    """Gives the texts it was told, as sure of each as it was told; refuses where that is None.

    If `others` are told, the first look is as sure as `trusted`, and the others are so much less.
    """

    config = TRANSFORMER_CONFIG

    def __init__(self, monkeypatch, texts, trusted, others=None):
        self.answers = list(zip(texts, trusted, others or [None] * len(texts), strict=True))
        monkeypatch.setattr(doubt, "prepare_page", self.prepare)

    def prepare(self, picture, config):
        assert picture.min() == 0 and picture.max() == 1
        assert picture[[0, -1]].min() == 1 and picture[:, [0, -1]].min() == 1  # a rim of paper
        if self.answers[0][1] is None:
            self.answers.pop(0)
            raise InkError("no picture")
        canvas = np.zeros((1, config.canvas_height, config.canvas_width), np.float32)
        return Prepared(canvas, [(1, (0, 0, 1, 1), False)])

    def read_looks(self, canvases, sure):
        assert len(canvases) == 1 and sure > 1  # all looks are asked for
        text, trusted, other = self.answers.pop(0)
        ends = [trusted ** (1 / CAUTION)] * LOOKS
        if other is not None:
            ends[1:] = [other ** (1 / CAUTION)] * (LOOKS - 1)
        steps = torch.zeros(len(text) + 1, 11)
        steps[-1, END] = 1
        for step, digit in enumerate(text):
            steps[step, int(digit)] = 1
        canvas = torch.zeros(32, 224)
        return [[Reading(text, [1.0] * len(text), end, steps, canvas) for end in ends]]


@pytest.fixture
def texts(digits):
    lines = evaluation_lines(digits, TRANSFORMER_CONFIG, 100, doubt.SEED)
    return [line_text(tokens) for _, batch in lines for tokens in batch]


def test_the_fitting_caution_gives_as_many_right_rows_a_doubt_as_are_allowed(
    digits, texts, monkeypatch
):
    trusted = [0.005 + n / 100 for n in range(100)]
    fit = doubt.evaluate_doubt(Stub(monkeypatch, texts, trusted), digits, 100)
    assert (fit.rows.num_right, fit.rows.doubted) == (100, 0.7)
    # What is trusted to t now would be trusted to t ** (caution / CAUTION).
    again = [p ** (fit.caution / CAUTION) < DOUBT for p in trusted]
    assert sum(again) == pytest.approx(100 * doubt.RIGHT_DOUBTED, abs=1)


def test_a_line_that_is_refused_is_wrong_and_not_without_a_doubt(digits, texts, monkeypatch):
    trusted = [None, *[0.9] * 99]
    stub = Stub(monkeypatch, ["", "0123", *texts[2:]], trusted)
    rows = doubt.evaluate_doubt(stub, digits, 100).rows
    assert (rows.num_wrong, rows.num_right) == (2, 98)
    assert (rows.silent, rows.doubted) == (0.5, 0)


def test_a_first_look_must_be_surer_than_nearly_all_that_the_others_find_out(
    digits, texts, monkeypatch
):
    # 40 wrong lines that the other looks make doubtful, one that they do not, and right ones.
    certain = [*np.linspace(0.801, 0.996, 40).tolist(), 0.999, *[1.0] * 59]
    others = [*[0.6] * 40, 0.999, 0.6, *[1.0] * 58]
    stub = Stub(
        monkeypatch,
        ["0123"] * 41 + texts[41:],
        [p**CAUTION for p in certain],
        [p**CAUTION for p in others],
    )
    fit = doubt.evaluate_doubt(stub, digits, 100)
    lost = sum(p > fit.sure for p in certain[:40]) / 40
    assert lost == doubt.LOST
    # Of those in one look nobody asked for the others, so they have no doubt.
    in_one_look = [p >= SURE for p in certain]
    assert fit.in_one_look == sum(in_one_look) / 100
    silent = (sum(in_one_look[:40]) + 1) / 41
    assert (fit.rows.num_wrong, fit.rows.silent) == (41, pytest.approx(silent))
    assert (fit.rows.num_right, fit.rows.doubted) == (59, 0)
