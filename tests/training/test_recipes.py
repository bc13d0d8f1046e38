import dataclasses
import math

import pytest

from mnist_transformer.commands.train import MODEL_OF
from mnist_transformer.config import GRID_CONFIG, TRANSFORMER_CONFIG
from mnist_transformer.training.presets import PRESETS, SHIPPED_TRANSFORMER
from mnist_transformer.training.recipes import Recipe


def test_the_plain_recipe_is_the_documented_one():
    plain = PRESETS["documented"]["transformer"]
    assert (plain.epochs, plain.batch_size, plain.lr) == (30, 32, 0.001)
    assert plain.config == TRANSFORMER_CONFIG and plain.optimizer == "adamw"
    classifier = PRESETS["documented"]["classifier"]
    assert (classifier.epochs, classifier.batch_size, classifier.lr) == (10, 32, 0.001)
    assert PRESETS["documented"]["grid"].config == GRID_CONFIG


def test_every_preset_is_of_the_models_own_task():
    for models in PRESETS.values():
        for model, recipe in models.items():
            assert MODEL_OF[recipe.task] == model


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, not 0"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, not 0"),
        ({"batch_size": 1.5}, "batch_size must be a whole number of at least 1, not 1.5"),
        ({"samples_per_epoch": True}, "samples_per_epoch must be a whole number of at least 1"),
        ({"warmup_steps": -1}, "warmup_steps must be a whole number of at least 0, not -1"),
        ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
        ({"lr": 0.0}, "lr must be a number above 0, not 0.0"),
        ({"lr": math.nan}, "lr must be a number above 0, not nan"),
        ({"lr": "fast"}, "lr must be a number above 0, not 'fast'"),
        ({"ctc_weight": -0.1}, "ctc_weight must be a number of at least 0, not -0.1"),
        ({"ema_decay": 1}, "ema_decay must be at least 0 and below 1, not 1"),
        ({"curriculum": 2}, "curriculum must be between 0 and 1, not 2"),
        ({"augmentation": -1}, "augmentation must be between 0 and 1, not -1"),
        ({"label_smoothing": math.nan}, "label_smoothing must be between 0 and 1, not nan"),
        ({"short_canvas_share": 1.1}, "short_canvas_share must be between 0 and 1, not 1.1"),
        ({"non_digits": -0.1}, "non_digits must be between 0 and 1, not -0.1"),
        ({"rerendered": 0.5, "synthetic": 0.5}, "rerendered, .* must be below 1 together"),
        ({"optimizer": "sgd"}, "optimizer must be one of adamw, muon, not 'sgd'"),
        ({"task": "words"}, "task must be one of lines, grids, pairs, digits, not 'words'"),
        ({"config": GRID_CONFIG}, "config.text_rows must be 1 for the task 'lines', not 2"),
        (
            {"task": "pairs", "config": dataclasses.replace(TRANSFORMER_CONFIG, max_digits=1)},
            "config.max_digits must be 2 or more for the task 'pairs', not 1",
        ),
        ({"task": "grids"}, "config.text_rows must be 2 or more for the task 'grids', not 1"),
        ({"task": "digits", "ctc_weight": 0.3}, "ctc_weight must be 0 for the task 'digits'"),
        (
            {"task": "grids", "config": GRID_CONFIG, "curriculum": 0.1},
            "curriculum must be 0 for the task 'grids'",
        ),
    ],
)
def test_what_is_out_of_range_is_named_with_the_range(change, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**change)


def test_a_variant_is_checked_too():
    with pytest.raises(ValueError, match="epochs"):
        dataclasses.replace(SHIPPED_TRANSFORMER, epochs=-1)


def test_a_misspelt_field_is_refused():
    with pytest.raises(TypeError, match="curiculum"):
        dataclasses.replace(SHIPPED_TRANSFORMER, curiculum=0.1)
