"""The shipped weights keep what the README says of them."""

import pytest
from PIL import Image, ImageDraw

from mnist_transformer import load_classifier, load_digits, load_transformer
from mnist_transformer.checkpoint import CLASSIFIER_WEIGHTS, TRANSFORMER_WEIGHTS, read_facts
from mnist_transformer.evals import evaluate_classifier, evaluate_transformer
from tests.pen import strokes


@pytest.fixture(scope="module")
def unseen():
    """MNIST's test digits, or where they are missing some that no shipped model has seen."""
    return load_digits("test", download=False)


def test_the_transformer_reads_lines(unseen):
    score = evaluate_transformer(load_transformer(), unseen)
    assert score.exact >= 0.90
    assert score.digits >= 0.98


def test_the_classifier_names_digits(unseen):
    assert evaluate_classifier(load_classifier(), unseen) >= 0.985


@pytest.mark.parametrize("path", [TRANSFORMER_WEIGHTS, CLASSIFIER_WEIGHTS])
def test_the_files_say_how_they_were_made(path):
    facts = read_facts(path)
    assert facts["settings"]["seed"] == 0
    assert facts["log"][-1]["validation"] > 0.85
    assert "score on MNIST test" in facts


@pytest.mark.parametrize("brush", [5, 12, 20])
@pytest.mark.parametrize("text", ["27350", "0123456789"[:8], "98", "6"])
def test_pen_strokes_are_read(text, brush):
    sheet = Image.new("L", (1100, 190), 255)
    pen = ImageDraw.Draw(sheet)
    for stroke in strokes(text, 50, 35, 115):
        pen.line(stroke, 0, brush, joint="curve")
    assert load_transformer().read(sheet).digits == text
