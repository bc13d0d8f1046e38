import dataclasses

import pytest
import torch

from mnist_transformer import Transformer
from mnist_transformer.training.averaging import average_models, between


def test_every_weight_is_the_mean_and_the_models_stay_as_they_were(small_config):
    first, second = (Transformer(small_config) for _ in range(2))
    before = [p.clone() for p in first.parameters()]
    mean = average_models([first, second, second])
    assert not mean.training
    for a, b, c, d in zip(
        first.parameters(), second.parameters(), mean.parameters(), before, strict=True
    ):
        torch.testing.assert_close(c, (a + 2 * b) / 3)
        assert torch.equal(a, d)


def test_models_of_different_shapes_have_no_mean(small_config):
    other = Transformer(dataclasses.replace(small_config, encoder_layers=2))
    with pytest.raises(ValueError, match="one config"):
        average_models([Transformer(small_config), other])
    with pytest.raises(ValueError, match="at least one"):
        average_models([])


def test_a_model_between_two_keeps_a_share_of_the_first(small_config):
    before, after = (Transformer(small_config) for _ in range(2))
    model = between(before, after, 0.25)
    assert not model.training
    for a, b, c in zip(before.parameters(), after.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(c, 0.25 * a + 0.75 * b)
    same = zip(between(before, after, 0).parameters(), after.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
