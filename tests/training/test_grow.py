import dataclasses

import pytest
import torch

from mnist_transformer import Transformer
from mnist_transformer.training.grow import grow


@pytest.fixture
def trained(small_config):
    """A model whose norms have statistics of their own."""
    torch.manual_seed(0)
    model = Transformer(small_config).train()
    for _ in range(3):
        model(torch.rand(4, 32, 96), torch.zeros(4, 2, dtype=torch.long))
    return model.eval()


def larger(config, **changes):
    sizes = dict(stem_depth=3, stem_norm=False, encoder_layers=3, decoder_layers=3)
    return dataclasses.replace(config, **sizes | changes)


@torch.no_grad()
def test_a_grown_model_computes_what_the_model_did(trained, lines):
    canvases, tokens = lines
    before = trained(canvases, tokens[:, :-1])
    grown = grow(trained, larger(trained.config))
    assert sum(p.numel() for p in grown.parameters()) > sum(p.numel() for p in trained.parameters())
    torch.testing.assert_close(grown(canvases, tokens[:, :-1]), before, rtol=1e-4, atol=1e-5)
    again = grow(grown, larger(trained.config, stem_depth=4))
    torch.testing.assert_close(again(canvases, tokens[:, :-1]), before, rtol=1e-4, atol=1e-5)


def test_a_model_goes_on_as_it_is(trained, lines):
    same = grow(trained, trained.config)
    for name, tensor in trained.state_dict().items():
        assert torch.equal(same.state_dict()[name], tensor)


def test_what_was_added_is_trained_too(trained, lines):
    canvases, tokens = lines
    grown = grow(trained, larger(trained.config)).train()
    grown(canvases, tokens[:, :-1]).logsumexp(-1).sum().backward()
    added = grown.encoder.layers[-1].mlp.contract, grown.encoder.patches.stem[4]
    assert all(module.weight.grad.abs().max() > 0 for module in added)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder_layers": 0 + 1, "stem_depth": 1}, "stem_depth"),
        ({"model_dim": 64}, "model_dim"),
        ({"stem_norm": True}, "stem_norm"),
    ],
)
def test_a_model_grows_only_where_it_can(trained, change, message):
    with pytest.raises(ValueError, match=message):
        grow(trained, larger(trained.config, **change))


@torch.no_grad()
def test_a_model_that_normalises_last_grows_its_stem_alone(small_config, lines):
    torch.manual_seed(0)
    canvases, tokens = lines
    model = Transformer(dataclasses.replace(small_config, norm_first=False)).eval()
    with pytest.raises(ValueError, match="normalises last"):
        grow(model, larger(model.config))
    grown = grow(model, larger(model.config, encoder_layers=1, decoder_layers=2))
    before = model(canvases, tokens[:, :-1])
    torch.testing.assert_close(grown(canvases, tokens[:, :-1]), before, rtol=1e-4, atol=1e-5)
