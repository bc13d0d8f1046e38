"""The grid task: four MNIST digits in a square, read row by row.

Others have published readers of this rigid layout. Here it is a second layout for the very same
model, to be held against theirs.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..config import END, START, Config
from ..dataset import DigitSet
from .mnist import MNIST_SIDE as CELL  # a digit's square holds one image
from .warp import Warp, warp_digits

VARIED = 0.5  # share of the digits that are changed a little in training


def make_grids(
    digits: DigitSet,
    count: int,
    config: Config,
    *,
    generator: torch.Generator | None = None,
    vary: bool = True,
) -> tuple[Tensor, Tensor]:
    """Lay random digits in `count` grids of `config.text_rows` rows, with an even rim of paper.

    Args:
        digits: the digits to lay.
        count: number of grids.
        config: gives the canvas; its `max_digits` fill the rows evenly.
        generator: all randomness comes from it, so its seed fixes the grids; None means
            PyTorch's own.
        vary: whether to move, turn and bend half of the digits a little, as in training; else all
            are MNIST's images as they are.

    Returns:
        canvases: (count, height, width) float32, 0 = paper, 1 = ink.
        tokens: (count, max_digits + 2) int64: START, the digits row by row, END.

    Raises:
        ValueError: if the canvas is too small for the grid.
    """
    rows, cells = config.text_rows, config.max_digits
    columns = cells // rows
    down, right = config.canvas_height - rows * CELL, config.canvas_width - columns * CELL
    if down < 0 or right < 0 or cells % rows:
        raise ValueError(
            f"{cells} digits in {rows} rows of {CELL} pixel cells do not fit a canvas of "
            f"{config.canvas_height}x{config.canvas_width}"
        )
    index = torch.randint(len(digits), (count * cells,), generator=generator)
    images = digits.images[index].float() / 255
    if vary:
        images = vary_digits(images, digits.boxes[index], VARIED, generator)
    grids = images.view(count, rows, columns, CELL, CELL).transpose(2, 3)
    rim = (right // 2, right - right // 2, down // 2, down - down // 2)
    canvases = F.pad(grids.reshape(count, rows * CELL, columns * CELL), rim)
    tokens = torch.full((count, cells + 2), END)
    tokens[:, 0] = START
    tokens[:, 1:-1] = digits.labels[index].view(count, cells)
    return canvases, tokens


def vary_digits(
    images: Tensor, boxes: Tensor, share: float, generator: torch.Generator | None
) -> Tensor:
    """Some of the digits moved, resized, slanted, turned and bent a little.

    Args:
        images: (n, 28, 28) float, 0 = paper, 1 = ink; changed in place, and given back.
        boxes: (n, 4) as in `DigitSet`.
        share: how many of them, 0 to 1.
        generator: all randomness comes from it; None means PyTorch's own.

    Returns:
        (n, 28, 28) float.
    """
    changed = torch.rand(len(images), generator=generator) < share
    images[changed] = _varied(images[changed], boxes[changed], generator)
    return images


def _varied(images: Tensor, boxes: Tensor, generator: torch.Generator | None) -> Tensor:
    """All of the digits, (n, 28, 28), changed so."""
    count = len(images)

    def normal(spread: float) -> Tensor:
        return torch.randn(count, generator=generator) * spread

    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 - CELL / 2
    warp = Warp(
        scale=torch.exp(normal(0.07)),
        aspect=torch.exp(normal(0.07)),
        slant=normal(0.1),
        turn=normal(0.08),
        offset=middle[:, 1] + normal(0.7),
        bend=torch.randn(count, 2, 4, 4, generator=generator) * 0.7,
    )
    windows = warp_digits(images.unsqueeze(1), boxes, warp, height=CELL)
    # The window is wider than the cell, with the digit in its middle: cut it where the digit was.
    spare = (windows.shape[2] - CELL) // 2
    left = (spare - middle[:, 0] + normal(0.7)).round().long().clamp(0, 2 * spare)
    columns = (left[:, None] + torch.arange(CELL))[:, None].expand(-1, CELL, -1)
    return windows.gather(2, columns)
