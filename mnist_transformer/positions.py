"""Where a token or a patch stands, as a vector (Vaswani et al. 2017, section 3.5)."""

import numpy as np
import torch
from torch import Tensor, nn

from .config import PositionInit

# Vaswani et al. take 10,000, for sentences: their slowest wave turns once in 60,000 places. Here
# are at most a few dozen places, on which such a wave would not move; with 100 it turns once in
# 600, so that every dimension tells places apart.
BASE = 100.0


def initial_positions(length: int, dim: int, init: PositionInit) -> Tensor:
    """(length, dim): what learned positions start from."""
    if init == "random":
        return nn.init.normal_(torch.empty(length, dim), std=0.02)
    return sinusoids(length, dim)


def sinusoids(length: int, dim: int) -> Tensor:
    """(length, dim): sines and cosines of the place, from fast to slow waves.

    Two such vectors tell by their dot product how far apart they stand, which is what reading from
    left to right needs; started from random vectors, the decoder takes many times as long to learn
    where the next digit is. Used as the start of learned positions.
    """
    place = np.arange(length)[:, None]  # (length, 1)
    frequency = BASE ** (-np.arange(0, dim, 2) / dim)  # (dim / 2,), rounded up
    waves = np.stack([np.sin(place * frequency), np.cos(place * frequency)], axis=2)
    # An odd width ends with a sine. In NumPy, as models are loaded on the "meta" device, where
    # PyTorch would count by way of SymPy and TorchDynamo, which take a second to import.
    return torch.tensor(waves.reshape(length, -1)[:, :dim], dtype=torch.float32)
