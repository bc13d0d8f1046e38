"""Where a token or a patch stands, as a vector (Vaswani et al. 2017, section 3.5)."""

import math

import torch
from torch import Tensor

# Vaswani et al. take 10,000, for sentences: their slowest wave turns once in 60,000 places. Here
# are at most a few dozen places, on which such a wave would not move; with 100 it turns once in
# 600, so that every dimension tells places apart.
BASE = 100.0


def sinusoids(length: int, dim: int) -> Tensor:
    """(length, dim): sines and cosines of the place, from fast to slow waves.

    Two such vectors tell by their dot product how far apart they stand, which is what reading from
    left to right needs; started from random vectors, the decoder takes many times as long to learn
    where the next digit is. Used as the start of learned positions.
    """
    place = torch.arange(length).unsqueeze(1)  # (length, 1)
    frequency = torch.exp(-math.log(BASE) * torch.arange(0, dim, 2) / dim)  # (dim / 2, rounded up)
    waves = torch.stack([(place * frequency).sin(), (place * frequency).cos()], dim=2)
    return waves.flatten(1)[:, :dim]  # an odd width ends with a sine
