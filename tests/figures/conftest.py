import dataclasses

import pytest
import torch


@pytest.fixture
def off(reading):
    """The same reading, as if the second head of the first decoder layer were off."""
    cross = reading.attention.cross.clone()
    cross[0, 1] = 0
    maps = dataclasses.replace(reading.attention, cross=cross)
    return dataclasses.replace(reading, attention=maps)


@pytest.fixture
def weights():
    """(layers, heads, patches) for the 4 x 12 patches of the small model, every panel's its own."""
    return torch.rand(3, 2, 48, generator=torch.Generator().manual_seed(0))
