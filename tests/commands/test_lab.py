"""`ablate` and `profile`: the tables that they print."""

import dataclasses
from functools import partial

import pytest

from mnist_transformer import Transformer
from mnist_transformer.__main__ import main
from mnist_transformer.lab import ablation
from mnist_transformer.lab.ablation import ablate
from mnist_transformer.lab.profiling import profile
from mnist_transformer.training.recipes import Recipe


@pytest.fixture
def recipe(small_config):
    return Recipe(epochs=1, batch_size=8, config=small_config)


@pytest.fixture(autouse=True)
def embedded(digits, monkeypatch):
    for command in ("ablate", "profile"):
        path = f"mnist_transformer.commands.{command}.load_digits"
        monkeypatch.setattr(path, lambda *_: digits)


def cells(capsys):
    """The table's rows below the head and its rule."""
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    assert {len(row) for row in rows if len(row) > 1} == {len(rows[0])}
    return rows[2:]


@pytest.fixture
def variants(recipe, monkeypatch):
    deeper = dataclasses.replace(recipe.config, encoder_layers=2)
    found = {"as it is": recipe, "deeper": dataclasses.replace(recipe, config=deeper)}
    monkeypatch.setattr(ablation, "VARIANTS", found)
    few = partial(ablate, num_validation=20)
    monkeypatch.setattr("mnist_transformer.commands.ablate.ablate", few)
    return found


def test_ablate_prints_a_row_for_every_variant(capsys, variants):
    assert main(["ablate", "--num-lines", "16"]) == 0
    rows = cells(capsys)
    models = {name: Transformer(recipe.config) for name, recipe in variants.items()}
    sizes = [sum(p.numel() for p in model.parameters()) for model in models.values()]
    assert [row[:2] for row in rows] == [
        [name, f"{size:,}"] for name, size in zip(models, sizes, strict=True)
    ]
    assert sizes[0] < sizes[1]


def test_ablate_trains_the_variants_that_are_named(capsys, variants):
    assert main(["ablate", "deeper", "--num-lines", "8"]) == 0
    assert [row[0] for row in cells(capsys)] == ["deeper"]
    assert main(["ablate", "wider"]) == 1
    assert "variant must be one of as it is, deeper, not 'wider'" in capsys.readouterr().err


def test_profile_prints_where_a_steps_time_goes(capsys, recipe, monkeypatch):
    names = ["as shipped", "batch 32"]
    short = partial(profile, steps=1, recipe=recipe, variants=names)
    monkeypatch.setattr("mnist_transformer.commands.profile.profile", short)
    assert main(["profile"]) == 0
    rows = cells(capsys)
    assert [row[0] for row in rows] == names
    assert all(cell.endswith(" ms") for row in rows for cell in row[1:5])
    assert all(int(row[5]) > 0 for row in rows)
