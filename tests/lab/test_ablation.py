import pytest
import torch

from mnist_transformer.config import TRANSFORMER_CONFIG
from mnist_transformer.dataset import embedded_digits
from mnist_transformer.lab import ablation


@pytest.mark.parametrize("name", ablation.VARIANTS)
def test_every_variant_builds_a_model_that_trains(name):
    change = ablation.VARIANTS[name]
    config = change.get("config", TRANSFORMER_CONFIG)
    model = change.get("make_model", ablation.Transformer)(config)
    logits = model(torch.rand(2, 32, 224), torch.tensor([[11, 1], [11, 2]]))
    assert logits.shape == (2, 2, 11)
    logits.sum().backward()


def test_rows_come_one_by_one(digits, monkeypatch):
    monkeypatch.setattr(ablation, "VALIDATION_LINES", 20)
    monkeypatch.setattr("mnist_transformer.train.VALIDATION_LINES", 20)
    names = ["the shipped recipe", "post-norm encoder"]
    few = ablation.ablate(digits, embedded_digits("validation"), num_lines=64, variants=names)
    rows = list(few)
    assert [row.variant for row in rows] == names
    assert all(0 <= row.line_accuracy <= 1 and row.parameters > 300_000 for row in rows)


def test_an_unknown_variant_is_refused(digits):
    with pytest.raises(ValueError, match="variant must be one of"):
        next(ablation.ablate(digits, digits, variants=["magic"]))
