"""Whose digits lines are written with: MNIST's, and the other kinds of this folder by shares."""

import os

import torch
from torch.utils.data import DataLoader, Dataset

from ..dataset import DigitSet, together
from .non_digits import non_digits as draw_non_digits
from .rerender import font_digits, rerender_digits, uci_digits
from .synthetic import synthetic_digits


def mix_sources(
    digits: DigitSet,
    *,
    rounds: int = 1,
    rerendered: float = 0.0,
    synthetic: float = 0.0,
    non_digits: float = 0.0,
    uci: float = 0.0,
    fonts: float = 0.0,
) -> DigitSet:
    """`digits` and, by the shares of the whole that are asked for, the other kinds of this folder.

    Args:
        digits: the main source.
        rounds: how many times `digits` stand in the whole, beside as many times more of the other
            kinds, so that each of those is met less often; several are drawn by worker processes.
        rerendered: of `digits`, redrawn with an even brush.
        synthetic: drawn by code, in the forms that are taught and written round the world.
        non_digits: letters and scribbles.
        uci: 13 other people's digits, redrawn.
        fonts: of handwriting fonts, redrawn.

    Raises:
        ValueError: if a share is negative, or nothing is left for `digits` themselves.
    """
    shares = (rerendered, synthetic, non_digits, uci, fonts)
    if min(shares) < 0 or sum(shares) >= 1:
        raise ValueError(
            f"the shares of the sources must be at least 0 and together below 1, not {shares}"
        )
    counts = [round(len(digits) * share / (1 - sum(shares))) for share in shares]
    others = _Others(digits, counts, rounds)
    if not len(others):
        return digits
    workers = min(len(others), os.cpu_count() or 1) if rounds > 1 else 0
    # In order, whichever worker is first; PyTorch's own random numbers stay as they were.
    loader = DataLoader(others, batch_size=None, num_workers=workers, generator=torch.Generator())
    return together([digits] * rounds + list(loader))


class _Others(Dataset):
    """What is drawn beside `digits`: every kind once a round, from a seed of its own."""

    def __init__(self, digits: DigitSet, counts: list[int], rounds: int):
        self.digits = digits
        kinds = [n for n, count in enumerate(counts) if count]
        self.counts = counts
        self.drawn = [(number, kind) for number in range(rounds) for kind in kinds]

    def __len__(self) -> int:
        return len(self.drawn)

    def __getitem__(self, index: int) -> DigitSet:
        number, kind = self.drawn[index]
        generator = torch.Generator().manual_seed(number * len(self.counts) + kind)
        if kind == 0:
            return rerender_digits(self.digits, self.counts[kind], generator)
        draw = (synthetic_digits, draw_non_digits, uci_digits, font_digits)[kind - 1]
        return draw(self.counts[kind], generator)
