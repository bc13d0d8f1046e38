"""The shipped weights keep what their files, and so the documents, say of them."""

import dataclasses
import json
import os

import pytest

from mnist_transformer import load_classifier, load_digits, load_transformer
from mnist_transformer.checkpoint import (
    CLASSIFIER_WEIGHTS,
    GRID_WEIGHTS,
    PAIRS_WEIGHTS,
    TRANSFORMER_WEIGHTS,
    read_metadata,
)
from mnist_transformer.evals import (
    evaluate_classifier,
    evaluate_grids,
    evaluate_parts,
    evaluate_transformer,
)
from mnist_transformer.hands.pen import load_pen_digits
from mnist_transformer.ink import draw_strokes
from mnist_transformer.ink.brush import SHEET
from mnist_transformer.lab.confidence import evaluate_rejection
from mnist_transformer.lab.pages import evaluate_pairs
from mnist_transformer.lab.pen import evaluate_pen
from mnist_transformer.training.presets import SHIPPED_CLASSIFIER, SHIPPED_GRID, STREWN_PAIRS
from mnist_transformer.training.recipes import Recipe
from tests.pen import strokes

SLACK = 0.003  # other machines add numbers in another order


@pytest.fixture(scope="module")
def unseen():
    """MNIST's test digits, or where they are missing some that no shipped model has seen."""
    return load_digits("test", download=False)


def recorded(path, measure):
    """The scores that `evaluate MEASURE --record` wrote into the file."""
    (found,) = (
        score for name, score in read_metadata(path).items() if name.startswith(f"{measure} on ")
    )
    return found


def required(score, unseen, path, measure, least):
    """The score that is recorded, less the slack; other digits than MNIST's have other scores."""
    if unseen.source != "MNIST test":
        return least
    return recorded(path, measure)[score] - SLACK


def test_the_transformer_reads_lines(unseen):
    """A quarter of the lines that are recorded, so chance has more room."""
    score = evaluate_transformer(load_transformer(), unseen, num_lines=2_500)
    asked = (unseen, TRANSFORMER_WEIGHTS, "transformer")
    assert score.line_accuracy >= required("line_accuracy", *asked, least=0.90) - 0.003
    assert score.digit_accuracy >= required("digit_accuracy", *asked, least=0.98)


@pytest.mark.skipif("PEN_INK" not in os.environ, reason="needs pen strokes: $PEN_INK")
def test_the_transformer_reads_real_ink():
    """A fifth of the lines that are recorded, so chance has more room."""
    score = evaluate_pen(load_transformer(), load_pen_digits(os.environ["PEN_INK"]), num_lines=300)
    known = recorded(TRANSFORMER_WEIGHTS, "pen")
    assert score.total.line_accuracy >= known["line_accuracy"] - 0.03
    assert score.total.digit_accuracy >= known["digit_accuracy"] - 0.01


def test_the_transformer_is_unsure_of_what_is_no_digit():
    """An eighth of the pictures that are recorded, so chance has more room."""
    flagged = evaluate_rejection(load_transformer(), 60)
    known = recorded(TRANSFORMER_WEIGHTS, "rejection")["flagged"]
    assert all(share >= known[kind] - 0.1 for kind, share in flagged.items())


def test_the_grid_model_reads_grids(unseen):
    """A quarter of the grids that are recorded, so chance has more room."""
    score = evaluate_grids(load_transformer(GRID_WEIGHTS), unseen, 2_500)
    asked = (unseen, GRID_WEIGHTS, "grid")
    assert score.line_accuracy >= required("line_accuracy", *asked, least=0.95) - 0.003
    assert score.digit_accuracy >= required("digit_accuracy", *asked, least=0.985)


def test_the_classifier_names_digits(unseen):
    least = required("digit_accuracy", unseen, CLASSIFIER_WEIGHTS, "classifier", least=0.985)
    assert evaluate_classifier(load_classifier(), unseen) >= least


def test_the_pairs_model_reads_strewn_digits(unseen):
    """A seventh of the sheets that are recorded, so chance has more room; and better than the
    transformer, which it went on from, what is shown of sheets on which most digits touch."""
    score = evaluate_pairs(load_transformer(PAIRS_WEIGHTS), unseen, num_lines=300)
    asked = (unseen, PAIRS_WEIGHTS, "pairs")
    assert score.in_any_order >= required("in_any_order", *asked, least=0.95) - 0.02
    before, after = (
        evaluate_parts(load_transformer(path), unseen, 600).line_accuracy
        for path in (TRANSFORMER_WEIGHTS, PAIRS_WEIGHTS)
    )
    assert after > before


@pytest.mark.parametrize(
    ("path", "score"),
    [
        (TRANSFORMER_WEIGHTS, "transformer on MNIST test"),
        (CLASSIFIER_WEIGHTS, "classifier on MNIST test"),
        (GRID_WEIGHTS, "grid on MNIST test"),
        (PAIRS_WEIGHTS, "pairs on MNIST test"),
    ],
)
def test_the_files_say_how_they_were_made(path, score):
    metadata = read_metadata(path)
    assert metadata["settings"]["seed"] == 0
    assert metadata["log"][-1]["validation_accuracy"] > 0.85
    assert score in metadata


@pytest.mark.parametrize(
    ("path", "recipe"),
    [
        (CLASSIFIER_WEIGHTS, SHIPPED_CLASSIFIER),
        (GRID_WEIGHTS, SHIPPED_GRID),
        (PAIRS_WEIGHTS, STREWN_PAIRS),
    ],
)
def test_the_shipped_recipes_are_those_of_the_files(path, recipe):
    settings = read_metadata(path)["settings"]
    plain, expected = (json.loads(json.dumps(dataclasses.asdict(r))) for r in (Recipe(), recipe))
    if recipe.samples_per_epoch is None:
        expected["samples_per_epoch"] = 54_000
    # What recipes did not have yet when a file was written, they had left as it is by default.
    settings["config"] = plain["config"] | settings["config"]
    settings = plain | settings
    assert {name: settings[name] for name in expected} == expected


@pytest.mark.parametrize("brush", [5, 12, 20])
@pytest.mark.parametrize("text", ["27350", "0123456789"[:8], "98", "6"])
def test_pen_strokes_are_read(text, brush):
    sheet = draw_strokes(strokes(text, 50, 35, 115), SHEET, brush)
    assert load_transformer().read(sheet).digits == text
