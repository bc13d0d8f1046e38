"""An encoder in whole numbers reads what the one in floats reads, or is not used."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mnist_transformer import Transformer, load_transformer
from mnist_transformer.__main__ import main
from mnist_transformer.bulk import quantized as module
from mnist_transformer.bulk.quantized import (
    QuantizedConvolution,
    QuantizedMLP,
    quantize_stem,
    quantized,
)
from mnist_transformer.checkpoint import save_model
from mnist_transformer.commands import read
from mnist_transformer.config import GRID_CONFIG, Config
from mnist_transformer.mlp import MLP
from tests import ROOT

EXAMPLES = sorted((ROOT / "demo" / "examples").glob("*.png"))
needs_instructions = pytest.mark.skipif(
    not module._has_instructions(), reason="the processor has no sums of products of 8 bits"
)


@pytest.fixture(scope="module")
def shipped():
    return load_transformer()


@needs_instructions
def test_the_examples_are_read_alike(shipped):
    whole = quantized(shipped)
    assert whole is not shipped
    for path in EXAMPLES:
        expected, found = shipped.read(path), whole.read(path)
        assert found.digits == expected.digits == path.stem
        assert found.uncertain == expected.uncertain
        torch.testing.assert_close(found.distributions, expected.distributions, atol=0.05, rtol=0.0)


@needs_instructions
def test_the_model_itself_stays_as_it_is_and_lends_its_weights(shipped):
    before = {name: tensor.clone() for name, tensor in shipped.state_dict().items()}
    whole = quantized(shipped)
    assert all(torch.equal(before[name], tensor) for name, tensor in shipped.state_dict().items())
    assert whole.decoder.position is shipped.decoder.position
    kinds = {type(part) for part in whole.modules()} - {type(part) for part in shipped.modules()}
    assert {QuantizedConvolution, QuantizedMLP} <= kinds


@needs_instructions
def test_it_is_made_once_and_neither_saved_nor_copied(shipped, tmp_path):
    whole = quantized(shipped)
    assert quantized(whole) is whole
    for attempt in (
        lambda: save_model(whole, tmp_path / "whole.safetensors"),
        lambda: copy.deepcopy(whole),
        lambda: pickle.dumps(whole),
    ):
        with pytest.raises(TypeError, match="cannot be saved or copied"):
            attempt()
    assert not list(tmp_path.iterdir())


@needs_instructions
@pytest.mark.parametrize("stride", [1, 2])
def test_sums_of_whole_numbers_are_exact(stride):
    generator = torch.Generator().manual_seed(stride)
    layer = nn.Conv2d(32, 16, 3, stride, padding=1)
    layer.weight.data = torch.randn(layer.weight.shape, generator=generator)
    # The largest values there are: a processor without the right instructions cuts them off.
    x = torch.randint(200, 256, (2, 32, 8, 12), generator=generator, dtype=torch.uint8)
    x = x.contiguous(memory_format=torch.channels_last)
    step = layer.weight.abs().amax((1, 2, 3)) / 127
    weight = (layer.weight / step[:, None, None, None]).round()
    sums = F.conv2d(x.double(), weight.double(), None, stride, 1)
    expected = sums * 0.01 * step.double()[:, None, None] + layer.bias.double()[:, None, None]
    with torch.no_grad():
        found = QuantizedConvolution(layer, 0.01, None)(x)
        torch.testing.assert_close(found.double(), expected.relu(), atol=1e-3, rtol=1e-5)
        rounded = QuantizedConvolution(layer, 0.01, 0.1)(x)
    assert rounded.dtype == torch.uint8
    away = rounded.double() - (expected.relu() / 0.1).clamp(max=255)
    assert away.abs().max() <= 0.5 + 1e-3


@needs_instructions
def test_batch_norms_are_folded_in():
    torch.manual_seed(0)
    model = Transformer(Config(stem_channels=(8, 16, 32), stem_norm=True))
    model.train()
    lines = (torch.rand(16, 32, 224) > 0.9).float()
    with torch.no_grad():
        for _ in range(30):
            model.encoder.patches(lines)
    whole = copy.deepcopy(model.eval().encoder)
    whole.patches.stem = quantize_stem(whole.patches.stem, lines)
    assert module.difference(model.encoder, whole, lines) < 0.05


@needs_instructions
@pytest.mark.parametrize("scale", [1, 10])
def test_an_mlp_rounds_what_it_reads_and_what_it_hides_and_cuts_off_what_is_too_large(scale):
    torch.manual_seed(0)
    mlp, x = MLP(64, 256), torch.randn(4, 28, 64)
    with torch.no_grad():
        for layer in (mlp.expand, mlp.contract):
            layer.weight *= 4
        whole = QuantizedMLP(mlp, x)
        found = whole(x * scale)

        def rounded(values, step, zero):
            return ((values / step + zero).round().clamp(0, 255) - zero) * step

        def linear(layer, values):
            step = layer.weight.abs().amax(1, keepdim=True).double() / 127
            return values.double() @ ((layer.weight / step).round() * step).T + layer.bias

        hidden = F.gelu(linear(mlp.expand, rounded(x * scale, *whole.outer)))
        expected = linear(mlp.contract, rounded(hidden, *whole.inner))
    # A value in the middle between two steps may be rounded to either.
    most = whole.inner[0] * mlp.contract.weight.abs().max()
    assert (found - expected).abs().max() < 2 * most
    assert (found - expected).abs().mean() < most / 10


@needs_instructions
def test_an_encoder_that_normalises_sums_is_put_in_whole_numbers_too():
    torch.manual_seed(0)
    model = Transformer(Config(norm_first=False)).eval()
    whole = quantized(model)
    assert whole is not model
    canvases = (torch.rand(4, 32, 224) > 0.9).float()
    with torch.no_grad():
        assert module.difference(model.encoder, whole.encoder, canvases) < 0.05


@needs_instructions
def test_an_encoder_that_makes_something_else_of_lines_is_not_used(shipped, monkeypatch):
    def damaged(stem, lines):
        whole = quantize_stem(stem, lines)
        return nn.Sequential(*whole, nn.Hardtanh(-1, 1))

    monkeypatch.setattr(module, "quantize_stem", damaged)
    assert quantized(shipped) is shipped


def test_a_model_that_cannot_have_one_is_given_back(shipped, monkeypatch):
    for model in (
        Transformer(GRID_CONFIG).eval(),
        Transformer(Config(stem_channels=())).eval(),
        Transformer(Config()).eval().bfloat16(),
    ):
        assert quantized(model) is model
    monkeypatch.setattr(module, "_has_instructions", lambda: False)
    assert quantized(shipped) is shipped


def test_the_shell_takes_it_for_many_files_alone(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(module, "quantized", lambda model: asked.append(True) or model)
    monkeypatch.setattr(read, "MANY", 3)
    assert main(["read", *map(str, EXAMPLES[:2])]) == 0 and not asked
    assert main(["read", *map(str, EXAMPLES[:3])]) == 0 and asked == [True]
    assert capsys.readouterr().out.count("\n") == 5
