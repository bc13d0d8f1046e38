from dataclasses import replace

import numpy as np
import pytest
import torch

from mnist_transformer import InkError, load_transformer
from mnist_transformer.config import END
from mnist_transformer.explain import counted
from mnist_transformer.explain.counted import (
    likeliest_lengths,
    lines_of_each_length,
    read_counted,
)
from mnist_transformer.explain.decoding import beam_search
from mnist_transformer.ink import looks, looks_as_drawn, open_drawing
from mnist_transformer.page import prepare_page
from mnist_transformer.reading import PASSED_OVER
from tests import ROOT

EXAMPLE = ROOT / "demo" / "examples" / "2026.png"


@pytest.fixture(scope="module")
def model():
    return load_transformer()


def test_the_right_count_reads_as_a_plain_reading_does(model):
    page = read_counted(model, EXAMPLE, 4)
    plain = model.read_page(EXAMPLE)
    assert page.digits == plain.digits == "2026"
    assert page.rows[0].box == plain.rows[0].box
    assert page.probabilities == pytest.approx(plain.probabilities, abs=0.02)


def test_what_is_shown_of_a_reading_is_what_was_read_as_it_is_drawn(model):
    (row,) = read_counted(model, EXAMPLE, 4).rows
    ((look, *_),) = prepare_page(open_drawing(EXAMPLE), model.config, looks_as_drawn).canvases
    assert (row.parts[0].canvas.numpy() == look).all()


@pytest.mark.parametrize("count", [1, 3, 6])
def test_another_count_is_kept_too_and_is_not_trusted(model, count):
    page = read_counted(model, EXAMPLE, count)
    assert len(page.digits) == count
    assert min(page.probabilities) < 0.7


def test_where_ink_was_left_out_no_digit_is_trusted_far(model, monkeypatch):
    assert min(read_counted(model, EXAMPLE, 4).probabilities) > PASSED_OVER

    def with_ink_left_out(*given):
        prepared = prepare_page(*given)
        return replace(prepared, rows=[(parts, box, True) for parts, box, _ in prepared.rows])

    monkeypatch.setattr(counted, "prepare_page", with_ink_left_out)
    page = read_counted(model, EXAMPLE, 4)
    assert page.rows[0].lacks_ink and max(page.probabilities) == PASSED_OVER


def test_of_one_look_the_lines_are_those_of_a_wide_beam_search(model):
    canvas = model.read(EXAMPLE).canvas
    lines = lines_of_each_length(model, canvas[None])
    assert [len(line.digits) for line in lines] == list(range(model.config.max_steps))
    likeliest = max(lines, key=lambda line: line.score)
    (best,) = beam_search(model, canvas, num_beams=1)
    assert likeliest.digits == best.digits
    assert np.exp(likeliest.score) == pytest.approx(best.probability, rel=1e-4)


def test_a_lines_score_is_that_of_its_own_steps(model):
    for line in lines_of_each_length(model, looks(model.read(EXAMPLE).canvas)):
        tokens = [*map(int, line.digits), END]
        steps = line.distributions[range(len(tokens)), tokens]
        assert float(steps.log().sum()) == pytest.approx(line.score, abs=1e-4)
        torch.testing.assert_close(line.distributions.sum(1), torch.ones(len(tokens)))


def test_lengths_are_shared_out_by_what_is_likeliest_together():
    scores = [[-9.0, -1.0, -2.0], [-9.0, -5.0, -0.5], [-8.0, -0.1, -9.0]]
    assert likeliest_lengths(scores, 3) == [1, 1, 1]
    assert likeliest_lengths(scores, 4) == [1, 2, 1]
    assert likeliest_lengths(scores, 2) == [1, 0, 1] or likeliest_lengths(scores, 2) == [0, 1, 1]
    assert likeliest_lengths(scores, 6) == [2, 2, 2]


def test_blank_paper_and_impossible_counts_are_told(model):
    assert read_counted(model, np.zeros((40, 40), np.uint8), 2).rows == []
    with pytest.raises(InkError, match="at most 8 digits, not 9"):
        read_counted(model, EXAMPLE, 9)
    with pytest.raises(ValueError, match="at least 1, not 0"):
        read_counted(model, EXAMPLE, 0)
    with pytest.raises(ValueError, match="eval"):
        read_counted(model.train(), EXAMPLE, 4)
    model.eval()
