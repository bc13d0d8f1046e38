"""Pictures of digits, fitted to a hand: scaled, slanted, turned, bent, thickened, pasted."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .mnist import MNIST_SIDE


@dataclass(frozen=True, eq=False)
class Warp:
    """How each of n digits is changed.

    Attributes:
        scale, aspect, slant, turn: (n,); canvas pixels per image pixel, width : height, pixels to
            the right for each pixel up, radians clockwise.
        offset: (n,) pixels below the middle of the window.
        bend: (n, 2, 4, 4) displacements, in image pixels, of a coarse net over the digit.
    """

    scale: Tensor
    aspect: Tensor
    slant: Tensor
    turn: Tensor
    offset: Tensor
    bend: Tensor


def warp_digits(images: Tensor, boxes: Tensor, warp: Warp, *, height: int) -> Tensor:
    """Draw each digit into a window as high as the canvas, its box in the middle.

    Args:
        images: (n, 1, 28, 28) in [0, 1].
        boxes: (n, 4) as in `DigitSet`.
        warp: how.
        height: of the window, in pixels.

    Returns:
        (n, height, 1.5 * height) in [0, 1].
    """
    width = height * 3 // 2
    y = (torch.arange(height) - (height - 1) / 2).view(1, -1, 1) - warp.offset.view(-1, 1, 1)
    x = (torch.arange(width) - (width - 1) / 2).view(1, 1, -1)
    scale, aspect, slant, turn = (
        values.view(-1, 1, 1) for values in (warp.scale, warp.aspect, warp.slant, warp.turn)
    )
    # From the window back to the image: undo turn, slant, then size.
    x, y = x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()
    x = (x + slant * y) / (scale * aspect)
    y = y / scale
    middle = MNIST_SIDE / 2
    net = torch.stack([x, y], dim=1) / middle
    net = net + _sample(warp.bend / middle, net, padding_mode="border")
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    net = net + ((centre - middle) / middle).view(-1, 2, 1, 1)
    return _sample(images, net).squeeze(1)


def _sample(images: Tensor, net: Tensor, padding_mode: str = "zeros") -> Tensor:
    """`images` where `net` points: (n, 2, height, width), x and y from -1 to 1."""
    places = net.permute(0, 2, 3, 1)
    return F.grid_sample(images, places, "bilinear", padding_mode, align_corners=False)


def change_stroke_width(images: Tensor, amount: Tensor) -> Tensor:
    """Thicken (amount > 0, up to one pixel a side) or thin (amount < 0) grey strokes.

    Args:
        images: (..., height, width) in [0, 1].
        amount: one number, or one for every image, (n, 1, 1, 1).
    """
    thick, thin = _darkest_around(images), -_darkest_around(-images)
    return images + amount.abs() * (torch.where(amount > 0, thick, thin) - images)


def write_strokes(images: Tensor, stroke: Tensor, limits: float) -> Tensor:
    """The images with the strokes of a hand (see `Hand.stroke` and `Hand.stroke_limits`).

    Args:
        images: (n, 1, 28, 28) in [0, 1].
        stroke: (n, 1, 1, 1).
        limits: 0 to 1.
    """
    # Thick strokes are not made thicker, nor thin ones thinner, than MNIST's writers wrote them.
    thick = _share_of_core(images)
    sensible = torch.where(stroke > 0, 1 - thick, thick) * stroke
    return change_stroke_width(images, limits * stroke + (1 - limits) * sensible)


def _share_of_core(images: Tensor) -> Tensor:
    """(n, 1, 1, 1) from 0, strokes one pixel wide, to 1, strokes so wide that loops may close."""
    core = -_darkest_around(-images)
    share = core.sum((1, 2, 3), keepdim=True) / images.sum((1, 2, 3), keepdim=True)
    return ((share - 0.05) / 0.3).clamp(0, 1)


def _darkest_around(images: Tensor) -> Tensor:
    """The greatest of every pixel and its eight neighbours.

    `F.max_pool2d` gives the same, but takes pictures of one channel pixel by pixel.
    """
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    rows = torch.maximum(padded[..., :-2, :], padded[..., 2:, :])
    rows = torch.maximum(rows, padded[..., 1:-1, :])
    return torch.maximum(torch.maximum(rows[..., :-2], rows[..., 2:]), rows[..., 1:-1])


def paste_windows(windows: Tensor, x: Tensor, width: int) -> Tensor:
    """Lay the windows of each line on its canvas, the darker ink winning where they overlap.

    Args:
        windows: (lines, slots, height, window width); an empty slot is all paper.
        x: (lines, slots), the column of each window's left edge, which may lie off the canvas.
        width: of the canvas.

    Returns:
        (lines, height, width).
    """
    count, slots, height, margin = windows.shape
    canvases = torch.zeros(count, height, width + 2 * margin)
    for slot in range(slots):
        columns = (x[:, slot, None] + margin + torch.arange(margin))[:, None]
        columns = columns.clamp(0, width + 2 * margin - 1).expand(-1, height, -1)
        under = canvases.gather(2, columns)
        canvases.scatter_(2, columns, torch.maximum(under, windows[:, slot]))
    return canvases[:, :, margin : margin + width].contiguous()
