"""Change a drawing by one thing: turn it, thicken it, lay noise over it."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ..hands.warp import change_stroke_width


def perturb(
    canvas: Tensor,
    rotation: float = 0.0,
    thickness: float = 0.0,
    noise: float = 0.0,
    seed: int = 0,
) -> Tensor:
    """A changed copy of a canvas.

    Args:
        canvas: (height, width) in [0, 1].
        rotation: degrees, clockwise, around the middle.
        thickness: -1 to 1: strokes thinner or thicker by that many pixels a side.
        noise: standard deviation of the noise added to every pixel.
        seed: fixes the noise.

    Raises:
        ValueError: if thickness or noise are out of range.
    """
    if not -1 <= thickness <= 1 or noise < 0:
        raise ValueError(
            "thickness must be between -1 and 1 and noise at least 0, not "
            f"{thickness:g} and {noise:g}"
        )
    changed = canvas[None, None]
    if rotation:
        height, width = canvas.shape
        cos, sin = math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
        turn = torch.tensor([[[cos, sin * height / width, 0], [-sin * width / height, cos, 0]]])
        grid = F.affine_grid(turn, [1, 1, height, width], align_corners=False)
        changed = F.grid_sample(changed, grid, align_corners=False)
    if thickness:
        changed = change_stroke_width(changed, torch.tensor(thickness))
    if noise:
        generator = torch.Generator().manual_seed(seed)
        changed = changed + torch.randn(canvas.shape, generator=generator) * noise
    return changed.clamp(0, 1)[0, 0]
