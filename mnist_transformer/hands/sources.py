"""Whose digits lines are written with: MNIST's, and the other kinds of this folder by shares."""

import torch

from ..dataset import DigitSet
from .non_digits import non_digits as draw_non_digits
from .rerender import font_digits, rerender_digits, uci_digits
from .synthetic import synthetic_digits


def mix_sources(
    digits: DigitSet,
    *,
    rerendered: float = 0.0,
    synthetic: float = 0.0,
    non_digits: float = 0.0,
    uci: float = 0.0,
    fonts: float = 0.0,
) -> DigitSet:
    """`digits` and, by the shares of the whole that are asked for, the other kinds of this folder.

    Args:
        digits: the main source.
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
    generator = torch.Generator().manual_seed(0)
    rerendered, synthetic, non_digits, uci, fonts = (
        round(len(digits) * share / (1 - sum(shares))) for share in shares
    )
    whole = digits
    if rerendered:
        whole += rerender_digits(digits, rerendered, generator)
    if synthetic:
        whole += synthetic_digits(synthetic, generator)
    if non_digits:
        whole += draw_non_digits(non_digits, generator)
    if uci:
        whole += uci_digits(uci, generator)
    if fonts:
        whole += font_digits(fonts, generator)
    return whole
