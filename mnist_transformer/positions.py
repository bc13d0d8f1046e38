"""Where a token or a patch stands, as a vector (Vaswani et al. 2017, section 3.5)."""

import math

import torch
from torch import Tensor


def sinusoids(length: int, dim: int) -> Tensor:
    """(length, dim): sines and cosines of the place, from fast to slow waves.

    Two such vectors tell by their dot product how far apart they stand, which is what reading from
    left to right needs; started from random vectors, the decoder takes many times as long to learn
    where the next digit is. Used as the start of learned positions.
    """
    place = torch.arange(length).unsqueeze(1)
    frequency = torch.exp(-math.log(100.0) * torch.arange(0, dim, 2) / dim)
    return torch.stack([(place * frequency).sin(), (place * frequency).cos()], dim=2).flatten(1)
