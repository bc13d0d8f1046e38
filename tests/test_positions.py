import pytest
import torch

from mnist_transformer import Config, Transformer
from mnist_transformer.positions import BASE, sinusoids


@pytest.mark.parametrize("dim", [1, 2, 9, 64])
def test_a_place_is_sines_and_cosines_of_ever_slower_waves(dim):
    positions = sinusoids(28, dim)
    assert positions.shape == (28, dim) and positions.dtype == torch.float32
    for n in range(dim):
        angle = torch.arange(28) / BASE ** ((n - n % 2) / dim)
        expected = angle.cos() if n % 2 else angle.sin()
        torch.testing.assert_close(positions[:, n], expected, atol=1e-5, rtol=0)


def test_the_nearer_two_places_the_more_alike_they_are():
    positions = sinusoids(28, 48)
    alike = positions @ positions.T
    for distance in range(1, 6):
        assert (alike.diagonal(distance) < alike.diagonal(distance - 1)[:-1]).all()
    # Only the distance counts, not the place.
    torch.testing.assert_close(alike.diagonal(3), alike[0, 3].expand(25), atol=1e-4, rtol=0)


def test_any_width_that_the_config_takes_can_be_built_and_read_with():
    for model_dim in (12, 20, 36):  # a quarter of these tells the row: an odd number
        model = Transformer(Config(model_dim=model_dim, canvas_width=64, max_digits=2)).eval()
        assert model.read_canvases(torch.rand(1, 32, 64))[0].steps
