import dataclasses

import pytest

from mnist_transformer.lab import profiling
from mnist_transformer.training.recipes import Recipe


@pytest.fixture
def recipe(small_config):
    return Recipe(batch_size=4, config=small_config, ctc_weight=0.3, optimizer="muon")


def test_every_variant_is_timed(digits, recipe):
    names = ["as shipped", "batch 32", "channels first", "bf16 autocast"]  # compiling takes long
    assert {*names, "batch 128", "torch.compile"} == set(profiling.VARIANTS)
    rows = list(profiling.profile(digits, steps=1, recipe=recipe, variants=names))
    assert [row.variant for row in rows] == names
    for row in rows:
        parts = (row.data, row.forward, row.backward, row.optimizer)
        assert min(parts) > 0
        batch = 32 if row.variant == "batch 32" else recipe.batch_size
        assert abs(row.lines_per_second * sum(parts) / 1000 - batch) < 1e-6


def test_the_shipped_recipe_is_what_is_timed_unless_told_otherwise(digits, monkeypatch):
    asked = []
    monkeypatch.setattr(profiling, "_profile", lambda *args, **change: asked.append(args))
    list(profiling.profile(digits, variants=["as shipped"]))
    assert [args[3] for args in asked] == [dataclasses.replace(profiling.SHIPPED_TRANSFORMER)]
