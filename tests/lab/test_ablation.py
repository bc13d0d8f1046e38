import dataclasses

import pytest
import torch

from mnist_transformer import Transformer
from mnist_transformer.dataset import DigitSet, embedded_digits
from mnist_transformer.lab import ablation


@pytest.mark.parametrize("name", ablation.VARIANTS)
def test_every_variant_builds_a_model_that_trains(name):
    model = Transformer(ablation.VARIANTS[name].config)
    logits = model(torch.rand(2, 32, 224), torch.tensor([[11, 1], [11, 2]]))
    assert logits.shape == (2, 2, 11)
    logits.sum().backward()


def test_every_variant_differs_from_the_shipped_recipe_in_what_it_says():
    base = dataclasses.asdict(ablation.VARIANTS["the shipped recipe"])
    for name, recipe in list(ablation.VARIANTS.items())[1:]:
        changed = {
            field for field, value in dataclasses.asdict(recipe).items() if value != base[field]
        }
        assert len(changed) == (2 if "curriculum" in name else 1), name


def test_columns_alone_stay_without_rows():
    config = ablation.VARIANTS["1-D positions: columns, no rows"].config
    patches = Transformer(config).encoder.patches
    assert not patches.row_position.requires_grad and not patches.row_position.any()
    assert patches.column_position.requires_grad and patches.column_position.any()


def test_rows_come_one_by_one(digits):
    few = DigitSet.from_arrays(digits.images[::50], digits.labels[::50], "few")
    names = ["the shipped recipe", "post-norm"]
    rows = ablation.ablate(
        few, embedded_digits("validation"), num_lines=64, variants=names, num_validation=20
    )
    first, second = next(rows), next(rows)
    assert [first.variant, second.variant] == names and not list(rows)
    for row in (first, second):
        model = Transformer(ablation.VARIANTS[row.variant].config)
        assert row.parameters == sum(p.numel() for p in model.parameters()) > 300_000
        assert 0 <= row.line_accuracy <= row.digit_accuracy + 1 and row.seconds > 0
        assert row.line_accuracy * 20 == pytest.approx(round(row.line_accuracy * 20))


def test_an_unknown_variant_is_refused(digits):
    with pytest.raises(ValueError, match="variant must be one of"):
        next(ablation.ablate(digits, digits, variants=["the shipped recipe", "magic"]))
