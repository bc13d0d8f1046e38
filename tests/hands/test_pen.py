import dataclasses

import numpy as np
import pytest
from PIL import Image

from mnist_transformer import InkError, load_transformer
from mnist_transformer.hands.pen import BRUSHES, load_pen_digits, pen_lines
from mnist_transformer.ink.brush import SHEET
from mnist_transformer.lab.pen import evaluate_pen
from tests.pen import write_ink


@pytest.fixture
def ink(tmp_path):
    """A file of pen strokes: two writers, every digit, in tablet units."""
    return write_ink(tmp_path / "ink.jsonl")


def test_lines_are_fixed_and_take_turns(ink):
    digits = load_pen_digits(ink)
    first, again = (list(pen_lines(digits, 16, seed=3)) for _ in range(2))
    assert [line.digits for line in first] == [line.digits for line in again]
    assert all(np.array_equal(a.picture, b.picture) for a, b in zip(first, again, strict=True))
    assert {line.writer for line in first} == {"a", "b"}
    assert {line.brush for line in first} == set(BRUSHES)
    assert all(1 <= len(line.digits) <= 8 and line.picture.size == SHEET for line in first)


def test_a_thicker_brush_leaves_more_ink_and_none_is_cut_off(ink):
    amounts = {}
    for line in pen_lines(load_pen_digits(ink), 80, seed=4):
        pixels = 255 - np.asarray(line.picture).astype(float)
        assert pixels[0].max() == pixels[-1].max() == pixels[:, 0].max() == pixels[:, -1].max() == 0
        amounts.setdefault(line.brush, []).append(pixels.sum() / len(line.digits))
    means = [np.mean(amounts[brush]) for brush in BRUSHES]
    assert means == sorted(means)


def test_the_score_counts_what_the_page_would_read(ink):
    digits = load_pen_digits(ink)
    model = load_transformer()
    score = evaluate_pen(model, digits, num_lines=24, seed=5)
    lines = list(pen_lines(digits, 24, seed=5))
    wrong = [line.digits for line in lines if model.read(line.picture).digits != line.digits]
    assert score.total.line_accuracy == pytest.approx(1 - len(wrong) / 24)
    assert [line.digits for line, _ in score.misread] == wrong
    assert set(score.line_accuracy_by_writer) == {"a", "b"}
    assert set(score.line_accuracy_by_brush) == set(BRUSHES)
    assert score.total.line_accuracy > 0.8


def test_a_line_that_is_refused_is_one_of_which_nothing_is_read(ink, model, monkeypatch):
    def refuse(picture):
        raise InkError("the drawing has 2 rows of digits")

    blank = model.read(Image.new("L", SHEET, 255))
    answers = iter([refuse, lambda picture: dataclasses.replace(blank, digits="1")])
    monkeypatch.setattr(model, "read", lambda picture: next(answers)(picture))
    monkeypatch.setattr("mnist_transformer.lab.pen.reliability", lambda readings: None)
    score = evaluate_pen(model, load_pen_digits(ink), num_lines=2, seed=5)
    assert score.total.num_lines == 2
    assert [read for _, read in score.misread][0] == ""


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        "{}",
        '{"label": 11, "writer": "a", "strokes": [[[0, 0]]]}',
        '{"label": 1, "writer": "a", "strokes": []}',
        '{"label": 1, "writer": "a", "strokes": [[[0]]]}',
    ],
)
def test_a_bad_line_is_named(tmp_path, ink, line):
    path = tmp_path / "bad.jsonl"
    path.write_text(ink.read_text().splitlines()[0] + "\n" + line + "\n")
    with pytest.raises(ValueError, match="line 2, holds no pen digit"):
        load_pen_digits(path)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(ValueError, match="no pen digits"):
        load_pen_digits(tmp_path / "empty.jsonl")
