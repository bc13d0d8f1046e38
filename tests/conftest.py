import pytest
import torch

from mnist_transformer import Config, Transformer
from mnist_transformer.dataset import embedded_digits, make_lines


@pytest.fixture(scope="session")
def digits():
    """Digits that every machine has."""
    return embedded_digits("train")


@pytest.fixture(scope="session")
def small_config():
    """A model that is quick to train: three digits on a narrow canvas."""
    return Config(
        canvas_width=96,
        stem_channels=(8, 8, 16),
        model_dim=32,
        mlp_dim=32,
        encoder_layers=1,
        decoder_layers=2,
        max_digits=3,
        dropout=0.0,
    )


@pytest.fixture
def model(small_config):
    """An untrained model, the same in every test."""
    torch.manual_seed(0)
    return Transformer(small_config).eval()


@pytest.fixture
def reading(model, lines):
    """What that model makes of one line, with its maps."""
    return model.read_canvases(lines[0][:1], attention=True)[0]


@pytest.fixture
def batch_sizes(monkeypatch):
    """How many canvases were read at once, a number for each batch since the test began."""
    sizes = []
    read_canvases = Transformer.read_canvases

    def counted(self, canvases, *options, **more):
        sizes.append(len(canvases))
        return read_canvases(self, canvases, *options, **more)

    monkeypatch.setattr(Transformer, "read_canvases", counted)
    return sizes


@pytest.fixture(scope="session")
def lines(digits, small_config):
    """Eight lines of one to three digits: (canvases, tokens)."""
    return make_lines(digits, 8, small_config, generator=torch.Generator().manual_seed(0))
